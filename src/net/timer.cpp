#include "net/timer.h"

#include <utility>

#include "net/loop_impl.h"

namespace lambent::net {

struct Timer::Impl final : TimerPlace, std::enable_shared_from_this<Timer::Impl> {
  explicit Impl(Loop& on) : TimerPlace(on.impl()), loop(on) {}

  void on_time() override {
    const auto alive = shared_from_this();
    if (auto call = std::exchange(expired, nullptr)) call();
  }

  Loop& loop;
  std::move_only_function<void()> expired;
  std::coroutine_handle<> sleeper;
};

Timer::Timer(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    if (impl_) cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Timer::~Timer() {
  if (!impl_) return;
  // A sleeping coroutine is not resumed by destruction: its owner is taking it down.
  impl_->sleeper = nullptr;
  cancel();
}

void Timer::arm(std::chrono::nanoseconds delay, std::move_only_function<void()> expired) {
  impl_->expired = std::move(expired);
  impl_->TimerPlace::arm(std::chrono::steady_clock::now() + delay);
}

void Timer::cancel() {
  if (!impl_) return;
  impl_->disarm();
  impl_->expired = nullptr;
  if (const auto sleeper = std::exchange(impl_->sleeper, nullptr)) {
    // Resumed from the loop, not from here: cancel() must not run its caller's caller.
    impl_->loop.post([sleeper] { sleeper.resume(); });
  }
}

bool Timer::armed() const {
  return impl_ && impl_->is_armed();
}

Timer::SleepAwaiter Timer::sleep(std::chrono::nanoseconds delay) {
  return {*this, delay};
}

void Timer::SleepAwaiter::await_suspend(std::coroutine_handle<> caller) {
  Impl& impl = *timer_.impl_;
  impl.sleeper = caller;
  timer_.arm(delay_, [this, &impl] {
    slept_ = true;
    if (const auto sleeper = std::exchange(impl.sleeper, nullptr)) sleeper.resume();
  });
}

}  // namespace lambent::net
