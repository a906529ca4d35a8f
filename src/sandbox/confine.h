// Making a sandbox, from inside: what the cloned child does before a program runs. Two halves: a shell is prepared
// before it is known what for (namespaces, mounts of the host's programs, sockets, cgroups), and is assigned to a
// launch later, or at once. What a shell costs is thus paid off the path of a cold start.
#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/assignment.h"
#include "sandbox/gate.h"
#include "sandbox/mounts.h"
#include "sandbox/namespaces.h"
#include "sandbox/protocol.h"
#include "sandbox/seccomp.h"

namespace lambent::sandbox {

// Everything that the child needs from its start, prepared by the spawner. Descriptors stay the caller's.
struct Confinement {
  const protocol::Launch* kind = nullptr;  // whose mounts the shell has from its start; nothing: none
  std::uint16_t runtime_port = 0;
  std::uint16_t platform_port = 0;
  NetworkMode network = NetworkMode::bare;
  bool has_runtime_line = false;  // Policy::runtime_line
  Identity identity;
  std::vector<int> cgroup_files;
  int host_proc = -1;        // a folder descriptor of the host's /proc
  int channel = -1;          // to the spawner
  int log = -1;              // write end of the program's output
  bool is_in_house = false;  // a template's forks join its user namespace too (house.h)
  int program_line = -1;     // to a process that a template forks into this shell; -1: the program is executed
  std::span<const SeccompProgram> filters;  // by SeccompProfile
  bool records_denied_calls = false;
};

struct Listeners {
  UniqueFd runtime;
  UniqueFd platform;
  Gate gate;
  UniqueFd runtime_line;  // the platform's end
};

struct Shell {
  Listeners listeners;
  UniqueFd runtime_line;  // the program's end
  RootBuilder root;
};

// First half, in the first process of a new pid namespace. The user namespace is entered at the end of the second:
// until then the process has the spawner's rights, and all other namespaces belong to the spawner's user namespace, so
// that even all capabilities inside would give no power over them.
Result<Shell> prepare(const Confinement& confinement);
// The steps that both, and the sandboxes of house.h, are made of.
Result<> join_cgroups(const std::vector<int>& files);
Result<Listeners> make_network(const Confinement& confinement);
// The platform's end and the program's; invalid where the policy has no runtime line.
Result<std::pair<UniqueFd, UniqueFd>> make_runtime_line(const Confinement& confinement);
// Mounts, name and user of the launch: afterwards the process has the rights of a new user namespace only.
Result<> assign_place(const Confinement& confinement, Shell& shell, const Assignment& assignment,
                      std::span<const UniqueFd> mounts);
// Second half: afterwards the process has no rights.
Result<> assign(const Confinement& confinement, Shell& shell, const Assignment& assignment,
                std::span<const UniqueFd> mounts);

// The whole child: prepare, wait for the assignment, confine, run the program as init (init.h), leave.
[[noreturn]] void run_confined(const Confinement& confinement);

}  // namespace lambent::sandbox
