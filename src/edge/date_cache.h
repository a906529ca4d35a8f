// The Date header's text, made once a second.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace lambent::edge {

class DateCache {
 public:
  explicit DateCache(const Clock& clock) : clock_(clock) {}
  // "Mon, 23 Nov 2026 05:34:00 GMT". Valid until the next call.
  const std::string& now();

 private:
  const Clock& clock_;
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace lambent::edge
