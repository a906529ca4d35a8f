// How many lines about functions' networks the server's own log gets: each instance's are bounded (notices.h), the
// number of instances is not. A function's own log has its lines in any case.
#pragma once

#include <cstdint>
#include <utility>

#include "egress/token_bucket.h"

namespace lambent::egress {

class ServerLines {
 public:
  static constexpr double kPerSecond = 20;
  static constexpr double kBurst = 200;

  explicit ServerLines(const Clock& clock) : clock_(clock), bucket_(kPerSecond, kBurst, clock.monotonic()) {}

  // Whether one more may be written.
  bool take() {
    if (bucket_.take(clock_.monotonic())) return true;
    ++left_out_;
    return false;
  }
  // How many could not, since this was asked last.
  std::uint64_t left_out() { return std::exchange(left_out_, 0); }

 private:
  const Clock& clock_;
  TokenBucket bucket_;
  std::uint64_t left_out_ = 0;
};

}  // namespace lambent::egress
