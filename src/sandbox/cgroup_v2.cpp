// cgroup version 2: one hierarchy; a controller works below a cgroup only where that cgroup hands it on.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "sandbox/cgroup.h"

namespace lambent::sandbox {
namespace {

// cpu.weight: the kernel's default, and the most it takes.
constexpr std::uint64_t kWeightOfCore = 100;
constexpr std::uint64_t kMostWeight = 10'000;

constexpr int kMoves = 3;
constexpr int kDeepest = 8;  // of children's children

// The parent of a process; 0 where it is gone.
pid_t parent_of(pid_t pid) {
  const auto stat = read_kernel_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return 0;
  const auto name_end = stat->rfind(") ");  // "pid (name) S parent ..."
  pid_t parent = 0;
  if (name_end != std::string::npos && stat->size() > name_end + 4) {
    std::from_chars(stat->data() + name_end + 4, stat->data() + stat->size(), parent);
  }
  return parent;
}

bool is_of_family(pid_t pid, pid_t head) {
  for (int depth = 0; depth < kDeepest && pid > 1; ++depth, pid = parent_of(pid)) {
    if (pid == head) return true;
  }
  return false;
}

std::vector<pid_t> processes_of(std::string_view listed) {
  std::vector<pid_t> pids;
  while (!listed.empty()) {
    const auto end = std::min(listed.find('\n'), listed.size());
    pid_t pid = 0;
    std::from_chars(listed.data(), listed.data() + end, pid);
    if (pid > 0) pids.push_back(pid);
    listed.remove_prefix(std::min(end + 1, listed.size()));
  }
  return pids;
}

bool holds_word(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(" \n"), text.size());
    if (text.substr(0, end) == word) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

class CgroupV2 final : public CgroupBackend {
 public:
  explicit CgroupV2(CgroupHierarchy hierarchy) : CgroupBackend(std::move(hierarchy)) {
    const auto offered = read_kernel_file(own_folder() + "/cgroup.controllers");
    if (!offered) return;
    for (const auto controller : kControllers) {
      if (controller == Controller::freezer || holds_word(*offered, name_of(controller))) wanted.push_back(controller);
    }
  }

  Prepared prepare(const std::string& name) override {
    const std::string folder = own_folder() + "/" + name;
    if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
      return {{}, Error::from_errno("make cgroup", folder).message()};
    }
    const auto handed = hand_on_to(name);
    if (handed) return {wanted, ""};
    return {{Controller::freezer}, handed.error().message()};
  }

  Result<> limit(const std::string& folder, const CgroupLimits& limits) override {
    for (const auto controller : wanted) {
      if (controller == Controller::memory) LAMBENT_TRY_VOID(limit_memory(folder, limits.memory_bytes));
      if (controller == Controller::cpu) LAMBENT_TRY_VOID(limit_cpu(folder, limits.cpu_millicores));
      if (controller == Controller::pids) {
        LAMBENT_TRY_VOID(write_kernel_file(folder + "/pids.max", std::to_string(limits.processes)));
      }
    }
    return {};
  }

  Result<> set_cpu(const std::string& folder, std::uint32_t millicores) override {
    return carries(Controller::cpu) ? limit_cpu(folder, millicores) : Result<>{};
  }

  [[nodiscard]] std::string memory_peak_file(const std::string& folder) const override {
    return carries(Controller::memory) ? folder + "/memory.peak" : "";
  }

  [[nodiscard]] std::uint64_t memory_kills(const std::string& folder) const override {
    if (!carries(Controller::memory)) return 0;
    const auto text = read_kernel_file(folder + "/memory.events");
    return text ? number_after(*text, "oom_kill") : 0;
  }

  // Not needed: memory.oom.group ends the whole cgroup.
  UniqueFd watch_memory_limit(const std::string& /*folder*/) override { return {}; }

  [[nodiscard]] std::string freezer_file(const std::string& folder) const override {
    return carries(Controller::freezer) ? folder + "/cgroup.freeze" : "";
  }

