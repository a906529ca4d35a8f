// One sandbox as the spawner sees it: its first process, what it waits for, and what it must put away.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/child_channel.h"

namespace lambent::sandbox {

struct Instance {
  enum class State {
    setting_up,  // the child confines itself; nothing told to the server yet
    running,     // Launched was sent
    failed,      // LaunchFailed is decided; waiting for the end
    removing,    // ended and reaped; a cgroup is still busy
  };

  std::uint64_t id = 0;
  State state = State::setting_up;
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd channel;       // to its first process
  UniqueFd log;           // read end, until it is handed over
  UniqueFd memory_watch;  // readable: the memory limit was hit
  SandboxCgroup cgroup;
  std::uint32_t host_uid = 0;
  std::uint32_t listeners = 0;  // which the policy asks for: bits of protocol::Launched
  std::chrono::steady_clock::time_point set_up_deadline;

  bool is_killed = false;
  bool is_out_of_memory = false;
  std::optional<int> program_status;    // as of wait(2), from its first process
  std::optional<ChildMessage> failure;  // of the set-up
  std::optional<std::uint64_t> memory_peak;
};

}  // namespace lambent::sandbox
