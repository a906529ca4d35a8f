// The sandbox of a template in which a function's INIT runs, and the sandboxes of its forks, which are made inside.
//
// A template that ran user code must not keep rights, and yet its forks have to get into sandboxes of their own. The
// kernel gives whoever made a user namespace all power over it from the namespace around it, and none elsewhere. So a
// house has two user namespaces, one in the other:
//
//     of the template      no capability in it; all else of the template belongs to the spawner's, as in any sandbox
//       of the shells      belongs to the template's user; owns every namespace of every shell, and nothing else
//
// With no capability a fork of the template can join the inner one, then the namespaces of one shell, and gives up at
// once what it got by that. Its system call filter holds setns back until the spawner answers, which lets through what
// belongs to a fork that it asked for itself. Before the shell is told anything, its first process looks that nothing
// but one process without rights is in it (house_check.h).
//
// Process 1 of the house runs Lambent's code only, out of the template's reach, with capabilities over the inner user
// namespace; it makes shells on the spawner's orders. The pid namespaces of shells are below the house's, so the house
// ends with everything in it.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "sandbox/confine.h"

namespace lambent::sandbox {

// Spawner to process 1 of a house. Descriptors: the shell's channel, the write end of its log, its program line, then
// the cgroups' files.
struct ShellRequest {
  std::uint64_t key;
};
inline constexpr std::size_t kShellDescriptors = 3;

// Second half of confine.h's recipe for a house: mounts and limits of the launch, then the template and process 1.
// Serves until the template ends; does not return.
[[noreturn]] void run_house(const Confinement& confinement, Shell& shell, Assignment& assignment,
                            std::span<const UniqueFd> mounts);

}  // namespace lambent::sandbox
