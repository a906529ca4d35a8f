// Making a sandbox, from inside: what the cloned child does before the program runs.
#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/gate.h"
#include "sandbox/namespaces.h"
#include "sandbox/protocol.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"

namespace lambent::sandbox {

// Everything that the child needs, prepared by the spawner. Descriptors stay the caller's.
struct Confinement {
  protocol::Launch* launch = nullptr;  // valid; its strings are what the program is given
  Identity identity;
  ResourceLimits limits;
  bool is_privileged = false;  // has_host_privileges(): see confine()
  std::vector<int> cgroup_files;
  int host_proc = -1;  // a folder descriptor of the host's /proc
  int channel = -1;    // to the spawner
  int log = -1;        // write end of the program's output
  std::span<const sock_filter> filter;
};

struct Listeners {
  UniqueFd runtime;
  UniqueFd platform;
  Gate gate;
};

// Confines the calling process, the first one of its new pid namespace; the body is the recipe. Where the spawner has
// the host's privileges the user namespace is entered last: mounts are then made with the right to open any source
// (an interpreter under /root, say), and all other namespaces belong to the host's user namespace, so that even all
// capabilities inside would give no power over them. An ordinary user gets that right only in a user namespace, so
// there it comes first.
Result<Listeners> confine(const Confinement& confinement);

// The whole child: confine, run the program as init (init.h), leave.
[[noreturn]] void run_confined(const Confinement& confinement);

// The last steps of every confined process: no capabilities, not readable by others of its user, ends with its parent.
// `parent_line` is a socket to the parent: hung up where the parent ended before.
Result<> give_up_rights(int parent_line);

}  // namespace lambent::sandbox
