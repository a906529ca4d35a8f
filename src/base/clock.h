// Time behind an interface, so that tests decide what time it is. Durations and deadlines use monotonic time;
// dates that people and AWS clients see use wall time.
#pragma once

#include <chrono>

namespace lambent {

using Monotonic = std::chrono::steady_clock::time_point;
using Wall = std::chrono::system_clock::time_point;

// Thread safety: implementations may be used from every thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Monotonic monotonic() const = 0;
  [[nodiscard]] virtual Wall wall() const = 0;

  // Milliseconds since 1970-01-01 UTC.
  [[nodiscard]] std::int64_t wall_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall().time_since_epoch()).count();
  }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Monotonic monotonic() const override;
  [[nodiscard]] Wall wall() const override;
};

// Stands still until told otherwise. Not thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Wall start = Wall(std::chrono::seconds(1'800'000'000))) : wall_(start) {}
  [[nodiscard]] Monotonic monotonic() const override { return monotonic_; }
  [[nodiscard]] Wall wall() const override { return wall_; }
  void advance(std::chrono::nanoseconds by) {
    monotonic_ += by;
    wall_ += std::chrono::duration_cast<Wall::duration>(by);
  }
  // What a stepped host clock looks like: wall time jumps, monotonic time does not.
  void jump_wall(std::chrono::nanoseconds by) { wall_ += std::chrono::duration_cast<Wall::duration>(by); }

 private:
  Monotonic monotonic_{std::chrono::hours(1)};
  Wall wall_;
};

}  // namespace lambent
