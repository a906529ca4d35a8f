// What the operator settles of functions' network access (`[network]` in the configuration).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "egress/ip_address.h"
#include "egress/network_policy.h"

namespace lambent::egress {

// Of one instance, each.
struct EgressLimits {
  std::uint32_t connections = 256;                  // at the same time
  std::uint32_t connections_per_second = 100;       // new ones; twice as many in a burst
  std::uint32_t queries_per_second = 100;           // of names; twice as many in a burst
  std::chrono::milliseconds idle_timeout{350'000};  // a connection on which nothing moves; as AWS's NAT gateway
};

struct NetworkSettings {
  std::string default_policy = "platform";  // of functions without the tag
  std::string grantable = "internet";       // what tags may ask for
  std::string denied = "none";              // ranges that nobody reaches, comma-separated
  std::string resolvers = "host";           // addresses, comma-separated; host: those of /etc/resolv.conf
  bool log_attempts = true;                 // a line in the log for what has no way out, too
  EgressLimits limits;
};

}  // namespace lambent::egress
