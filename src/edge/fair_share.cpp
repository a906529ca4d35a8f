#include "edge/fair_share.h"

#include <algorithm>
#include <utility>

#include "net/timer.h"

namespace lambent::edge {

struct Turns::State : std::enable_shared_from_this<Turns::State> {
  State(net::Loop& on, std::size_t round, std::size_t window_size)
      : loop(on), in_a_round(round), in_a_window(window_size), left_in_round(round), window(on) {}

  net::Loop& loop;
  std::size_t in_a_round;
  std::size_t in_a_window;
  std::size_t left_in_round;
  std::size_t used_in_window = 0;
  bool is_round_posted = false;
  net::Timer window;  // armed by its first turn
  std::deque<std::coroutine_handle<>> waiters;

  [[nodiscard]] bool has_turn() const {
    return left_in_round > 0 && (in_a_window == 0 || used_in_window < in_a_window);
  }
};

Turns::Turns(net::Loop& loop, std::size_t in_a_round, std::size_t in_a_window)
    : state_(std::make_shared<State>(loop, in_a_round, in_a_window)) {}

Turns::Awaiter Turns::take() {
  return Awaiter(*this);
}

void Turns::use_one(const std::shared_ptr<State>& state) {
  state->left_in_round--;
  begin_round(state);
  if (state->in_a_window == 0 || state->used_in_window++ > 0) return;
  state->window.arm(kWindow, [raw = state.get()] {
    raw->used_in_window = 0;
    serve_waiters(raw->shared_from_this());
  });
}

// Behind everything that is ready by now: that is what makes a round.
void Turns::begin_round(const std::shared_ptr<State>& state) {
  if (std::exchange(state->is_round_posted, true)) return;
  state->loop.post([state] {
    state->is_round_posted = false;
    state->left_in_round = state->in_a_round;
    serve_waiters(state);
  });
}

void Turns::serve_waiters(const std::shared_ptr<State>& state) {
  while (state->has_turn() && !state->waiters.empty()) {
    const auto next = state->waiters.front();
    state->waiters.pop_front();
    use_one(state);
    next.resume();
  }
}

bool Turns::Awaiter::await_ready() const {
  if (!turns_.state_->has_turn() || !turns_.state_->waiters.empty()) return false;
  use_one(turns_.state_);
  return true;
}

void Turns::Awaiter::await_suspend(std::coroutine_handle<> caller) const {
  turns_.state_->waiters.push_back(caller);
}

void Room::Share::give_back() {
  if (room_ != nullptr) std::exchange(room_, nullptr)->put_back(bytes_);
}

Room::Awaiter Room::take(std::size_t bytes) {
  return {*this, std::min(bytes, bytes_)};
}

bool Room::try_take(std::size_t bytes) {
  if (!waiters_.empty() || bytes > free_) return false;
  free_ -= bytes;
  return true;
}

void Room::put_back(std::size_t bytes) {
  free_ += bytes;
  while (!waiters_.empty() && waiters_.front().bytes <= free_) {
    const Waiter next = waiters_.front();
    waiters_.pop_front();
    free_ -= next.bytes;
    loop_.post([caller = next.caller] { caller.resume(); });
  }
}

}  // namespace lambent::edge
