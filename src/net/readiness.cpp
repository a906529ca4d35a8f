#include "net/readiness.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "net/loop_impl.h"

namespace lambent::net {

struct Readiness::Impl {
  Impl(Loop& loop, int fd) : descriptor(loop.impl().io, fd) {}
  ~Impl() { descriptor.release(); }
  asio::posix::stream_descriptor descriptor;
  bool cancelled = false;
  bool abandoned = false;
};

Readiness::Readiness(Loop& loop, int fd) : impl_(std::make_shared<Impl>(loop, fd)) {}
Readiness::Readiness(Readiness&&) noexcept = default;
Readiness& Readiness::operator=(Readiness&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
Readiness::~Readiness() {
  if (!impl_) return;
  impl_->abandoned = true;
  // Leaves the reactor now: the owner closes the descriptor next.
  impl_->descriptor.release();
}

void Readiness::cancel() {
  impl_->cancelled = true;
  boost::system::error_code ignored;
  impl_->descriptor.cancel(ignored);
}

void Readiness::Awaiter::await_suspend(std::coroutine_handle<> caller) {
  const auto impl = readiness_.impl_;
  if (impl->cancelled) {
    asio::post(impl->descriptor.get_executor(), [impl, caller] {
      if (!impl->abandoned) caller.resume();
    });
    return;
  }
  impl->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [this, impl, caller](boost::system::error_code error) {
                                if (impl->abandoned) return;
                                ready_ = !error && !impl->cancelled;
                                caller.resume();
                              });
}

}  // namespace lambent::net
