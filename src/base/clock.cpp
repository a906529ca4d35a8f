#include "base/clock.h"

namespace lambent {

Monotonic SystemClock::monotonic() const {
  return std::chrono::steady_clock::now();
}
Wall SystemClock::wall() const {
  return std::chrono::system_clock::now();
}

}  // namespace lambent
