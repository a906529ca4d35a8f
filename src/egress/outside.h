// What all gates of the egress process share.
#pragma once

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

// Connections of all instances together: a bound on this process's memory and descriptors.
inline constexpr std::size_t kAllConnections = 8192;

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
