// What the host can enforce, as values (host_report.h says what for).
#pragma once

#include "sandbox/cgroup.h"
#include "sandbox/host_report.h"
#include "sandbox/protocol.h"
#include "sandbox/rlimits.h"

namespace lambent::sandbox {

// `cgroups` is prepared. Tries the namespaces in a child.
HostReport report_host(const CgroupTree& cgroups, bool is_privileged);

// The limits that processes get by themselves, because no cgroup carries them.
ResourceLimits fallback_limits(const CgroupTree& cgroups, const protocol::Launch& launch);

}  // namespace lambent::sandbox
