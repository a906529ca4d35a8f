// Giving up rights, for good.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"

namespace lambent::sandbox {

// Empties every capability set (bounding and ambient too), locks the securebits so that no program file brings any
// back, and sets no_new_privs. Where the process may not change its bounding set (an ordinary user), that one stays.
Result<> drop_all_capabilities();

// The last steps of every confined process: no capabilities, not readable by others of its user, ends with its parent.
// `parent_line` is a socket to the parent: hung up where the parent ended before. -1: ends with its pid namespace only.
Result<> give_up_rights(int parent_line);

// Gives up all but these; what it does not have it does not get. None stays inheritable or ambient. The bounding set
// shrinks too where the process may change it.
Result<> keep_capabilities(std::span<const int> kept);
// Keeps these, which it must have, over exec too, whatever the user.
Result<> pass_capabilities_on(std::span<const int> kept);
// True where no other than these is permitted or inheritable.
bool holds_only(std::span<const int> kept);
// In effect in the running process.
bool has_capability(unsigned capability);

// True where the process has CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP and CAP_NET_ADMIN in effect: it can
// then build a sandbox before entering the user namespace (confine.cpp).
bool has_host_privileges();

// True where the user and group ids [first, first + count) exist in this process's user namespace: in a container they
// need not.
bool is_known_id(std::uint32_t first, std::uint32_t count);

}  // namespace lambent::sandbox
