// Carrying bytes between two connections until both directions have ended.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "net/loop.h"
#include "net/scope.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::egress {

inline constexpr std::size_t kRelayBytes = 32UL * 1024;  // held for each direction

// An end of stream passes on to the other side, and the other direction goes on; a failure resets both. Where nothing
// moves for `idle_timeout` both are reset.
class Relay {
 public:
  Relay(net::Loop& loop, const Clock& clock, net::Stream inside, net::Stream outside,
        std::chrono::nanoseconds idle_timeout);

  net::Task<> run();
  // Ends it; run() then returns soon.
  void reset();

 private:
  net::Task<> pump(net::Stream& from, net::Stream& to);
  void watch_idle(std::chrono::nanoseconds delay);

  net::Loop& loop_;
  const Clock& clock_;
  net::Stream inside_;
  net::Stream outside_;
  std::chrono::nanoseconds idle_timeout_;
  Monotonic moved_;
  net::Timer idle_;
  net::Scope scope_;
};

}  // namespace lambent::egress
