// Which namespaces this host gives.
#pragma once

#include "base/error.h"
#include "sandbox/host_report.h"

namespace lambent::sandbox {

// One row a kind of namespace. `whole` is what came of making a sandbox of nothing; where that failed, each kind is
// tried by itself, and a failure that lies in none of them is the mount namespace's, in which the rest is done. `means`
// says how they are made.
void report_namespaces(HostReport& report, const Result<>& whole, const std::string& means);

}  // namespace lambent::sandbox
