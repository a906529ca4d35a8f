// What all gates of the egress process share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/clock.h"
#include "egress/host_route.h"
#include "egress/ip_address.h"
#include "egress/resolver.h"
#include "egress/settings.h"
#include "net/loop.h"
#include "net/scope.h"

namespace lambent::egress {

// Connections of all instances together: a bound on this process's memory and descriptors. One instance may have an
// eighth of what is left, and a few in any case: however many others flood, one that comes later gets some.
inline constexpr std::size_t kAllConnections = 8192;
inline constexpr std::size_t kShareOfRest = 8;
inline constexpr std::size_t kInAnyCase = 8;

constexpr std::size_t most_connections(std::size_t limit_of_one, std::size_t of_all_now) {
  const std::size_t rest = kAllConnections - std::min(of_all_now, kAllConnections);
  return std::min(limit_of_one, std::max(kInAnyCase, rest / kShareOfRest));
}

struct Outside {
  net::Loop& loop;
  const Clock& clock;
  HostRoutes& routes;
  Resolver& resolver;
  EgressLimits limits;
  std::vector<Cidr> denied;
  std::size_t connections = 0;  // now, of all gates
  net::Scope scope;             // of every task of every gate
};

}  // namespace lambent::egress
