// A value that is set once and awaited once, on one loop: how a callback wakes a coroutine.
//
// Copies share the value. set() resumes the waiter inside the call; where the setter must not be re-entered, or is on
// another thread, it posts to the loop first: loop.post([shot, v] { shot.set(v); }).
#pragma once

#include <cassert>
#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

namespace lambent::net {

template <class T>
class OneShot {
 public:
  OneShot() : state_(std::make_shared<State>()) {}

  // The first value counts; later ones are dropped (two ends of a race may both report). True where it counted.
  bool set(T value) const {
    const auto state = state_;
    if (state->was_set) return false;
    state->was_set = true;
    state->value.emplace(std::move(value));
    if (const auto waiter = std::exchange(state->waiter, nullptr)) waiter.resume();
    return true;
  }
  [[nodiscard]] bool is_set() const { return state_->was_set; }

  [[nodiscard]] bool await_ready() const { return state_->value.has_value(); }
  void await_suspend(std::coroutine_handle<> caller) const {
    assert(!state_->waiter);
    state_->waiter = caller;
  }
  T await_resume() const { return *std::move(state_->value); }

 private:
  struct State {
    std::optional<T> value;
    bool was_set = false;
    std::coroutine_handle<> waiter;
  };
  std::shared_ptr<State> state_;
};

}  // namespace lambent::net
