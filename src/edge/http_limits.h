// How much of everything one listener takes from its peers.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/limits.h"

namespace lambent::edge {

// Timeouts of zero mean none. They are kept by a sweep, so they end up to a quarter late.
struct HttpLimits {
  std::size_t head_bytes = 64 * kKiB;  // request line and header fields together; trailers the same again
  std::size_t header_count = 256;
  std::size_t target_bytes = 16 * kKiB;
  std::size_t connections = 10'000;
  std::chrono::milliseconds header_timeout{30'000};  // from a request's first byte to the end of its head
  std::chrono::milliseconds idle_timeout{120'000};   // without a request
  std::chrono::milliseconds body_timeout{30'000};    // for each further 64 KiB of a body that is being read
  std::chrono::milliseconds write_timeout{60'000};   // for each further 256 KiB of a response

  // See fair_share.h. A turn: a connection accepted, a request, a slice of a body.
  std::size_t turns_in_a_round = 64;
  std::size_t turns_in_a_window = 0;  // of a tenth of a second; 0: no bound
  std::size_t body_room_bytes = 0;    // of all its bodies beyond 64 KiB together; 0: no bound. More wait their turn

  // For peers that run inside a sandbox: a listener of its own for each, so that one has little of each round.
  static HttpLimits of_a_sandbox() {
    HttpLimits limits;
    limits.turns_in_a_round = 2;
    limits.turns_in_a_window = 1000;
    return limits;
  }
  // Those that may take as long as their function does.
  static HttpLimits patient() {
    HttpLimits limits = of_a_sandbox();
    limits.header_timeout = limits.idle_timeout = limits.body_timeout = limits.write_timeout = {};
    return limits;
  }
};

}  // namespace lambent::edge
