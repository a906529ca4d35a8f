#include "net/scope.h"

#include <utility>

namespace lambent::net {

struct Scope::State {
  std::size_t running = 0;
  std::coroutine_handle<> joiner;
};

namespace {

// A coroutine without an owner: its frame frees itself at the end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

template <class State>
Detached drive(Task<> task, std::shared_ptr<State> state) {
  {
    // The task's frame goes before the joiner hears of its end: it may hold references into the joiner's objects.
    Task<> owned = std::move(task);
    co_await std::move(owned);
  }
  if (--state->running == 0) {
    if (const auto joiner = std::exchange(state->joiner, nullptr)) joiner.resume();
  }
}

}  // namespace

Scope::Scope() : state_(std::make_shared<State>()) {}
Scope::~Scope() {
  assert(state_->running == 0 && "join() a scope before it goes away");
}

void Scope::spawn(Task<> task) {
  state_->running++;
  drive(std::move(task), state_);
}

std::size_t Scope::running() const {
  return state_->running;
}

void Scope::JoinAwaiter::await_suspend(std::coroutine_handle<> caller) {
  assert(!scope_.state_->joiner);
  scope_.state_->joiner = caller;
}

}  // namespace lambent::net
