// cgroup version 1: each controller (or a few together) in a hierarchy of its own.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/cgroup.h"

namespace lambent::sandbox {
namespace {

// Of the memory limit, and beside it: version 1 cannot count socket buffers as memory.
constexpr std::uint64_t kSocketMemoryPart = 8;
// cpu.shares: the kernel's default, and the bounds it takes.
constexpr std::uint64_t kWeightOfCore = 1024;
constexpr std::uint64_t kLeastWeight = 2;
constexpr std::uint64_t kMostWeight = 1U << 18U;

class CgroupV1 final : public CgroupBackend {
 public:
  explicit CgroupV1(CgroupHierarchy hierarchy) : CgroupBackend(std::move(hierarchy)) {
    for (const auto controller : kControllers) {
      if (std::ranges::count(hierarchy_.controllers, name_of(controller)) > 0) wanted.push_back(controller);
    }
  }

  Prepared prepare(const std::string& name) override {
    const std::string folder = own_folder() + "/" + name;
    if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
      return {{}, Error::from_errno("make cgroup", folder).message()};
    }
    if (!carries(Controller::cpu)) return {wanted, ""};
    const auto weighed =
        write_kernel_file(folder + "/cpu.shares", std::to_string(kWeightOfCore / kSandboxesWeightPart));
    if (!weighed) return {{}, weighed.error().message()};
    return {wanted, ""};
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
    return carries(Controller::memory) ? folder + "/memory.max_usage_in_bytes" : "";
  }

  [[nodiscard]] std::uint64_t memory_kills(const std::string& folder) const override {
    if (!carries(Controller::memory)) return 0;
    const auto text = read_kernel_file(folder + "/memory.oom_control");
    return text ? number_after(*text, "oom_kill") : 0;
  }

  UniqueFd watch_memory_limit(const std::string& folder) override {
    if (!carries(Controller::memory)) return {};
    UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const UniqueFd control(open((folder + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
    if (!event || !control) return {};
    const auto line = fmt::format("{} {}", event.get(), control.get());
    if (!write_kernel_file(folder + "/cgroup.event_control", line)) return {};
    return event;
  }

  [[nodiscard]] std::string freezer_file(const std::string& folder) const override {
    return carries(Controller::freezer) ? folder + "/freezer.state" : "";
  }

  // A frozen process ends only once it is thawed.
  void kill_all(const std::string& folder) override {
    kill_listed(folder);
    thaw(folder);
  }

  void hasten_end(const std::string& folder) override {
    if (carries(Controller::cpu)) static_cast<void>(limit_cpu(folder, kEndingMillicores));
    thaw(folder);
  }

 private:
  void thaw(const std::string& folder) const {
    if (const auto file = freezer_file(folder); !file.empty()) static_cast<void>(write_kernel_file(file, "THAWED"));
  }

  static Result<> limit_memory(const std::string& folder, std::uint64_t bytes) {
    LAMBENT_TRY_VOID(write_kernel_file(folder + "/memory.limit_in_bytes", std::to_string(bytes)));
    // Memory and swap together.
    LAMBENT_TRY_VOID(write_if_there(folder + "/memory.memsw.limit_in_bytes", bytes));
    // Buffers of TCP and UDP sockets have an account of their own, which counts only once it has a limit.
    return write_if_there(folder + "/memory.kmem.tcp.limit_in_bytes", bytes / kSocketMemoryPart);
  }

  // What the kernel was built without is absent.
  static Result<> write_if_there(const std::string& file, std::uint64_t value) {
    if (access(file.c_str(), F_OK) != 0 && errno == ENOENT) return {};
    return write_kernel_file(file, std::to_string(value));
  }

  static Result<> limit_cpu(const std::string& folder, std::uint32_t millicores) {
    const std::uint64_t quota = std::max(kLeastQuotaUs, kCpuPeriodUs * millicores / 1000);
    const std::uint64_t weight =
        std::clamp<std::uint64_t>(kWeightOfCore * millicores / 1000, kLeastWeight, kMostWeight);
    LAMBENT_TRY_VOID(write_kernel_file(folder + "/cpu.shares", std::to_string(weight)));
    LAMBENT_TRY_VOID(write_kernel_file(folder + "/cpu.cfs_period_us", std::to_string(kCpuPeriodUs)));
    return write_kernel_file(folder + "/cpu.cfs_quota_us", std::to_string(quota));
  }
};

}  // namespace

std::unique_ptr<CgroupBackend> make_cgroup_v1(CgroupHierarchy hierarchy) {
  return std::make_unique<CgroupV1>(std::move(hierarchy));
}

}  // namespace lambent::sandbox
