// Tells what a sandbox's network refused: of an instance whose policy opens nothing (sandbox/gate.h). It decides
// nothing and carries nothing: the kernel has refused before this is told.
//
// It reads at most every kPause, and what the socket holds then: a flood costs this process some reads a second, and is
// counted by the numbers that the kernel gives.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "egress/ip_address.h"
#include "egress/notices.h"
#include "egress/outside.h"
#include "net/readiness.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::egress {

class RefusalReader {
 public:
  static constexpr std::chrono::milliseconds kPause{100};

  // `outside` must outlive it. Reads from now on, until close(). `refusals` is non-blocking.
  static std::shared_ptr<RefusalReader> start(Outside& outside, UniqueFd refusals, const IpAddress& name_server,
                                              std::function<void(const Notice&)> tell);
  RefusalReader(Outside& outside, UniqueFd refusals, const IpAddress& name_server,
                std::function<void(const Notice&)> tell);

  // Tells what is there still, and no more. Idempotent.
  void close();

 private:
  using Self = std::shared_ptr<RefusalReader>;
  static net::Task<> read_all(Self self);
  void drain();
  void take(std::span<const std::uint8_t> message);

  const Clock& clock_;
  const UniqueFd refusals_;
  const IpAddress name_server_;
  Notices notices_;
  net::Readiness ready_;
  net::Timer pause_;
  std::uint32_t next_number_ = 0;
  std::string last_name_;  // a look-up asks for two kinds of addresses, more than once: one line
  Monotonic last_name_at_;
  bool is_closed_ = false;
};

}  // namespace lambent::egress
