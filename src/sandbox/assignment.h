// What a launch adds to a prepared shell, and how it gets there: one packet over the channel to the shell's first
// process, with the mounts as descriptors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/protocol.h"
#include "sandbox/rlimits.h"

namespace lambent::sandbox {

struct Assignment {
  protocol::Launch launch;
  ResourceLimits limits;
  std::uint32_t first_mount;  // index of the first mount of the launch that the shell does not have already
  std::uint32_t reserved;
};

// `mounts`: detached copies (open_mount) of the launch's mounts from first_mount on, in their order; the caller's.
Result<> send_assignment(int channel, const Assignment& assignment, std::span<const int> mounts);

// Waits. The process ends where the spawner is gone: nobody is left to tell.
Result<std::vector<UniqueFd>> receive_assignment(int channel, Assignment& into);

}  // namespace lambent::sandbox
