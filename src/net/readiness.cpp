#include "net/readiness.h"

#include <utility>

#include "net/loop_impl.h"

namespace lambent::net {

struct Readiness::Impl final : Loop::Waiter {
  Impl(Loop& loop, int fd) : watch(loop.impl(), fd) {}

  void on_ready() override {
    if (const auto waiter = std::exchange(caller, nullptr)) waiter.resume();
  }

  Watch watch;
  std::coroutine_handle<> caller;
  bool is_cancelled = false;
};

Readiness::Readiness(Loop& loop, int fd) : impl_(std::make_unique<Impl>(loop, fd)) {}
Readiness::Readiness(Readiness&&) noexcept = default;
Readiness& Readiness::operator=(Readiness&&) noexcept = default;
Readiness::~Readiness() = default;

void Readiness::cancel() {
  impl_->is_cancelled = true;
  impl_->watch.wake_all();
}

bool Readiness::is_known_unready() const {
  return impl_->caller && impl_->watch.is_known_unready();
}

void Readiness::Awaiter::await_suspend(std::coroutine_handle<> caller) {
  impl_.caller = caller;
  impl_.watch.wait_for_readable(impl_);
  if (impl_.is_cancelled) impl_.watch.wake_all();
}

bool Readiness::Awaiter::await_resume() const {
  return !impl_.is_cancelled;
}

}  // namespace lambent::net
