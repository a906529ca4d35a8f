#include "net/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "net/loop_impl.h"

namespace lambent::net {

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  {
    const auto guard = asio::make_work_guard(impl_->io);
    impl_->io.run();
  }
  impl_->io.restart();  // only now: a stop() before this run counts
}

void Loop::run_until_idle() {
  impl_->io.restart();
  impl_->io.run();
  impl_->io.restart();  // having nothing left to do stops it
}

void Loop::stop() {
  impl_->io.stop();
}

void Loop::post(std::move_only_function<void()> work) {
  // Asio asks for copyable handlers only in name: a move-only lambda is taken as it is.
  asio::post(impl_->io, [work = std::move(work)]() mutable { work(); });
}

}  // namespace lambent::net
