// Times one start: each mark ends a phase. All marks are read from one monotonic clock, so that the phases add up to
// the whole.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "telemetry/cold_start.h"

namespace lambent::telemetry {

class ColdStartTimer {
 public:
  // `clock` must outlive it.
  explicit ColdStartTimer(const Clock& clock) : clock_(clock) {}

  // The start is allowed, after it was queued for so long.
  void begin(std::chrono::nanoseconds queued) {
    start_.emplace();
    start_->of(StartPhase::queue) = queued;
    mark_ = clock_.monotonic();
  }
  // It waited for a template in which INIT runs, maybe not at all.
  void has_template() {
    if (start_) start_->of(StartPhase::init) = since_mark();
  }
  // The program runs. `shell` is the part of the time since the last mark until there was a sandbox, as its maker
  // measured it.
  void launched(std::chrono::nanoseconds shell, StartLevel level) {
    if (!start_) return;
    const auto both = since_mark();
    start_->level = level;
    start_->of(StartPhase::shell) = std::clamp(shell, std::chrono::nanoseconds(0), both);
    start_->of(StartPhase::fork) = both - start_->of(StartPhase::shell);
  }
  // It asks for its first call.
  void ready() {
    if (!start_) return;
    start_->of(start_->level == StartLevel::snapshot ? StartPhase::restore : StartPhase::init) += since_mark();
  }
  // It is handed its first call; it may have been idle before.
  void called() { mark_ = clock_.monotonic(); }
  // It answered. Nothing but for the first time.
  [[nodiscard]] std::optional<ColdStart> answered() {
    if (start_) start_->of(StartPhase::first_byte) = since_mark();
    return std::exchange(start_, std::nullopt);
  }

 private:
  std::chrono::nanoseconds since_mark() {
    const Monotonic now = clock_.monotonic();
    return now - std::exchange(mark_, now);
  }

  const Clock& clock_;
  Monotonic mark_{};
  std::optional<ColdStart> start_;
};

}  // namespace lambent::telemetry
