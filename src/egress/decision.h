// The one place that says whether an instance may connect to an address.
#pragma once

#include <vector>

#include "base/clock.h"
#include "egress/host_route.h"
#include "egress/ip_address.h"
#include "egress/learned_addresses.h"
#include "egress/network_policy.h"

namespace lambent::egress {

// Why not, in words for a log line; null where it may. Always decided on the number that is then connected to, never
// on a name: in order, what the operator denies; what the policy's ranges name; what is not public or is this host;
// what the policy allows.
const char* why_refused(const NetworkPolicy& policy, const std::vector<Cidr>& denied, const LearnedAddresses& learned,
                        HostRoutes& routes, const IpAddress& address, Monotonic now);

// The same for an address that a name was resolved to: not whether the function may know it, but whether connecting to
// it could be allowed at all. Keeps answers that lead inside (rebinding) from it.
const char* why_not_an_answer(const NetworkPolicy& policy, const std::vector<Cidr>& denied, HostRoutes& routes,
                              const IpAddress& address);

}  // namespace lambent::egress
