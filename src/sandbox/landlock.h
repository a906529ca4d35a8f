// Landlock, a second wall around a sandbox's files: what its mounts leave writable or reachable by a mistake is still
// refused. Inside, everything may be read and executed; files may be written, made and removed only under /tmp,
// /dev/shm and the writable folders of the policy; of the devices, those that every program has may be written. Signals
// and abstract unix sockets stay inside. No mount can be changed afterwards, no process outside traced.
//
// What it does not hold: metadata (chmod, utime, stat) and TCP; both are left to the mounts and the network namespace.
// Source: https://docs.kernel.org/userspace-api/landlock.html
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/host_report.h"
#include "sandbox/protocol.h"

namespace lambent::sandbox {

// The version that the kernel has, which says what it can hold: 1 files, 2 moves between folders, 3 truncation, 5
// controls of devices, 6 signals and abstract sockets. 0: the kernel is built or booted without it.
int landlock_version();

// The rules of a sandbox as a descriptor, for a process that has the sandbox's root. Folders are those that exist now;
// what is mounted below "/" later may be read and executed. Invalid where the kernel has no Landlock.
Result<UniqueFd> make_landlock_rules(const std::vector<std::string>& writable_folders);

// For the calling process and all that it starts, for ever. Needs no_new_privs. Nothing where `rules` is invalid.
Result<> enter_landlock(const UniqueFd& rules);

// Both, for the launch's policy.
Result<> restrict_files(const protocol::Launch& launch);

Capability landlock_capability(int version);

}  // namespace lambent::sandbox
