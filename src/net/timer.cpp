#include "net/timer.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "net/loop_impl.h"

namespace lambent::net {

struct Timer::Impl {
  explicit Impl(Loop& loop) : timer(loop.impl().io) {}
  asio::steady_timer timer;
  // Counts up with each arm and cancel, so that a completion already queued for an earlier arming is told apart.
  std::uint64_t generation = 0;
  bool armed = false;
  std::move_only_function<void()> expired;
  std::coroutine_handle<> sleeper;
  SleepAwaiter* awaiter = nullptr;
  Loop* loop = nullptr;
};

Timer::Timer(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {
  impl_->loop = &loop;
}
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
  impl_->generation++;
  impl_->armed = true;
  impl_->expired = std::move(expired);
  impl_->timer.expires_after(delay);
  impl_->timer.async_wait([weak = std::weak_ptr(impl_), generation = impl_->generation](boost::system::error_code) {
    const auto impl = weak.lock();
    if (!impl || impl->generation != generation || !impl->armed) return;
    impl->armed = false;
    const auto call = std::exchange(impl->expired, nullptr);
    if (call) const_cast<std::move_only_function<void()>&>(call)();
  });
}

void Timer::cancel() {
  if (!impl_) return;
  impl_->generation++;
  impl_->armed = false;
  impl_->expired = nullptr;
  impl_->timer.cancel();
  if (const auto sleeper = std::exchange(impl_->sleeper, nullptr)) {
    // Resumed from the loop, not from here: cancel() must not run its caller's caller.
    impl_->loop->post([sleeper] { sleeper.resume(); });
  }
}

bool Timer::armed() const {
  return impl_ && impl_->armed;
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
