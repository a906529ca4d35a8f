#include "sandbox/confine.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/files.h"
#include "sandbox/capabilities.h"
#include "sandbox/child_channel.h"
#include "sandbox/house.h"
#include "sandbox/init.h"
#include "sandbox/landlock.h"
#include "sandbox/mounts.h"
#include "sandbox/network.h"
#include "sandbox/root_skeleton.h"
#include "sandbox/signals.h"

namespace lambent::sandbox {
namespace {

void close_inherited(const Confinement& confinement) {
  std::vector<int> keep = confinement.cgroup_files;
  keep.insert(keep.end(), {confinement.host_proc, confinement.channel, confinement.log, confinement.program_line});
  std::erase(keep, -1);
  close_all_but(keep);
}

Result<> add_mounts_of_kind(RootBuilder& root, const protocol::Launch& kind) {
  for (const auto& mount : protocol::mounts_of(kind)) {
    LAMBENT_TRY_VOID(root.bind(std::string(mount.source), mount.target, mount.access));
  }
  return {};
}

Result<RootBuilder> make_file_system(const Confinement& confinement) {
  LAMBENT_TRY_VOID(make_mounts_private());
  LAMBENT_TRY(RootBuilder root, RootBuilder::create());
  const bool has_gate = confinement.network != NetworkMode::bare;
  LAMBENT_TRY_VOID(add_skeleton(root, confinement.identity, has_gate ? kGateNameServer : nullptr));
  if (confinement.kind != nullptr) LAMBENT_TRY_VOID(add_mounts_of_kind(root, *confinement.kind));
  LAMBENT_TRY_VOID(root.enter());
  return root;
}

// Which of the mounts of the launch go where: the descriptors come in the same order.
Result<> attach_mounts(RootBuilder& root, const Assignment& assignment, std::span<const UniqueFd> mounts) {
  std::size_t next = 0;
  for (const auto& mount : protocol::mounts_of(assignment.launch)) {
    if (mount.index < assignment.first_mount) continue;
    if (next == mounts.size()) return fail(Error::of("assign", "mounts", "fewer than named"));
    LAMBENT_TRY_VOID(root.attach(mounts[next++], mount.target));
  }
  return {};
}

}  // namespace

Result<> join_cgroups(const std::vector<int>& files) {
  for (const int file : files) {
    LAMBENT_TRY_VOID(write_all(file, "0", "cgroup.procs"));
    close(file);
  }
  return {};
}

Result<Listeners> make_network(const Confinement& confinement) {
  LAMBENT_TRY_VOID(raise_loopback());
  Listeners listeners;
  if (confinement.runtime_port != 0) {
    LAMBENT_TRY(listeners.runtime, listen_on_loopback(confinement.runtime_port));
  }
  const bool has_gate = confinement.network != NetworkMode::bare;
  if (confinement.platform_port != 0 && confinement.network != NetworkMode::none) {
    LAMBENT_TRY(listeners.platform, listen_on_loopback(confinement.platform_port, has_gate));
  }
  if (has_gate) {
    LAMBENT_TRY(listeners.gate, make_gate(confinement.platform_port, confinement.network == NetworkMode::open));
  }
  return listeners;
}

// Both ends of the runtime line: blocking for the program, not for the platform's event loop.
Result<std::pair<UniqueFd, UniqueFd>> make_runtime_line(const Confinement& confinement) {
  std::array<int, 2> ends{-1, -1};
  if (confinement.has_runtime_line && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno("socketpair", "runtime line");
  }
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<Shell> prepare(const Confinement& confinement) {
  close_inherited(confinement);
  LAMBENT_TRY_VOID(join_cgroups(confinement.cgroup_files));
  LAMBENT_TRY_VOID(enter_cgroup_namespace());
  LAMBENT_TRY(Listeners listeners, make_network(confinement));
  LAMBENT_TRY(auto line, make_runtime_line(confinement));
  listeners.runtime_line = std::move(line.first);
  LAMBENT_TRY(RootBuilder root, make_file_system(confinement));
  return Shell{std::move(listeners), std::move(line.second), std::move(root)};
}

Result<> assign_place(const Confinement& confinement, Shell& shell, const Assignment& assignment,
                      std::span<const UniqueFd> mounts) {
  const auto& launch = assignment.launch;
  LAMBENT_TRY_VOID(set_host_name(launch.hostname.data()));
  LAMBENT_TRY_VOID(attach_mounts(shell.root, assignment, mounts));
  LAMBENT_TRY_VOID(shell.root.resize_tmpfs("/tmp", launch.tmp_bytes, launch.tmp_inodes));
  LAMBENT_TRY_VOID(shell.root.resize_tmpfs("/dev/shm", launch.memory_bytes / 2, kShmInodes));
  LAMBENT_TRY_VOID(shell.root.seal());
  LAMBENT_TRY_VOID(become_host_user(confinement.identity));
  return enter_user_namespace(confinement.identity, confinement.host_proc);
}

Result<> assign(const Confinement& confinement, Shell& shell, const Assignment& assignment,
                std::span<const UniqueFd> mounts) {
  const auto& launch = assignment.launch;
  LAMBENT_TRY_VOID(assign_place(confinement, shell, assignment, mounts));
  close(confinement.host_proc);
  LAMBENT_TRY_VOID(set_resource_limits(assignment.limits));
  LAMBENT_TRY_VOID(give_up_rights(confinement.channel));
  LAMBENT_TRY_VOID(restrict_files(launch));
  return install_seccomp(confinement.filters[launch.seccomp_profile], confinement.records_denied_calls);
}

void run_confined(const Confinement& confinement) {
  const auto give_up = [&](const Error& error) {
    send_child_message(confinement.channel, failure_message(error));
    _exit(1);
  };
  reset_signals();
  auto shell = prepare(confinement);
  if (!shell) give_up(shell.error());
  if (const auto told = report_prepared(confinement, std::move(shell->listeners)); !told) give_up(told.error());
  // On the heap, and wiped once used: it is large, and holds the function's environment.
  const auto assignment = std::make_unique<Assignment>();
  const auto mounts = receive_assignment(confinement.channel, *assignment);
  if (!mounts) give_up(mounts.error());
  if (assignment->launch.is_template == 1) run_house(confinement, *shell, *assignment, *mounts);
  if (const auto assigned = assign(confinement, *shell, *assignment, *mounts); !assigned) give_up(assigned.error());
  run_init(confinement, std::move(shell->runtime_line), *assignment);
}

}  // namespace lambent::sandbox
