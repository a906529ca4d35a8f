// The addresses that a function's names were resolved to, each for as long as the answer holds. Bounded: where there
// are too many, the one that ends first goes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>

#include "base/clock.h"
#include "egress/ip_address.h"

namespace lambent::egress {

class LearnedAddresses {
 public:
  static constexpr std::size_t kMost = 4096;
  // A program connects some time after it asked, and may ask again only later.
  static constexpr std::chrono::seconds kLeast{60};
  static constexpr std::chrono::seconds kLongest{3600};

  void learn(const IpAddress& address, std::uint32_t ttl_seconds, Monotonic now) {
    const auto ends = now + std::clamp(std::chrono::seconds(ttl_seconds), kLeast, kLongest);
    auto& known = addresses_[address];
    known = std::max(known, ends);
    if (addresses_.size() > kMost) make_room(now);
  }
  [[nodiscard]] bool holds(const IpAddress& address, Monotonic now) const {
    const auto found = addresses_.find(address);
    return found != addresses_.end() && now < found->second;
  }
  [[nodiscard]] std::size_t size() const { return addresses_.size(); }

 private:
  void make_room(Monotonic now) {
    std::erase_if(addresses_, [&](const auto& one) { return one.second <= now; });
    while (addresses_.size() > kMost) {
      addresses_.erase(std::ranges::min_element(addresses_, {}, [](const auto& one) { return one.second; }));
    }
  }

  std::map<IpAddress, Monotonic> addresses_;
};

}  // namespace lambent::egress
