// A kind of shells: what they have in common, how many are ready, and how many there should be.
//
// Launches of a kind take a ready shell; the spawner makes new ones when it is not busy with launches. Where launches
// come faster than that, more are kept, up to a bound.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>

#include "sandbox/protocol.h"
#include "sandbox/template_process.h"

namespace lambent::sandbox {

struct ShellKind {
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kMemory{10};  // how long a launch counts for the number that is kept ready

  std::unique_ptr<protocol::Launch> like;
  bool is_template = false;
  std::uint32_t ready_at_least = 0;
  TemplateProcess process;           // where is_template
  std::deque<std::uint64_t> shells;  // keys of those not taken, oldest first; ready or nearly so
  std::deque<Time> launches;         // the recent ones
  Time not_before;                   // a shell failed: none is made ahead until then

  void note_launch(Time now) {
    forget_old(now);
    launches.push_back(now);
  }
  // As many as there were launches lately, within bounds: the next burst is probably like the last one.
  std::uint32_t wanted(Time now) {
    forget_old(now);
    const auto recent = static_cast<std::uint32_t>(std::min<std::size_t>(launches.size(), kReadyAtMost));
    return ready_at_least == 0 ? 0 : std::max(ready_at_least, recent);
  }

 private:
  static constexpr std::uint32_t kReadyAtMost = 16;
  void forget_old(Time now) {
    while (!launches.empty() && now - launches.front() > kMemory) launches.pop_front();
    while (launches.size() > 4 * kReadyAtMost) launches.pop_front();
  }
};

}  // namespace lambent::sandbox
