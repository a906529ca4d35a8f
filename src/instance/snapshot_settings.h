// What an operator decides of snapshot starts (snapshots.h).
#pragma once

#include <cstdint>

namespace lambent::instance {

struct SnapshotSettings {
  bool everything = false;                    // not only published versions with SnapStart
  std::uint32_t templates = 64;               // at the same time
  std::uint32_t memory_reserve_percent = 10;  // of the host's; with less free, templates without instances end
};

}  // namespace lambent::instance
