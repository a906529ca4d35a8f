#include "egress/decision.h"

#include <algorithm>

namespace lambent::egress {

const char* why_not_an_answer(const NetworkPolicy& policy, const std::vector<Cidr>& denied, HostRoutes& routes,
                              const IpAddress& address) {
  if (std::ranges::any_of(denied, [&](const Cidr& one) { return one.contains(address); })) {
    return "an address that this server's operator denies";
  }
  if (policy.names_address(address)) return nullptr;
  if (const char* special = why_not_public(address)) return special;
  return routes.to(address) == HostRoute::own ? "an address of this host" : nullptr;
}

const char* why_refused(const NetworkPolicy& policy, const std::vector<Cidr>& denied, const LearnedAddresses& learned,
                        HostRoutes& routes, const IpAddress& address, Monotonic now) {
  if (const char* why = why_not_an_answer(policy, denied, routes, address)) return why;
  const bool is_allowed = policy.internet || policy.names_address(address) || learned.holds(address, now);
  return is_allowed ? nullptr : "not in its network policy";
}

}  // namespace lambent::egress
