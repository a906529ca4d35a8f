// Giving up rights, for good.
#pragma once

#include "base/error.h"

namespace lambent::sandbox {

// Empties every capability set (bounding and ambient too), locks the securebits so that no program file brings any
// back, and sets no_new_privs.
Result<> drop_all_capabilities();

// True where the process has CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP and CAP_NET_ADMIN in effect: it can
// then build a sandbox before entering the user namespace (confine.cpp).
bool has_host_privileges();

}  // namespace lambent::sandbox
