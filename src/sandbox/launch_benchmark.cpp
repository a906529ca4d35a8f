// How long sandboxes take to be made: launches of a small program one after another, each ended before the next.
//
//   sandbox_launch_benchmark LAUNCHES [READY]
//
// READY: how many are kept ready (0). Prints one line of JSON: the median and the 99th percentile of a launch, from the
// request until the program was executed, in microseconds of wall time; and the processor time that the spawner and all
// it started took for one launch and its end, on average. Needs no server; run as root as the server would be.
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/scope.h"
#include "net/seqpacket.h"
#include "net/timer.h"
#include "sandbox/spawner.h"
#include "sandbox/spawner_client.h"

namespace lambent::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUp = 20;
constexpr std::chrono::milliseconds kPause{60};  // in which what is kept ready is made anew
constexpr std::uint32_t kKind = 1;

struct Measured {
  std::vector<std::chrono::microseconds> launches;
  std::chrono::duration<double> processor{};
};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "sandbox_launch_benchmark: {}\n", why);
  std::exit(1);
}

// Of a process and all its ended descendants. In proc(5): fields 14 to 17, counted from 1.
std::chrono::duration<double> processor_time(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(std::min(text.rfind(')'), text.size() - 1) + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double ticks = 0;
  for (int i = 14; i < 18; ++i) {
    double one = 0;
    fields >> one;
    ticks += one;
  }
  return std::chrono::duration<double>(ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

Policy small_program(const std::string& task_root) {
  Policy policy;
  policy.mounts = {{task_root, "/var/task"}};
  policy.argv = {"/bin/sleep", "600"};
  policy.environment = {"PATH=/usr/bin:/bin"};
  policy.cpu_millicores = 1000;
  policy.network = NetworkMode::platform;
  return policy;
}

Policy any_of_kind() {
  Policy like;
  like.argv = {"/var/task/bootstrap"};  // never executed: each launch brings its own
  like.working_folder = "/";
  like.network = NetworkMode::open;
  return like;
}

net::Task<> pause(net::Loop& loop) {
  net::Timer timer(loop);
  static_cast<void>(co_await timer.sleep(kPause));
}

// A launch and its end. Nothing is measured of the end.
net::Task<std::chrono::microseconds> launch_once(net::Loop& loop, SpawnerClient& client, const Policy& policy) {
  bool ended = false;
  const auto begin = Clock::now();
  auto child = co_await client.launch(policy, [&](const ExitReport&) { ended = true; });
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  if (!child) give_up(child.error().message());
  client.kill(child->id);
  do {
    co_await pause(loop);
  } while (!ended);
  co_return took;
}

net::Task<> measure(net::Loop& loop, SpawnerClient& client, pid_t spawner, std::string folder, int launches,
                    std::uint32_t ready, Measured& measured) {
  if (const auto configured = client.configure({.data_folder = folder}); !configured) {
    give_up(configured.error().message());
  }
  const auto report = co_await client.start([](const std::string& why) { give_up(why); });
  if (!report) give_up(report.error().message());
  if (!report->can_launch) give_up(report->text());
  Policy policy = small_program(folder);
  if (ready > 0) {
    client.keep_ready(kKind, any_of_kind(), ready, false);
    policy.kind = kKind;
  }
  for (int i = 0; i < kWarmUp; ++i) co_await launch_once(loop, client, policy);
  const auto before = processor_time(spawner);
  for (int i = 0; i < launches; ++i) measured.launches.push_back(co_await launch_once(loop, client, policy));
  measured.processor = processor_time(spawner) - before;
  co_await client.close();
  loop.stop();
}

int run(int launches, std::uint32_t ready) {
  char folder[] = "/tmp/sandbox-benchmark-XXXXXX";
  if (mkdtemp(folder) == nullptr || chmod(folder, 0755) != 0) give_up("no folder in /tmp");
  auto ends = net::Seqpacket::make_pair();
  if (!ends) give_up(ends.error().message());
  const pid_t spawner = fork();
  if (spawner == 0) {
    ends->first.reset();
    _exit(run_spawner(ends->second.release()));
  }
  ends->second.reset();
  Measured measured;
  {
    net::Loop loop;
    SpawnerClient client(loop, SpawnerProcess{std::move(ends->first), spawner});
    net::Scope scope;
    scope.spawn(measure(loop, client, spawner, folder, launches, ready, measured));
    loop.run();
  }
  std::filesystem::remove_all(folder);
  auto& sorted = measured.launches;
  std::ranges::sort(sorted);
  const auto at = [&](std::size_t percent) {
    return sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
  };
  fmt::print(
      "{{\"launches\": {}, \"ready\": {}, \"wall_p50_us\": {}, \"wall_p99_us\": {}, \"processor_mean_us\": {:.0f}}}\n",
      launches, ready, at(50).count(), at(99).count(), measured.processor.count() * 1e6 / launches);
  return 0;
}

}  // namespace
}  // namespace lambent::sandbox

int main(int count, char** arguments) {
  const int launches = count > 1 ? std::atoi(arguments[1]) : 200;
  const int ready = count > 2 ? std::atoi(arguments[2]) : 0;
  if (launches < 1 || ready < 0) return 2;
  return lambent::sandbox::run(launches, static_cast<std::uint32_t>(ready));
}
