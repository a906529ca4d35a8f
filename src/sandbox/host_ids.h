// Host user ids lent to sandboxes: each running sandbox has one of its own, and one that was given back is used again
// as late as possible.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>

namespace lambent::sandbox {

class HostIds {
 public:
  HostIds() = default;
  HostIds(std::uint32_t first, std::uint32_t count) : first_(first), count_(count) {}

  // Nothing when all are lent.
  std::optional<std::uint32_t> take() {
    if (lent_.size() >= count_) return std::nullopt;
    while (lent_.contains(next_)) next_ = (next_ + 1) % count_;
    const std::uint32_t offset = next_;
    next_ = (next_ + 1) % count_;
    lent_.insert(offset);
    return first_ + offset;
  }
  void give_back(std::uint32_t id) { lent_.erase(id - first_); }

 private:
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t next_ = 0;
  std::unordered_set<std::uint32_t> lent_;
};

}  // namespace lambent::sandbox
