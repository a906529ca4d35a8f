// One sandbox as the spawner sees it: its first process, what it waits for, and what it must put away.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/child_channel.h"

namespace lambent::sandbox {

// Of a house (house.h) while its template runs.
struct House {
  std::unique_ptr<protocol::Launch> like;  // without the environment
  UniqueFd control;                        // to the template
  UniqueFd notifications;                  // its setns
  pid_t program = 0;                       // the template, as the spawner's pid namespace names it
  bool is_up = false;                      // INIT is over, says the template
  bool is_checked = false;                 // and left nothing, says process 1
  std::deque<std::uint64_t> cloning;       // keys of the shells whose first processes were asked for, oldest first
  std::deque<std::uint64_t> ready;         // of those that a fork waits in, or will, without a launch
  std::deque<std::uint64_t> waiting;       // of those that wait for a fork
  std::map<pid_t, int> reaped;             // ends of forks that were not told yet

  // The one that is forked into.
  std::uint64_t joining = 0;
  pid_t joiner = 0;     // the process that joins, as the spawner names it
  unsigned joined = 0;  // namespaces so far
};

struct Instance {
  enum class State {
    shell,     // prepares itself, or is prepared and waits for a launch
    assigned,  // has its launch and confines itself; nothing told to the server yet
    running,   // Launched was sent
    failed,    // LaunchFailed is decided; waiting for the end
    removing,  // ended and reaped; a cgroup is still busy
    stuck,     // the kernel does not end it: told as ended, kept and killed again until it goes
  };

  std::uint64_t key = 0;   // the spawner's own name for it
  std::uint64_t id = 0;    // the server's; 0 while no launch has it
  std::uint32_t kind = 0;  // of shell; 0: made for one launch
  State state = State::shell;
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd channel;       // to its first process
  UniqueFd log;           // read end, until it is handed over
  UniqueFd memory_watch;  // readable: the memory limit was hit
  SandboxCgroup cgroup;
  std::uint32_t host_uid = 0;
  std::chrono::steady_clock::time_point deadline;      // of preparing or of the assignment
  std::chrono::steady_clock::time_point hasten_again;  // killed, and not gone yet
  std::chrono::steady_clock::time_point end_by;        // killed or ended: from then on it is stuck

  std::vector<UniqueFd> listeners;     // from "prepared" until they are handed over
  std::uint32_t wanted_listeners = 0;  // bits of protocol::Launched
  bool is_prepared = false;
  std::unique_ptr<protocol::Launch> launch;  // what it is for, until it is told
  std::chrono::steady_clock::time_point launch_came;
  std::chrono::nanoseconds shell_took{};  // from then until it was prepared and told

  // Where a template forks the program into it: what the template needs for that, and the forked process.
  bool program_is_forked = false;
  UniqueFd program_line;
  UniqueFd program_log;
  bool is_joined = false;
  UniqueFd program;

  std::unique_ptr<House> house;      // it is one
  std::uint64_t house_key = 0;       // it is a shell of this one
  std::vector<UniqueFd> namespaces;  // what the fork joins, until it is asked for
  UniqueFd forerunner;               // joined its user namespace for the fork; ends before that is told anything
  pid_t program_in_house = 0;        // as the house's pid namespace names it

  bool is_killed = false;
  bool is_reaped = false;
  bool is_out_of_memory = false;
  std::optional<int> program_status;    // as of wait(2), from its first process or from the template
  std::optional<ChildMessage> failure;  // of the set-up
  std::optional<std::uint64_t> memory_peak;
};

}  // namespace lambent::sandbox
