// So many a second, and a burst beyond.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace lambent::egress {

class TokenBucket {
 public:
  TokenBucket(double per_second, double burst, Monotonic now)
      : per_second_(per_second), burst_(burst), tokens_(burst), at_(now) {}

  bool take(Monotonic now) {
    const std::chrono::duration<double> passed = now - at_;
    at_ = now;
    tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  // How long until one is there; a moment after take() gave none.
  [[nodiscard]] std::chrono::nanoseconds wait() const {
    return std::chrono::ceil<std::chrono::nanoseconds>(
        std::chrono::duration<double>(std::max(0.0, (1 - tokens_) / per_second_)));
  }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  Monotonic at_;
};

}  // namespace lambent::egress
