#include "sandbox/confine.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "sandbox/capabilities.h"
#include "sandbox/child_channel.h"
#include "sandbox/init.h"
#include "sandbox/mounts.h"
#include "sandbox/network.h"
#include "sandbox/root_skeleton.h"

namespace lambent::sandbox {
namespace {

void close_inherited(const Confinement& confinement) {
  std::vector<int> keep = confinement.cgroup_files;
  keep.insert(keep.end(), {confinement.host_proc, confinement.channel, confinement.log});
  close_all_but(keep);
}

Result<> join_cgroups(const std::vector<int>& files) {
  for (const int file : files) {
    LAMBENT_TRY_VOID(write_all(file, "0", "cgroup.procs"));
    close(file);
  }
  return {};
}

Result<Listeners> make_network(const protocol::Launch& launch) {
  LAMBENT_TRY_VOID(raise_loopback());
  Listeners listeners;
  if (launch.runtime_port != 0) {
    LAMBENT_TRY(listeners.runtime, listen_on_loopback(launch.runtime_port));
  }
  if (launch.platform_port != 0) {
    LAMBENT_TRY(listeners.platform, listen_on_loopback(launch.platform_port));
  }
  if (protocol::has_gate(launch)) {
    LAMBENT_TRY(listeners.gate, make_gate());
  }
  return listeners;
}

Result<> add_policy_mounts(RootBuilder& root, const protocol::Launch& launch) {
  const auto& paths = launch.mount_paths;
  std::size_t index = 0;
  for (std::uint32_t at = 0; at < paths.used; ++index) {
    const std::string source(&paths.data[at]);
    at += static_cast<std::uint32_t>(source.size() + 1);
    const std::string_view target(&paths.data[at]);
    at += static_cast<std::uint32_t>(target.size() + 1);
    const bool is_writable = launch.mount_writable[index] == 1;
    LAMBENT_TRY_VOID(root.bind(source, target, is_writable ? Access::writable : Access::read_only));
  }
  return {};
}

Result<> make_file_system(const Confinement& confinement) {
  const auto& launch = *confinement.launch;
  const auto& identity = confinement.identity;
  // Ids given to a mount are read in the mounting process's user namespace.
  const uid_t mount_uid = confinement.is_privileged ? identity.host_uid : identity.inside_uid;
  const gid_t mount_gid = confinement.is_privileged ? identity.host_gid : identity.inside_gid;
  LAMBENT_TRY_VOID(make_mounts_private());
  LAMBENT_TRY(RootBuilder root, RootBuilder::create());
  LAMBENT_TRY_VOID(add_skeleton(root, {.inside_uid = identity.inside_uid,
                                       .inside_gid = identity.inside_gid,
                                       .mount_uid = mount_uid,
                                       .mount_gid = mount_gid,
                                       .shm_bytes = launch.memory_bytes / 2,
                                       .name_server = protocol::has_gate(launch) ? kGateNameServer : nullptr}));
  LAMBENT_TRY_VOID(add_policy_mounts(root, launch));
  LAMBENT_TRY_VOID(root.mount_tmpfs(
      "/tmp",
      {.bytes = launch.tmp_bytes, .inodes = launch.tmp_inodes, .uid = mount_uid, .gid = mount_gid, .mode = 01777}));
  return root.enter();
}

}  // namespace

Result<> give_up_rights(int parent_line) {
  LAMBENT_TRY_VOID(drop_all_capabilities());
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  // Changes of user and capabilities clear this, so it comes after them.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("prctl", "PR_SET_PDEATHSIG");
  pollfd line{parent_line, 0, 0};
  if (poll(&line, 1, 0) != 0) return fail(Error::of("confine", "parent", "is gone"));
  return {};
}

Result<Listeners> confine(const Confinement& confinement) {
  const auto& identity = confinement.identity;
  close_inherited(confinement);
  LAMBENT_TRY_VOID(join_cgroups(confinement.cgroup_files));
  if (!confinement.is_privileged) LAMBENT_TRY_VOID(enter_user_namespace(identity, confinement.host_proc, true));
  LAMBENT_TRY_VOID(enter_cgroup_namespace());
  LAMBENT_TRY_VOID(set_host_name(confinement.launch->hostname.data()));
  LAMBENT_TRY(Listeners listeners, make_network(*confinement.launch));
  LAMBENT_TRY_VOID(make_file_system(confinement));
  if (confinement.is_privileged) {
    LAMBENT_TRY_VOID(become_host_user(identity));
    LAMBENT_TRY_VOID(enter_user_namespace(identity, confinement.host_proc, false));
  }
  close(confinement.host_proc);
  LAMBENT_TRY_VOID(set_resource_limits(confinement.limits));
  LAMBENT_TRY_VOID(give_up_rights(confinement.channel));
  LAMBENT_TRY_VOID(install_seccomp(confinement.filter));
  return listeners;
}

void run_confined(const Confinement& confinement) {
  auto confined = confine(confinement);
  if (!confined) {
    send_child_message(confinement.channel, failure_message(confined.error()));
    _exit(1);
  }
  run_init(confinement, *std::move(confined));
}

}  // namespace lambent::sandbox
