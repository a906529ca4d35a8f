// What an instance's log is told of its network: refused and failed connections, each a line, so many a second.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "egress/token_bucket.h"

namespace lambent::egress {

enum class NoticeKind : std::uint8_t {
  refused,  // by the policy or a limit
  failed,   // allowed, but the network said no: the program inside only sees a connection that was reset
};

struct Notice {
  NoticeKind kind = NoticeKind::refused;
  std::string target;          // "10.0.0.1:5432", "db.example.com", "10.0.0.1:53 (UDP)"
  std::string reason;          // "a private address"
  std::uint64_t left_out = 0;  // notices before this one that were too many
};

class Notices {
 public:
  static constexpr double kPerSecond = 5;
  static constexpr double kBurst = 20;

  Notices(const Clock& clock, std::function<void(const Notice&)> tell)
      : clock_(clock), tell_(std::move(tell)), bucket_(kPerSecond, kBurst, clock.monotonic()) {}

  void refused(std::string target, std::string reason) {
    add({NoticeKind::refused, std::move(target), std::move(reason), 0});
  }
  void failed(std::string target, std::string reason) {
    add({NoticeKind::failed, std::move(target), std::move(reason), 0});
  }

 private:
  void add(Notice notice) {
    if (!bucket_.take(clock_.monotonic())) {
      ++left_out_;
      return;
    }
    notice.left_out = std::exchange(left_out_, 0);
    tell_(notice);
  }

  const Clock& clock_;
  std::function<void(const Notice&)> tell_;
  TokenBucket bucket_;
  std::uint64_t left_out_ = 0;
};

}  // namespace lambent::egress
