// The server's end of the spawner: makes sandboxes, ends them, unpacks archives, and tells when a sandbox ended.
//
// start_spawner() forks and execs before any thread exists; SpawnerClient then speaks to it on the loop. All members
// are for the loop's thread. Where the spawner dies, every sandbox dies with it (the kernel sees to that): each child
// is reported as ended with ExitKind::spawner_lost, every pending and later call fails, and on_broken is called once.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"
#include "net/task.h"
#include "sandbox/freezer.h"
#include "sandbox/gate.h"
#include "sandbox/host_report.h"
#include "sandbox/policy.h"
#include "sandbox/unpack.h"

namespace lambent::sandbox {

using ChildId = std::uint64_t;  // never used twice by one client

enum class ExitKind : std::uint8_t {
  exited,        // the program ended by itself: code is its exit status
  signalled,     // a signal ended it: code is the signal's number
  killed,        // kill() ended it
  spawner_lost,  // the spawner died, and the sandbox with it
};

// How a sandbox ended. When it is reported nothing of the sandbox is left: no process, no mount, no cgroup.
struct ExitReport {
  ExitKind kind = ExitKind::exited;
  int code = 0;
  bool out_of_memory = false;  // the memory limit was hit; whatever `kind` says, that is why it ended
  std::optional<std::uint64_t> memory_peak_bytes;  // absent where no cgroup counts memory
};

struct LaunchError {
  std::string step;  // "mount /var/task", "exec", "validate policy", ...
  int code = 0;      // errno; ENOENT with step "exec": the program is not there
  std::string detail;

  [[nodiscard]] std::string message() const;
};

// The highest memory use of a running sandbox so far.
class MemoryPeak {
 public:
  MemoryPeak() = default;
  explicit MemoryPeak(UniqueFd file) : file_(std::move(file)) {}
  // Bytes; nothing where the host does not count, or after the sandbox ended (then the exit report says it). One
  // small read of a kernel file: does not block.
  [[nodiscard]] std::optional<std::uint64_t> read() const;

 private:
  UniqueFd file_;
};

// How a sandbox came to run its program.
struct Started {
  std::chrono::nanoseconds shell{};  // from the request until there was a sandbox, prepared ahead or made for it
  bool is_forked = false;            // a template forked the program; else it was executed
};

// A running sandbox. Dropping it closes the descriptors; the sandbox itself runs until it ends or is killed.
struct Child {
  ChildId id = 0;
  UniqueFd pidfd;              // of the sandbox's first process: readable when all of it is gone
  UniqueFd log;                // what the program writes to standard output and error; non-blocking
  UniqueFd runtime_listener;   // listening, non-blocking, bound to Policy::runtime_port inside; invalid where that is 0
  UniqueFd platform_listener;  // the same for Policy::platform_port
  Gate gate;                   // what NetworkMode says: tcp and udp, or refusals, or nothing
  UniqueFd runtime_line;       // the other end of Policy::runtime_line
  MemoryPeak memory_peak;
  Freezer freezer;
  Started how;
  std::uint32_t host_uid = 0;  // on the host; no other sandbox has it as long as this one lives; 0: none of its own
};

// A started spawner process and the line to it.
struct SpawnerProcess {
  UniqueFd socket;
  pid_t pid = -1;
};

// Starts `lambent spawner` (this same executable). To be called once, before any thread exists. Waiting for the
// spawner's end is not needed: it ends by itself when `socket` closes.
Result<SpawnerProcess> start_spawner();

struct SpawnerSettings {
  // Names the cgroups, so that a restarted server finds and ends what the last one left: the data folder.
  std::string data_folder;
  // Host user ids that sandboxes get where the server runs as root: [first, first + count).
  std::uint32_t first_host_uid = 1'879'048'192;
  std::uint32_t host_uids = 65'536;
  // Whether the kernel makes an audit record of each system call that the filter of a sandbox refuses.
  bool records_denied_calls = false;
};

class SpawnerClient {
 public:
  SpawnerClient(net::Loop& loop, SpawnerProcess process);
  // Closes the line: the spawner ends every sandbox and exits. close() must have been awaited.
  ~SpawnerClient();
  SpawnerClient(const SpawnerClient&) = delete;
  SpawnerClient& operator=(const SpawnerClient&) = delete;

  // The first call, without a wait: lets the spawner end what an earlier run left behind, and try what the host can
  // enforce, while its caller does something else.
  Result<> configure(const SpawnerSettings& settings);

  // The second one: waits for that, and gives what the host can enforce. `on_broken` is called at most once, when the
  // spawner is lost.
  net::Task<Result<HostReport>> start(std::function<void(const std::string&)> on_broken);

  // Keeps `ready` sandboxes prepared (more where launches come quickly) for launches whose policy names `kind`, a
  // number from 1 up that is used once: same users, ports, network and, as their first ones, the mounts of `like`. A
  // launch then takes its own mounts, environment and limits only. With `is_template` the program of `like` is started
  // once, as a template (template_protocol.h), and forks a process into each of them. Nothing waits for it.
  void keep_ready(std::uint32_t kind, const Policy& like, std::uint32_t ready, bool is_template);

  // Makes a sandbox and starts the program in it; done when the program has been executed. `on_exit` is called exactly
  // once, on the loop, after launch() gave the child, and never where launch() failed.
  net::Task<std::expected<Child, LaunchError>> launch(const Policy& policy,
                                                      std::function<void(const ExitReport&)> on_exit);

  // Waits until a launch with Policy::is_template can be named in Policy::forked_from. False: it ended before. Where it
  // ends, its forks end too.
  net::Task<bool> forkable(ChildId id);

  // Ends a sandbox with everything in it; on_exit follows. Unknown or ended ids are ignored.
  void kill(ChildId id);

  // Changes the processor share of a running sandbox, in thousandths of a core (Policy::cpu_millicores was its first).
  void set_cpu(ChildId id, std::uint32_t millicores);

  // Unpacks `zip` (a regular file, read from its start) into `destination` (an empty folder, opened for reading), in a
  // process that can reach nothing else. Files get 0644 or 0755, folders 0755; durable on success, emptied on failure.
  net::Task<std::expected<UnpackReport, UnpackError>> unpack(UniqueFd zip, UniqueFd destination, UnpackLimits limits);

  // Stops: the spawner ends every sandbox (each reported) and exits; done when it is gone.
  net::Task<> close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lambent::sandbox
