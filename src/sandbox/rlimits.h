// Resource limits of processes: those that always hold, and coarse ones where no cgroup carries the controller.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace lambent::sandbox {

struct ResourceLimits {
  std::uint64_t open_files = 1024;
  std::uint64_t processes = 0;   // per user of the namespace; 0: a cgroup counts them
  std::uint64_t data_bytes = 0;  // private writable memory of one process; 0: a cgroup counts it
};

// Only ever lowers. No core dumps, 64 KiB of locked memory, 800 KiB of message queues.
Result<> set_resource_limits(const ResourceLimits& limits);

// For a helper that works on one file: address space, processor seconds, file size.
struct HelperLimits {
  std::uint64_t address_bytes = 0;
  std::uint64_t cpu_seconds = 0;
  std::uint64_t file_bytes = 0;
};
Result<> set_helper_limits(const HelperLimits& limits);

// The spawner holds several descriptors for each sandbox: as many as the host allows.
void raise_open_files();

}  // namespace lambent::sandbox
