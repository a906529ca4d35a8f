// Waiting until a descriptor can be read: pipes, pidfds, signalfds, eventfds. Does not own the descriptor.
#pragma once

#include <coroutine>
#include <memory>

#include "base/fd.h"
#include "net/loop.h"

namespace lambent::net {

class Readiness {
 public:
  // `fd` must stay open until this object is gone.
  Readiness(Loop& loop, int fd);
  ~Readiness();
  Readiness(Readiness&&) noexcept;
  Readiness& operator=(Readiness&&) noexcept;

  // co_await readiness.readable(): true when readable (or at end or in error, which reading will show); false after
  // cancel(). One waiter at a time.
  class Awaiter {
   public:
    explicit Awaiter(Readiness& readiness) : readiness_(readiness) {}
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> caller);
    [[nodiscard]] bool await_resume() const { return ready_; }

   private:
    Readiness& readiness_;
    bool ready_ = false;
  };
  Awaiter readable() { return Awaiter(*this); }

  // Ends a wait, from the loop, with false; later waits end at once with false.
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lambent::net
