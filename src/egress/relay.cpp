#include "egress/relay.h"

#include <coroutine>
#include <utility>
#include <vector>

namespace lambent::egress {
namespace {

// Two fast ends could keep the loop to themselves: after so many bytes others get their turn.
constexpr std::size_t kTurnBytes = 8 * kRelayBytes;

struct LetOthersRun {
  net::Loop& loop;
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) const {
    loop.post([caller] { caller.resume(); });
  }
  void await_resume() const {}
};

}  // namespace

Relay::Relay(net::Loop& loop, const Clock& clock, net::Stream inside, net::Stream outside,
             std::chrono::nanoseconds idle_timeout)
    : loop_(loop),
      clock_(clock),
      inside_(std::move(inside)),
      outside_(std::move(outside)),
      idle_timeout_(idle_timeout),
      moved_(clock.monotonic()),
      idle_(loop) {}

net::Task<> Relay::run() {
  watch_idle(idle_timeout_);
  scope_.spawn(pump(inside_, outside_));
  scope_.spawn(pump(outside_, inside_));
  co_await scope_.join();
  idle_.cancel();
  inside_.close();
  outside_.close();
}

void Relay::reset() {
  inside_.reset();
  outside_.reset();
}

net::Task<> Relay::pump(net::Stream& from, net::Stream& to) {
  std::vector<char> buffer(kRelayBytes);
  std::size_t this_turn = 0;
  for (;;) {
    const auto n = co_await from.read_some(buffer);
    if (!n) co_return reset();
    moved_ = clock_.monotonic();
    if (*n == 0) break;
    if (!co_await to.write_all({buffer.data(), *n})) co_return reset();
    moved_ = clock_.monotonic();
    this_turn += *n;
    if (this_turn >= kTurnBytes) {
      this_turn = 0;
      co_await LetOthersRun{loop_};
    }
  }
  to.shutdown_write();
}

void Relay::watch_idle(std::chrono::nanoseconds delay) {
  idle_.arm(delay, [this] {
    const auto left = moved_ + idle_timeout_ - clock_.monotonic();
    if (left <= std::chrono::nanoseconds(0)) return reset();
    watch_idle(left);
  });
}

}  // namespace lambent::egress
