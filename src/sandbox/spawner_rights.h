// What the spawner keeps of the rights that it was started with.
#pragma once

#include "base/error.h"
#include "sandbox/seccomp.h"

namespace lambent::sandbox {

// The spawner's filter (policies/seccomp/spawner.policy): its own rules, and every call that a policy of what it starts
// allows, since filters add up over fork and exec.
Result<std::vector<SeccompRule>> spawner_seccomp_rules();

// For good, in a process of one thread: a mount namespace of its own, of which nothing gets out, where it may make one
// (the host's later mounts and unmounts are followed); no capability but those that making sandboxes takes;
// no_new_privs; not readable by processes of the same user; the filter above.
Result<> limit_spawner();

// True where the running process has no other capability in any set than a spawner keeps.
bool has_only_spawner_capabilities();
// True where a filter holds in the running process.
bool has_seccomp_filter();

}  // namespace lambent::sandbox