  void kill_all(const std::string& folder) override {
    if (!write_kernel_file(folder + "/cgroup.kill", "1")) kill_listed(folder);
  }

  void hasten_end(const std::string& folder) override {
    if (carries(Controller::cpu)) static_cast<void>(limit_cpu(folder, kEndingMillicores));
  }

 private:
  static Result<> limit_cpu(const std::string& folder, std::uint32_t millicores) {
    const std::uint64_t quota = std::max(kLeastQuotaUs, kCpuPeriodUs * millicores / 1000);
    const std::uint64_t weight = std::clamp<std::uint64_t>(kWeightOfCore * millicores / 1000, 1, kMostWeight);
    LAMBENT_TRY_VOID(write_kernel_file(folder + "/cpu.weight", std::to_string(weight)));
    return write_kernel_file(folder + "/cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs));
  }

  static Result<> limit_memory(const std::string& folder, std::uint64_t bytes) {
    LAMBENT_TRY_VOID(write_kernel_file(folder + "/memory.max", std::to_string(bytes)));
    LAMBENT_TRY_VOID(write_kernel_file(folder + "/memory.oom.group", "1"));
    const std::string swap = folder + "/memory.swap.max";
    if (access(swap.c_str(), F_OK) != 0 && errno == ENOENT) return {};
    return write_kernel_file(swap, "0");
  }

  Result<> hand_on_to(const std::string& name) {
    const std::string folder = own_folder() + "/" + name;
    LAMBENT_TRY_VOID(hand_on(own_folder(), name));
    if (carries(Controller::cpu)) {
      LAMBENT_TRY_VOID(write_kernel_file(folder + "/cpu.weight", std::to_string(kWeightOfCore / kSandboxesWeightPart)));
    }
    return hand_on(folder, "");
  }

  // Hands the wanted controllers on to the cgroups in `folder`. A cgroup that does so may hold no process itself, so
  // where the spawner's own cgroup refuses, its processes move to a cgroup beside ours, if all of them are the
  // server's: others are not ours to move. One that is started meanwhile needs another round.
  Result<> hand_on(const std::string& folder, const std::string& name) {
    std::string line;
    for (const auto controller : wanted) {
      if (controller != Controller::freezer) line += fmt::format("{}+{}", line.empty() ? "" : " ", name_of(controller));
    }
    if (line.empty()) return {};
    auto handed = write_kernel_file(folder + "/cgroup.subtree_control", line);
    for (int tries = 0; tries < kMoves && !handed && handed.error().code == EBUSY && !name.empty(); ++tries) {
      LAMBENT_TRY_VOID(move_family(folder, folder + "/" + name + "-server", getppid()));
      handed = write_kernel_file(folder + "/cgroup.subtree_control", line);
    }
    return handed;
  }
};

}  // namespace

Result<> move_family(const std::string& folder, const std::string& beside, pid_t head) {
  LAMBENT_TRY(const std::string listed, read_kernel_file(folder + "/cgroup.procs"));
  const auto pids = processes_of(listed);
  for (const pid_t pid : pids) {
    if (is_of_family(pid, head) || parent_of(pid) == 0) continue;
    return fail(Error::of("delegate cgroup", folder,
                          fmt::format("another process, {}, is in it; start the server in a cgroup of its own, e.g. "
                                      "systemd-run --scope -p Delegate=yes",
                                      pid)));
  }
  if (mkdir(beside.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("make cgroup", beside);
  for (const pid_t pid : pids) {
    const auto moved = write_kernel_file(beside + "/cgroup.procs", std::to_string(pid));
    if (!moved && moved.error().code != ESRCH) return moved;  // ended meanwhile
  }
  return {};
}

std::unique_ptr<CgroupBackend> make_cgroup_v2(CgroupHierarchy hierarchy) {
  return std::make_unique<CgroupV2>(std::move(hierarchy));
}

}  // namespace lambent::sandbox
