#include "instance/idle_freezer.h"

#include <tuple>
#include <utility>

namespace lambent::instance {

void IdleFreezer::idle() {
  if (!freezer_.valid()) return;
  idle_since_ = clock_.monotonic();
  if (!timer_.armed()) watch(after_);
}

void IdleFreezer::watch(std::chrono::nanoseconds delay) {
  timer_.arm(delay, [this] {
    if (!idle_since_) return;  // at work: idle() arms it again
    const std::chrono::nanoseconds left = *idle_since_ + after_ - clock_.monotonic();
    if (left > std::chrono::nanoseconds(0)) return watch(left);
    is_frozen_ = freezer_.freeze();
  });
}

bool IdleFreezer::wake() {
  idle_since_.reset();
  return !std::exchange(is_frozen_, false) || freezer_.thaw();
}

void IdleFreezer::release() {
  timer_.cancel();
  std::ignore = wake();
  freezer_ = {};
}

}  // namespace lambent::instance
