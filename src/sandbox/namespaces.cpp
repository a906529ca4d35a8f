#include "sandbox/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/files.h"

namespace lambent::sandbox {
namespace {

Result<> write_map(int host_proc, const char* path, const std::string& content) {
  const UniqueFd file(openat(host_proc, path, O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno("open", path);
  return write_all(file.get(), content, path);
}

}  // namespace

const std::uint64_t kSandboxNamespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
const std::uint64_t kTemplateNamespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

Result<ClonedProcess> clone_into(std::uint64_t namespaces) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = namespaces | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail_errno("clone3", "new namespaces");
  ClonedProcess cloned;
  cloned.pid = static_cast<pid_t>(pid);
  if (pid > 0) cloned.pidfd.reset(pidfd);
  return cloned;
}

Result<> become_host_user(const Identity& identity) {
  if (!identity.changes_user) return {};
  if (setgroups(0, nullptr) != 0) return fail_errno("setgroups");
  if (setresgid(identity.host_gid, identity.host_gid, identity.host_gid) != 0) return fail_errno("setresgid");
  if (setresuid(identity.host_uid, identity.host_uid, identity.host_uid) != 0) return fail_errno("setresuid");
  return {};
}

Result<> enter_user_namespace(const Identity& identity, int host_proc) {
  if (unshare(CLONE_NEWUSER) != 0) return fail_errno("unshare", "user namespace");
  // A process that changed its user is not dumpable, and then its files in /proc belong to root. Confining sets it
  // back when the maps are written.
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  LAMBENT_TRY_VOID(write_map(host_proc, "self/setgroups", "deny"));
  LAMBENT_TRY_VOID(
      write_map(host_proc, "self/uid_map", fmt::format("{} {} 1\n", identity.inside_uid, identity.host_uid)));
  return write_map(host_proc, "self/gid_map", fmt::format("{} {} 1\n", identity.inside_gid, identity.host_gid));
}

Result<> enter_namespaces_of_ordinary_user() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return fail_errno("unshare", "user namespace");
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  const UniqueFd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!proc) return fail_errno("open", "/proc");
  LAMBENT_TRY_VOID(write_map(proc.get(), "self/setgroups", "deny"));
  LAMBENT_TRY_VOID(write_map(proc.get(), "self/uid_map", fmt::format("{} {} 1\n", uid, uid)));
  return write_map(proc.get(), "self/gid_map", fmt::format("{} {} 1\n", gid, gid));
}

Result<> enter_cgroup_namespace() {
  if (unshare(CLONE_NEWCGROUP) != 0) return fail_errno("unshare", "cgroup namespace");
  return {};
}

Result<> set_host_name(const char* name) {
  if (sethostname(name, std::strlen(name)) != 0) return fail_errno("sethostname", name);
  return {};
}

}  // namespace lambent::sandbox
