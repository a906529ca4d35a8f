// Freezes an instance that has been idle for a while, so that what a handler left behind (threads, timers, daemons)
// does not run between calls.
//
// Lazily: calls that follow one another closely pay a look at the clock and nothing else, since the timer is armed only
// where it is not armed yet, and looks, when it expires, at how long the instance has been idle.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"
#include "sandbox/freezer.h"

namespace lambent::instance {

class IdleFreezer {
 public:
  IdleFreezer(net::Loop& loop, const Clock& clock, std::chrono::milliseconds after)
      : clock_(clock), after_(after), timer_(loop) {}

  void adopt(sandbox::Freezer freezer) { freezer_ = std::move(freezer); }
  // From now on nothing has to run in it.
  void idle();
  // Something has to run in it. False where it cannot be thawed: it is of no use any more.
  [[nodiscard]] bool wake();
  // It is ending or gone: never frozen again. Thaws: a frozen process that has been killed may not end before.
  void release();
  [[nodiscard]] bool is_frozen() const { return is_frozen_; }

 private:
  void watch(std::chrono::nanoseconds delay);

  const Clock& clock_;
  std::chrono::milliseconds after_;
  sandbox::Freezer freezer_;
  net::Timer timer_;
  std::optional<Monotonic> idle_since_;
  bool is_frozen_ = false;
};

}  // namespace lambent::instance
