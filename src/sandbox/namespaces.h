// Namespaces and the user that the sandbox runs as.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::sandbox {

// Every namespace of a sandbox but the user and the cgroup namespace, which the child enters itself (confine.cpp).
extern const std::uint64_t kSandboxNamespaces;
// The same without the pid namespace: of a template, whose children join the pid namespaces of shells.
extern const std::uint64_t kTemplateNamespaces;

struct ClonedProcess {
  pid_t pid = -1;  // 0 in the child
  UniqueFd pidfd;  // in the parent only
};

// fork(2) into new namespaces. Only for single-threaded processes: no atfork handler runs.
Result<ClonedProcess> clone_into(std::uint64_t namespaces);

// One user and one group, outside and inside the user namespace.
struct Identity {
  uid_t host_uid = 0;
  gid_t host_gid = 0;
  uid_t inside_uid = 0;
  gid_t inside_gid = 0;
  bool changes_user = false;  // the host's ids are not the spawner's own
};

// Becomes host_uid:host_gid with no other group, where that is a change. Needs CAP_SETUID and CAP_SETGID; gives all
// capabilities up.
Result<> become_host_user(const Identity& identity);

// Makes a new user namespace and enters it, with one user and one group in it. `host_proc` is a folder descriptor of a
// writable /proc. Afterwards the process has every capability of that namespace only.
Result<> enter_user_namespace(const Identity& identity, int host_proc);

// For a spawner without the host's rights: a user namespace in which its own ids mean themselves, and a mount
// namespace. In there it may do to new namespaces what root may; nothing more of the host.
Result<> enter_namespaces_of_ordinary_user();

// The cgroup that the process is in becomes the root of what it sees of cgroups.
Result<> enter_cgroup_namespace();

Result<> set_host_name(const char* name);

}  // namespace lambent::sandbox
