#include "sandbox/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace lambent::sandbox {
namespace {

// The kernel's interface; Debian 12's headers end at version 2.
constexpr std::uint64_t kExecute = 1U << 0U;
constexpr std::uint64_t kWriteFile = 1U << 1U;
constexpr std::uint64_t kReadFile = 1U << 2U;
constexpr std::uint64_t kReadFolder = 1U << 3U;
constexpr std::uint64_t kMakeCharacterDevice = 1U << 6U;
constexpr std::uint64_t kMakeBlockDevice = 1U << 11U;
constexpr std::uint64_t kRefer = 1U << 13U;
constexpr std::uint64_t kTruncate = 1U << 14U;
constexpr std::uint64_t kControlDevice = 1U << 15U;
constexpr std::uint64_t kScopeAbstractSockets = 1U << 0U;
constexpr std::uint64_t kScopeSignals = 1U << 1U;
constexpr unsigned kGetVersion = 1U << 0U;
constexpr unsigned kLogNothing = 1U << 0U;  // LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF
constexpr int kRuleBeneathPath = 1;

struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scopes;
};
struct [[gnu::packed]] PathAttributes {
  std::uint64_t allowed;
  std::int32_t folder;
};

constexpr std::uint64_t kReadAndRun = kExecute | kReadFile | kReadFolder;

// Every right over files that a version knows.
std::uint64_t rights_of(int version) {
  std::uint64_t rights = kRefer - 1;
  if (version >= 2) rights |= kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kControlDevice;
  return rights;
}

Result<> allow(const UniqueFd& rules, const char* path, std::uint64_t rights) {
  const UniqueFd place(open(path, O_PATH | O_CLOEXEC));
  if (!place) return fail_errno("open", path);
  const PathAttributes attributes{rights, place.get()};
  if (syscall(SYS_landlock_add_rule, rules.get(), kRuleBeneathPath, &attributes, 0) != 0) {
    return fail_errno("landlock_add_rule", path);
  }
  return {};
}

std::vector<std::string> writable_folders_of(const protocol::Launch& launch) {
  std::vector<std::string> folders;
  for (const auto& mount : protocol::mounts_of(launch)) {
    if (mount.access == Access::writable) folders.emplace_back(mount.target);
  }
  return folders;
}

// 0 where the kernel has none. Any other failure is one: a sandbox must not lack the wall by chance.
Result<int> known_version() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, kGetVersion);
  if (version >= 0) return static_cast<int>(version);
  if (errno == ENOSYS || errno == EOPNOTSUPP) return 0;
  return fail_errno("landlock_create_ruleset", "version");
}

}  // namespace

int landlock_version() {
  return known_version().value_or(0);
}

Result<UniqueFd> make_landlock_rules(const std::vector<std::string>& writable_folders) {
  LAMBENT_TRY(const int version, known_version());
  if (version == 0) return UniqueFd();
  const std::uint64_t handled = rights_of(version);
  const RulesetAttributes attributes{handled, 0, version >= 6 ? kScopeAbstractSockets | kScopeSignals : 0};
  // Kernels before version 4 know only the first member.
  const std::size_t size = version >= 6 ? sizeof attributes : sizeof attributes.files;
  UniqueFd rules(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!rules) return fail_errno("landlock_create_ruleset");
  const std::uint64_t everything = handled & ~(kMakeCharacterDevice | kMakeBlockDevice | kControlDevice);
  const std::uint64_t device = handled & (kReadFile | kWriteFile | kTruncate | kControlDevice);
  LAMBENT_TRY_VOID(allow(rules, "/", kReadAndRun));
  for (const char* folder : {"/tmp", "/dev/shm"}) LAMBENT_TRY_VOID(allow(rules, folder, everything));
  for (const auto& folder : writable_folders) LAMBENT_TRY_VOID(allow(rules, folder.c_str(), everything));
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}) {
    LAMBENT_TRY_VOID(allow(rules, path, device));
  }
  return rules;
}

Result<> enter_landlock(const UniqueFd& rules) {
  if (!rules) return {};
  // What is refused here would fill the host's audit log.
  const unsigned flags = landlock_version() >= 7 ? kLogNothing : 0;
  if (syscall(SYS_landlock_restrict_self, rules.get(), flags) != 0) return fail_errno("landlock_restrict_self");
  return {};
}

Result<> restrict_files(const protocol::Launch& launch) {
  LAMBENT_TRY(const auto rules, make_landlock_rules(writable_folders_of(launch)));
  return enter_landlock(rules);
}

Capability landlock_capability(int version) {
  Capability capability{"second wall around files", Enforcement::full, fmt::format("Landlock version {}", version), ""};
  if (version == 0) {
    capability.level = Enforcement::none;
    capability.means = "";
    capability.remedy = "a kernel with CONFIG_SECURITY_LANDLOCK and landlock in its list of security modules (lsm=)";
  } else if (version < 6) {
    capability.level = Enforcement::partial;
    const char* missing = version >= 5   ? "signals and abstract sockets are not held"
                          : version >= 3 ? "controls of devices, signals and abstract sockets are not held"
                                         : "truncation, controls of devices, signals and abstract sockets are not held";
    capability.remedy = fmt::format("{}: Linux 6.12 or newer", missing);
  }
  return capability;
}

}  // namespace lambent::sandbox
