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
  class Awaiter;
  Awaiter readable();
  // While somebody waits: true as long as the loop has heard of nothing to read. What was written before something that
  // the loop has heard of elsewhere was heard of, too.
  [[nodiscard]] bool is_known_unready() const;

  // Ends a wait, from the loop, with false; later waits end at once with false.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Readiness::Awaiter {
 public:
  explicit Awaiter(Impl& impl) : impl_(impl) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  [[nodiscard]] bool await_resume() const;

 private:
  Impl& impl_;
};

inline Readiness::Awaiter Readiness::readable() {
  return Awaiter(*impl_);
}

}  // namespace lambent::net
