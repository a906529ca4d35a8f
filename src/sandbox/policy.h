// What one sandbox may see and use: a plain value, built by the caller, enforced by the spawner (confine.h).
//
// Everything not named here is absent: a program inside sees the host's /usr and what belongs to it (read-only), the
// mounts of its policy, its own /proc, /dev with null, zero, full, random, urandom and tty, and a private /tmp. Its
// network is a loopback of its own on which only the two listeners below answer, and a gate where the policy has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"

namespace lambent::sandbox {

// A host folder or file shown inside, read-only, set-user-id bits and devices ignored. `source` and `target` are
// absolute, without "." or ".." parts; the folders of the target are made. The source need not be reachable by the
// sandboxed user: it is opened before rights are given up.
struct Mount {
  std::string source;
  std::string target;
};

// DANGEROUS: what is written inside stays on the host. Nothing of the product grants it to a function; it has a type
// of its own so that every use can be found.
struct GrantWritableHostFolder {
  std::string source;
  std::string target;
};

// Which list of system calls under policies/seccomp/ holds inside: that of the runtime's family.
enum class SeccompProfile : std::uint8_t { provided = 0, python, nodejs, java, ruby };
inline constexpr std::size_t kSeccompProfiles = 5;

// What a program inside reaches, beyond the runtime's listener or line.
enum class NetworkMode : std::uint8_t {
  bare = 0,      // the platform's listener; to other addresses there is no route, and nothing tells of attempts
  none = 1,      // nothing: other addresses and the platform's port refuse, and Gate::refusals tells (gate.h)
  platform = 2,  // the platform's listener; all other addresses refuse, and Gate::refusals tells
  open = 3,      // the platform's listener; what goes to other addresses arrives at Gate::tcp and Gate::udp
};

// Where a program finds its end of Policy::runtime_line: beyond what an interpreter has open when it takes its
// assignment, and within the smallest table of descriptors.
inline constexpr int kRuntimeLine = 63;

struct Policy {
  // The function that it is for: the server's own name for what it records. The spawner does not hear it.
  std::string owner;

  std::vector<Mount> mounts;  // at most 24 together with the writable ones
  std::vector<GrantWritableHostFolder> writable_folders;

  // The program: argv[0] is an absolute path inside. Environment entries are NAME=value, given exactly as written here
  // and nothing besides. Bounds: 64 arguments in 8 KiB, 1,024 variables in 32 KiB, NUL bytes counted.
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_folder = "/var/task";

  // Who it believes to be. The ids on the host are the spawner's choice: one of its own for each sandbox where the
  // server runs as root, the server's own otherwise.
  std::string hostname = "lambent";  // 1 to 63 of a-z A-Z 0-9 -
  std::uint32_t uid = 993;
  std::uint32_t gid = 990;

  // Limits. Those that the host cannot enforce are in HostReport (host_report.h), printed when the server starts.
  std::uint64_t memory_bytes = 128 * kMiB;  // all memory: heap, page cache, /tmp, shared memory, socket buffers
  std::uint32_t cpu_millicores = 72;        // 1000 is one core; see millicores_for()
  std::uint32_t processes = 1024;           // processes and threads
  std::uint32_t open_files = 1024;          // per process
  std::uint64_t tmp_bytes = 512 * kMiB;     // size of /tmp
  std::uint64_t tmp_inodes = 131'072;       // files and folders in /tmp

  // TCP ports on 127.0.0.1 inside, whose listening sockets the caller gets (0: none). AWS's clients find the Runtime
  // API at 127.0.0.1:9001; the platform's API is what AWS_ENDPOINT_URL names inside.
  std::uint16_t runtime_port = 9001;
  std::uint16_t platform_port = 4566;
  // The program gets one end of a stream socket pair as descriptor kRuntimeLine, the caller the other one.
  bool runtime_line = false;
  NetworkMode network = NetworkMode::bare;  // all others need a host that has gates

  SeccompProfile seccomp = SeccompProfile::provided;

  // The program is a template of its own sandbox's users: it runs user code, then forks on the spawner's orders
  // (house.h). Instances with `forked_from` are its forks, in sandboxes of their own; theirs are the mounts of the
  // template.
  bool is_template = false;
  std::uint64_t forked_from = 0;  // Child::id of a running template; 0: none

  // A kind of shells kept ready (SpawnerClient::keep_ready) whose users, ports and first mounts are this policy's; 0:
  // none. Shells of a kind whose network is `open` fit every network but `bare`. With a template the program is not
  // executed: a forked process takes the environment and goes on.
  std::uint32_t kind = 0;
};

// The share of one core that a function's memory size buys, in thousandths of a core, at least 10.
std::uint32_t millicores_for(std::uint64_t memory_bytes, std::uint32_t megabytes_per_core);

// Checks every rule above. Error::target names the member, Error::detail the rule.
Result<> validate(const Policy& policy);

}  // namespace lambent::sandbox
