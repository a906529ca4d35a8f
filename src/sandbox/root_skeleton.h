// What every sandbox's root holds besides the mounts of its policy: the host's programs and libraries, the little of
// /etc that they need, /dev and /proc.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "sandbox/mounts.h"
#include "sandbox/namespaces.h"

namespace lambent::sandbox {

// /tmp and /dev/shm are made too, with room for the preparation only: an assignment gives them their size.
inline constexpr std::uint64_t kShmInodes = 4096;

// `name_server` is for resolv.conf; null: there is none.
Result<> add_skeleton(RootBuilder& root, const Identity& identity, const char* name_server);

// Of these each sandbox has its own, also one that is made inside of another's root: /tmp, /dev/shm and /proc.
// Ids as the mounting process sees them.
Result<> add_own_file_systems(RootBuilder& root, uid_t uid, gid_t gid);

}  // namespace lambent::sandbox
