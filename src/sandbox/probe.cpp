#include "sandbox/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/capabilities.h"
#include "sandbox/child_channel.h"
#include "sandbox/confine.h"
#include "sandbox/gate.h"
#include "sandbox/landlock.h"
#include "sandbox/mounts.h"
#include "sandbox/namespace_report.h"
#include "sandbox/namespaces.h"
#include "sandbox/network.h"
#include "sandbox/spawner_rights.h"

namespace lambent::sandbox {
namespace {

// A program's own heap only, so several times the limit: interpreters reserve more than they use.
constexpr std::uint64_t kDataFactor = 4;
constexpr std::uint64_t kLeastData = 1024 * kMiB;

// The steps of a sandbox that a host may refuse, tried on nothing.
Result<> try_namespaces(const Identity& identity, int host_proc) {
  LAMBENT_TRY_VOID(enter_cgroup_namespace());
  LAMBENT_TRY_VOID(raise_loopback());
  LAMBENT_TRY_VOID(make_mounts_private());
  LAMBENT_TRY(RootBuilder root, RootBuilder::create());
  LAMBENT_TRY_VOID(root.bind("/usr", "/usr", Access::read_only));
  LAMBENT_TRY_VOID(root.mount_proc("/proc"));
  LAMBENT_TRY_VOID(root.enter());
  LAMBENT_TRY_VOID(root.seal());
  LAMBENT_TRY_VOID(enter_user_namespace(identity, host_proc));
  return drop_all_capabilities();
}

Result<> try_gate(const Identity&, int) {
  LAMBENT_TRY_VOID(raise_loopback());
  LAMBENT_TRY(const Gate gate, make_gate(4566, true));
  return {};
}

using Attempt = Result<>(const Identity& identity, int host_proc);

// In a child in new namespaces.
Result<> probe(Attempt& attempt) {
  const UniqueFd host_proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Identity identity{geteuid(), getegid(), 993, 990, false};
  LAMBENT_TRY(const auto channel, make_child_channel());
  LAMBENT_TRY(const auto cloned, clone_into(kSandboxNamespaces));
  if (cloned.pid == 0) {
    const auto tried = attempt(identity, host_proc.get());
    if (!tried) send_child_message(channel.second.get(), failure_message(tried.error()));
    _exit(tried ? 0 : 1);
  }
  int status = 0;
  while (waitpid(cloned.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return {};
  const auto told = receive_child_message(channel.first.get());
  if (!told) return fail(Error::of("probe namespaces", "", "the probing child died"));
  return fail({std::string(protocol::text_of(told->message.step)), std::string(protocol::text_of(told->message.detail)),
               told->message.code, ""});
}

Capability cgroup_capability(const CgroupTree& cgroups, Controller controller, const char* name, Enforcement fallback,
                             const char* fallback_means) {
  if (cgroups.has(controller)) return {name, Enforcement::full, cgroups.where(controller), ""};
  return {
      name, fallback, fallback_means,
      cgroups.why_not(controller) +
          "; start the server as root, or in a cgroup that is its user's (systemd-run --user --scope -p Delegate=yes)"};
}

}  // namespace

HostReport report_host(const CgroupTree& cgroups, bool is_privileged) {
  HostReport report;
  const auto namespaces = probe(try_namespaces);
  report.can_launch = namespaces.has_value();
  const char* order =
      is_privileged ? "made with the host's rights, entered without" : "made in a user namespace of the spawner";
  report_namespaces(report, namespaces, order);
  if (is_privileged) {
    report.capabilities.push_back({"user of its own", Enforcement::full, "a host user id for each sandbox", ""});
  } else {
    report.capabilities.push_back({"user of its own", Enforcement::partial,
                                   "the server's own user id, without its rights",
                                   "start the server as root for one host user id a sandbox"});
  }
  report.capabilities.push_back(
      {"no capabilities", Enforcement::full, "capability sets, securebits, no_new_privs", ""});
  report.capabilities.push_back({"system call filter", Enforcement::full, "seccomp", ""});
  report.capabilities.push_back(landlock_capability(landlock_version()));
  report.capabilities.push_back(cgroup_capability(cgroups, Controller::memory, "memory limit", Enforcement::partial,
                                                  "RLIMIT_DATA of each process, coarse; /tmp bounded by its size"));
  report.capabilities.push_back(cgroup_capability(cgroups, Controller::cpu, "processor share", Enforcement::none, ""));
  report.capabilities.push_back(cgroup_capability(cgroups, Controller::pids, "process limit",
                                                  is_privileged ? Enforcement::full : Enforcement::partial,
                                                  "RLIMIT_NPROC of the sandbox's user"));
  report.capabilities.push_back(
      cgroup_capability(cgroups, Controller::freezer, "frozen between calls", Enforcement::none, ""));
  report.capabilities.push_back(
      has_only_spawner_capabilities() && has_seccomp_filter()
          ? Capability{"spawner's rights", Enforcement::full, "seccomp, few capabilities, no_new_privs", ""}
          : Capability{"spawner's rights", Enforcement::none, "", "the process is not a spawner"});
  report.capabilities.push_back({"open file limit", Enforcement::full, "RLIMIT_NOFILE of each process", ""});
  report.capabilities.push_back({"size of /tmp", Enforcement::full, "tmpfs", ""});
  const auto gate = probe(try_gate);
  report.capabilities.push_back({kEgressCapability, gate ? Enforcement::full : Enforcement::none,
                                 "nf_tables with tproxy, log and reject",
                                 gate ? ""
                                      : "functions that ask for a network beyond the platform cannot start, and "
                                        "attempts of the others are not logged: " +
                                            gate.error().message()});
  return report;
}

ResourceLimits fallback_limits(const CgroupTree& cgroups, const protocol::Launch& launch) {
  ResourceLimits limits;
  limits.open_files = launch.open_files;
  if (!cgroups.has(Controller::pids)) limits.processes = launch.processes;
  if (!cgroups.has(Controller::memory)) limits.data_bytes = std::max(kLeastData, launch.memory_bytes * kDataFactor);
  return limits;
}

HostReport probe_host() {
  CgroupTree cgroups = CgroupTree::discover();
  cgroups.prepare(fmt::format("lambent-probe-{}", getpid()));
  auto report = report_host(cgroups, has_host_privileges());
  cgroups.remove();
  return report;
}

}  // namespace lambent::sandbox
