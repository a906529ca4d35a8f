// The network of a sandbox: a loopback of its own, and listening sockets on it that others accept from outside.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::sandbox {

// Brings "lo" of the current network namespace up. Needs CAP_NET_ADMIN over that namespace.
Result<> raise_loopback();

// A listening TCP socket on 127.0.0.1 of the current network namespace; non-blocking, close-on-exec. The socket stays
// in this namespace wherever its descriptor goes. `is_transparent`: the rules of a gate may give it connections
// (IP_TRANSPARENT; needs CAP_NET_ADMIN).
Result<UniqueFd> listen_on_loopback(std::uint16_t port, bool is_transparent = false);

}  // namespace lambent::sandbox
