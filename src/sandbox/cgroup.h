// Limits on a whole sandbox: memory, processor share, number of processes; and its freezer. Through cgroup v1 or v2,
// whichever carries the controller, mixed hosts included.
//
// Our cgroups lie below the one that the spawner runs in: <own>/<name>/i<key>. A later run with the same name finds
// what an earlier one left there. Blocking file operations on kernel files; single-threaded.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/cgroup_paths.h"

namespace lambent::sandbox {

// Version 2 has the freezer in every cgroup, without a controller; it is the cheaper of the two by far.
enum class Controller { memory, cpu, pids, freezer };
inline constexpr Controller kControllers[] = {Controller::memory, Controller::cpu, Controller::pids,
                                              Controller::freezer};
const char* name_of(Controller controller);

// Short, so that a sandbox that used its share up waits little for the next.
inline constexpr std::uint64_t kCpuPeriodUs = 20'000;
inline constexpr std::uint64_t kLeastQuotaUs = 1'000;  // the kernel takes no less
inline constexpr std::uint32_t kEndingMillicores = 1'000;
// All sandboxes together weigh this part of an ordinary process where the host's processors are not enough: what
// wakes up outside, the server first of all, then goes before a sandbox that spins.
inline constexpr std::uint64_t kSandboxesWeightPart = 4;

struct CgroupLimits {
  std::uint64_t memory_bytes = 0;
  // Bounds what a sandbox gets, and is its weight where all together want more than the host has.
  std::uint32_t cpu_millicores = 0;
  std::uint32_t processes = 0;
};

// One hierarchy, version 1 or 2 (cgroup_v1.cpp, cgroup_v2.cpp).
class CgroupBackend {
 public:
  virtual ~CgroupBackend() = default;

  struct Prepared {
    std::vector<Controller> usable;
    std::string why_not;  // of those in `wanted` that are not usable
  };
  // Makes <own>/<name> ready to hold cgroups; says which controllers work there.
  virtual Prepared prepare(const std::string& name) = 0;
  // Sets the limits of the controllers in use in a new cgroup.
  virtual Result<> limit(const std::string& folder, const CgroupLimits& limits) = 0;
  // Sets the processor share alone, of a cgroup in use; nothing where this hierarchy does not carry it.
  virtual Result<> set_cpu(const std::string& folder, std::uint32_t millicores) = 0;
  // What counts the highest memory use, or "".
  [[nodiscard]] virtual std::string memory_peak_file(const std::string& folder) const = 0;
  // How many processes the memory limit has killed.
  [[nodiscard]] virtual std::uint64_t memory_kills(const std::string& folder) const = 0;
  // A descriptor that becomes readable when the memory limit is about to kill, where the host has one.
  virtual UniqueFd watch_memory_limit(const std::string& folder) = 0;
  // What stops every process in it and lets them go on (freezer.h), or "".
  [[nodiscard]] virtual std::string freezer_file(const std::string& folder) const = 0;
  // Ends every process in the cgroup (best effort).
  virtual void kill_all(const std::string& folder) = 0;
  // A killed process needs processor time to go: gives the cgroup kEndingMillicores, and thaws it where the kernel
  // does not end a frozen process (best effort).
  virtual void hasten_end(const std::string& folder) = 0;

  [[nodiscard]] const std::string& own_folder() const { return hierarchy_.folder; }
  [[nodiscard]] int version() const { return hierarchy_.version; }
  // Controllers to be used in this hierarchy; set before prepare().
  std::vector<Controller> wanted;

 protected:
  [[nodiscard]] bool carries(Controller controller) const;
  explicit CgroupBackend(CgroupHierarchy hierarchy) : hierarchy_(std::move(hierarchy)) {}
  CgroupHierarchy hierarchy_;
};

std::unique_ptr<CgroupBackend> make_cgroup_v1(CgroupHierarchy hierarchy);
std::unique_ptr<CgroupBackend> make_cgroup_v2(CgroupHierarchy hierarchy);

// The cgroups of one sandbox, one in each hierarchy in use. remove() must succeed before it goes.
class SandboxCgroup {
 public:
  // Descriptors of cgroup.procs: a process joins by writing "0" to each, whatever its rights by then.
  [[nodiscard]] const std::vector<UniqueFd>& join_files() const { return join_files_; }
  void close_join_files() { join_files_.clear(); }
  [[nodiscard]] UniqueFd open_memory_peak() const;
  [[nodiscard]] std::optional<std::uint64_t> memory_peak() const;
  [[nodiscard]] std::uint64_t memory_kills() const;
  [[nodiscard]] UniqueFd watch_memory_limit() const;
  // For writing; invalid where the host has no freezer.
  struct FreezerFile {
    UniqueFd file;
    int version = 0;
  };
  [[nodiscard]] FreezerFile open_freezer() const;
  // Sets the limits of those that the host can enforce.
  Result<> limit(const CgroupLimits& limits);
  // In thousandths of a core; nothing where the host cannot limit it.
  Result<> set_cpu(std::uint32_t millicores);
  void kill_all();
  // To be called once the sandbox is killed: a thousand processes end in seconds also where their share is small.
  void hasten_end();
  [[nodiscard]] std::string text() const;  // where it is, for a log line
  // False while a process is still in it: kill_all() and try again soon. True also where there was nothing.
  [[nodiscard]] bool remove();

 private:
  friend class CgroupTree;
  struct Place {
    CgroupBackend* backend;
    std::string folder;
  };
  std::vector<Place> places_;
  std::vector<UniqueFd> join_files_;
};

class CgroupTree {
 public:
  // What the host mounts, nothing made yet.
  static CgroupTree discover();
  static CgroupTree of(const std::vector<CgroupHierarchy>& hierarchies);

  // Makes the folders called `name`, ends and removes what an earlier run left in them; what the kernel does not end
  // within some seconds stays, and is logged. A controller that cannot be used is left out, and why() tells.
  // Gives the first key that nothing was left under.
  std::uint64_t prepare(const std::string& name);
  // Removes the folders called `name`; they must be empty.
  void remove();

  [[nodiscard]] bool has(Controller controller) const;
  // "cgroup v1 at /sys/fs/cgroup/memory/x", or why the controller cannot be used.
  [[nodiscard]] std::string where(Controller controller) const;
  [[nodiscard]] std::string why_not(Controller controller) const;

  // Without limits yet.
  Result<SandboxCgroup> make(std::uint64_t key);

 private:
  struct Use {
    CgroupBackend* backend = nullptr;  // nothing: not usable
    std::string why_not = "no cgroup hierarchy of this host carries the controller";
  };
  [[nodiscard]] Use& use_of(Controller controller) { return uses_[static_cast<std::size_t>(controller)]; }
  std::uint64_t end_leftovers(CgroupBackend& backend, int& tries);

  std::string name_;
  std::vector<std::unique_ptr<CgroupBackend>> backends_;
  std::vector<CgroupBackend*> in_use_;
  Use uses_[std::size(kControllers)];
};

// Moves all processes of a version 2 cgroup to one that is made for them in `beside`. `head` and its children, and
// theirs, are moved; where there is another process, nothing is.
Result<> move_family(const std::string& folder, const std::string& beside, pid_t head);

// Small kernel files.
Result<> write_kernel_file(const std::string& path, std::string_view value);
Result<std::string> read_kernel_file(const std::string& path);
// The number after `key` in lines of "key number"; 0 where absent.
std::uint64_t number_after(std::string_view text, std::string_view key);
// SIGKILL to every process listed in a cgroup.procs file.
void kill_listed(const std::string& folder);

}  // namespace lambent::sandbox
