// The owner of coroutines that run beside their starter: every spawned Task belongs to a Scope, and the scope's owner
// ends them (by closing what they wait for) and waits for them with join() before it goes away.
#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>

#include "net/task.h"

namespace lambent::net {

class Scope {
 public:
  Scope();
  // Every spawned task must have finished: wait with join(). Asserted.
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Starts the task at once; it runs until its first suspension inside this call.
  void spawn(Task<> task);
  [[nodiscard]] std::size_t running() const;

  // co_await scope.join(): until no spawned task runs any more. One waiter at a time.
  class JoinAwaiter {
   public:
    explicit JoinAwaiter(Scope& scope) : scope_(scope) {}
    [[nodiscard]] bool await_ready() const { return scope_.running() == 0; }
    void await_suspend(std::coroutine_handle<> caller);
    void await_resume() const {}

   private:
    Scope& scope_;
  };
  JoinAwaiter join() { return JoinAwaiter(*this); }

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambent::net
