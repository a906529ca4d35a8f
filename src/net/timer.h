// One deadline on a loop. Cancelled by destruction.
#pragma once

#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>

#include "net/loop.h"

namespace lambent::net {

class Timer {
 public:
  explicit Timer(Loop& loop);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;

  // Calls `expired` once, after `delay`. Arming again replaces what was armed; the old callback is not called.
  void arm(std::chrono::nanoseconds delay, std::move_only_function<void()> expired);
  // After cancel() returns the callback is not called.
  void cancel();
  [[nodiscard]] bool armed() const;

  // co_await timer.sleep(d): true after the delay; false where cancel() ended it early. One sleeper at a time.
  class SleepAwaiter;
  SleepAwaiter sleep(std::chrono::nanoseconds delay);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

class Timer::SleepAwaiter {
 public:
  SleepAwaiter(Timer& timer, std::chrono::nanoseconds delay) : timer_(timer), delay_(delay) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  [[nodiscard]] bool await_resume() const { return slept_; }

 private:
  friend struct Timer::Impl;
  Timer& timer_;
  std::chrono::nanoseconds delay_;
  bool slept_ = false;
};

}  // namespace lambent::net
