#include "edge/date_cache.h"

#include <chrono>

#include "base/time_format.h"

namespace lambent::edge {

const std::string& DateCache::now() {
  const Wall now = clock_.wall();
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (second != second_) {
    second_ = second;
    text_ = format_http_date(now);
  }
  return text_;
}

}  // namespace lambent::edge
