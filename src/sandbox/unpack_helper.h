// The confined process that unpacks one archive: own user, pid, mount, net and ipc namespace, the destination folder
// as its root, no capability, its own system call filter, bounded memory, processor and wall time. A fault of the zip
// library reaches the destination folder and nothing else.
#pragma once

#include <chrono>
#include <span>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/protocol.h"
#include "sandbox/seccomp.h"
#include "sandbox/unpack.h"

namespace lambent::sandbox {

struct UnpackRequest {
  int archive = -1;      // a regular file
  int destination = -1;  // an empty folder; what is unpacked belongs to its owner
  UnpackLimits limits;
  int host_proc = -1;
  bool is_privileged = false;
  std::span<const sock_filter> filter;
};

// A running helper.
struct UnpackJob {
  UniqueFd pidfd;
  UniqueFd line;         // its report comes here
  UniqueFd destination;  // to empty the folder where the helper was stopped
  std::chrono::steady_clock::time_point deadline;
  bool is_out_of_time = false;

  // Ends the helper; its end is then seen on the pidfd.
  void stop_for_time();
  // After the pidfd became readable: reaps it; the header is left to the caller. A report that is absent or makes no
  // sense counts as a failure, and then the folder is emptied here.
  protocol::Unpacked outcome();
};

Result<UnpackJob> start_unpack(const UnpackRequest& request);

}  // namespace lambent::sandbox
