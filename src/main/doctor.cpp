#include "main/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "base/log.h"
#include "main/config.h"
#include "main/doctor_report.h"
#include "main/server_user.h"
#include "net/loop.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "sandbox/audit_listener.h"
#include "sandbox/host_advice.h"
#include "sandbox/spawner_client.h"
#include "telemetry/denied_calls.h"

namespace lambent {
namespace {

using sandbox::Capability;
using sandbox::Enforcement;

constexpr std::array kFlags = {"--config", "--data", "--user", "--require-isolation", "--record-denied-calls"};

// The value of "Name:\tvalue" in a status file of /proc.
std::string field(const std::string& status, const std::string& name) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return line.substr(line.find_first_not_of(" \t", name.size() + 1));
  }
  return {};
}

// What a program inside sees of itself, against what the sandbox promises.
Capability judge(const std::string& status) {
  std::vector<std::string> wrong;
  const auto expect = [&](const char* name, std::string_view wanted) {
    if (field(status, name) != wanted) wrong.push_back(fmt::format("{} is {}", name, field(status, name)));
  };
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) expect(set, "0000000000000000");
  expect("NoNewPrivs", "1");
  expect("Seccomp", "2");
  if (!wrong.empty()) {
    return {"seen from inside", Enforcement::none, "",
            fmt::format("a sandbox was made, but {}", fmt::join(wrong, ", "))};
  }
  return {"seen from inside", Enforcement::full, "a program in a sandbox has no capability, no_new_privs and a filter",
          ""};
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t length = 0; (length = read(fd, chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(length));
  }
  return text;
}

net::Task<Capability> look_inside(sandbox::SpawnerClient& spawner) {
  sandbox::Policy policy;
  policy.argv = {"/bin/cat", "/proc/self/status"};
  policy.working_folder = "/";
  policy.cpu_millicores = 1000;
  const net::OneShot<bool> ended;
  const auto child = co_await spawner.launch(policy, [ended](const sandbox::ExitReport&) { ended.set(true); });
  if (!child) co_return Capability{"seen from inside", Enforcement::none, "", child.error().message()};
  co_await ended;
  co_return judge(read_all(child->log.get()));
}

net::Task<> examine(net::Loop& loop, sandbox::SpawnerClient& spawner, std::optional<Result<sandbox::HostReport>>& out) {
  auto report = co_await spawner.start([](const std::string&) {});
  if (report) {
    report->capabilities.push_back(report_server_rights());
    if (report->can_launch) report->capabilities.push_back(co_await look_inside(spawner));
  }
  co_await spawner.close();
  out.emplace(std::move(report));
  loop.stop();
}

Result<sandbox::HostReport> examine_host(const Config& config) {
  LAMBENT_TRY(const auto user, find_server_user(config.user));
  LAMBENT_TRY(auto process, sandbox::start_spawner());
  LAMBENT_TRY_VOID(give_up_rights(user));
  net::Loop loop;
  sandbox::SpawnerClient spawner(loop, std::move(process));
  // Names cgroups that no server uses: this process's folder in /proc.
  LAMBENT_TRY_VOID(spawner.configure({.data_folder = "/proc/self"}));
  std::optional<Result<sandbox::HostReport>> found;
  net::Scope scope;
  scope.spawn(examine(loop, spawner, found));
  loop.run();
  if (!found) return fail(Error::of("examine host", "", "broken off"));
  return *std::move(found);
}

// Before any right is given up.
DeniedCallsFound find_denied_calls(const Config& config) {
  DeniedCallsFound found;
  const auto listener = sandbox::AuditListener::open();
  if (!config.record_denied_calls) {
    found.why_not = listener ? "the setting record_denied_calls is no"
                             : "the setting record_denied_calls is no, and: " + listener.error().message();
  } else if (!listener) {
    found.why_not = listener.error().message();
  }
  found.is_recorded = found.why_not.empty();
  if (auto refusals = sandbox::Refusals::of_policies()) found.refusals = *std::move(refusals);
  auto calls = telemetry::DeniedCalls::load(telemetry::DeniedCalls::path_in(config.data));
  if (calls) {
    found.calls = *std::move(calls);
  } else {
    log::error("what is kept of refused system calls cannot be shown: {}", calls.error().message());
  }
  return found;
}

}  // namespace

std::vector<cli::FlagSpec> doctor_flags() {
  std::vector<cli::FlagSpec> flags;
  for (const auto& flag : serve_flags()) {
    if (std::ranges::count(kFlags, flag.name) > 0) flags.push_back(flag);
  }
  return flags;
}

int doctor(const std::vector<cli::FlagValue>& flags, bool json) {
  const auto complain = [](const Error& error, int code) {
    fmt::print(stderr, "lambent doctor: {}\n", error.message());
    return code;
  };
  const auto loaded = load_config(flags, lambent_environment());
  if (!loaded) return complain(loaded.error(), cli::kUsage);
  log::set_level(log::Level::error);  // the table says it
  auto denied = find_denied_calls(loaded->config);
  const auto report = examine_host(loaded->config);
  if (!report) return complain(report.error(), cli::kFailed);
  const Examination found{*report, sandbox::advise_host(), loaded->config.require_isolation, std::move(denied)};
  fmt::print("{}", json ? as_json(found) : as_table(found));
  return found.is_enough() ? cli::kDone : cli::kFailed;
}

}  // namespace lambent
