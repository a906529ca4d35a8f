// Between the spawner and a template: an interpreter with Lambent's runtime client loaded and nothing of any user,
// which forks a process into each shell that the spawner names. One packet each, over a seqpacket socket pair.
//
// Such a template runs trusted code only, with the rights that joining a shell takes; what it forks gives them up
// before it hears what it is for. A template that runs a function's INIT has no rights: house.h says how its forks come
// to their shells. All that comes from one of those, or from its forks, is checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sandbox/child_channel.h"

namespace lambent::sandbox {

inline constexpr int kTemplateControl = 3;  // descriptor of the control socket in a template
inline constexpr int kTemplateFilter = 4;   // a file of struct sock_filter: the filter of what it forks
inline constexpr int kTemplateProc = 5;     // a folder descriptor of the host's /proc
inline constexpr const char* kTemplateVariable = "LAMBENT_TEMPLATE_FD";

// Spawner to template. Descriptors: the shell's namespaces (kShellNamespaces), the line to its first process, the write
// end of the log, in a house the user namespace, then the cgroups' files.
struct ForkRequest {
  std::uint64_t key;  // names the shell
  std::uint32_t host_uid;
  std::uint32_t host_gid;
  std::uint32_t inside_uid;
  std::uint32_t inside_gid;
  std::uint32_t changes_user;
  std::uint32_t open_files;
  std::uint32_t records_denied_calls;  // 0 or 1
  std::uint32_t is_in_house;           // 1: the shell's user namespace, joined first, is among the descriptors
};

// Namespaces that a fork joins, by their files in /proc/self/ns, in the order in which it joins them: the first when it
// is forked; the mounts last, since paths mean something else then.
inline constexpr std::array kShellNamespaces{"pid", "cgroup", "ipc", "uts", "net", "mnt"};
inline constexpr std::size_t kForkDescriptors = kShellNamespaces.size() + 2;

// Exit status of a template in which INIT left what forks cannot have.
inline constexpr int kExitUnsafe = 3;

enum class TemplateEvent : std::uint32_t {
  up = 1,      // can be asked
  forked = 2,  // process: its number, not reaped before it is reported
  joined = 3,  // from the forked process: it is confined and waits in the shell
  failed = 4,  // step and code say why; from either
  ended = 5,   // code: its status as of wait(2)
};

// Template, or what it forked, to spawner.
struct TemplateReport {
  TemplateEvent event;
  std::int32_t code;
  std::uint64_t key;
  std::int32_t process;
  std::uint32_t reserved;
  std::array<char, 64> step;
};

// To the process in the shell, over its line: the working folder, NUL, the environment as NAME=value, NUL, ... It runs
// on with it. Descriptor: the program's end of the runtime line, where the policy has one; it becomes kRuntimeLine.
inline constexpr std::size_t kProgramStartBytes = protocol::kPathBytes + protocol::kVariableBytes;

}  // namespace lambent::sandbox
