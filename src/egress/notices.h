// What an instance's log is told of its network: refused and failed connections, each a line, so many a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "egress/token_bucket.h"
#include "net/timer.h"

namespace lambent::egress {

enum class NoticeKind : std::uint8_t {
  refused,   // by the policy or a limit
  failed,    // allowed, but the network said no: the program inside only sees a connection that was reset
  left_out,  // so many of the two above were too many to be told
};

struct Notice {
  NoticeKind kind = NoticeKind::refused;
  std::string target;       // "10.0.0.1:5432", "the name db.example.com"; empty for left_out
  std::string reason;       // "a private address"; empty for left_out
  std::uint64_t count = 0;  // of left_out

  // A line of a log.
  [[nodiscard]] std::string text() const {
    if (kind == NoticeKind::left_out) return "network: " + std::to_string(count) + " more refused or failed";
    return "network: " + target + (kind == NoticeKind::refused ? " refused: " : " failed: ") + reason;
  }
};

class Notices {
 public:
  static constexpr double kPerSecond = 5;
  static constexpr double kBurst = 20;
  static constexpr std::chrono::seconds kLeftOutEvery{1};

  Notices(net::Loop& loop, const Clock& clock, std::function<void(const Notice&)> tell)
      : clock_(clock), tell_(std::move(tell)), bucket_(kPerSecond, kBurst, clock.monotonic()), timer_(loop) {}

  void refused(std::string target, std::string reason) {
    add({NoticeKind::refused, std::move(target), std::move(reason), 0});
  }
  void failed(std::string target, std::string reason) {
    add({NoticeKind::failed, std::move(target), std::move(reason), 0});
  }
  // So many could not be looked at.
  void leave_out(std::uint64_t count) {
    if (count == 0) return;
    left_out_ += count;
    if (!timer_.armed()) timer_.arm(kLeftOutEvery, [this] { tell_left_out(); });
  }
  // Now, instead of in a second: at the end.
  void tell_left_out() {
    timer_.cancel();
    if (left_out_ > 0) tell_({NoticeKind::left_out, {}, {}, std::exchange(left_out_, 0)});
  }

 private:
  void add(const Notice& notice) {
    if (bucket_.take(clock_.monotonic())) {
      tell_(notice);
    } else {
      leave_out(1);
    }
  }

  const Clock& clock_;
  std::function<void(const Notice&)> tell_;
  TokenBucket bucket_;
  net::Timer timer_;
  std::uint64_t left_out_ = 0;
};

}  // namespace lambent::egress
