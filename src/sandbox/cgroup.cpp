#include "sandbox/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>

#include "base/files.h"
#include "base/log.h"

namespace lambent::sandbox {
namespace {

// Of a millisecond each, for all cgroups together: an earlier run's processes end within that.
constexpr int kRemoveTries = 4000;

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
  if (!listing) return names;
  while (const dirent* entry = readdir(listing.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.push_back(folder + "/" + entry->d_name);
  }
  return names;
}

}  // namespace

const char* name_of(Controller controller) {
  switch (controller) {
    case Controller::memory:
      return "memory";
    case Controller::cpu:
      return "cpu";
    case Controller::pids:
      return "pids";
    case Controller::freezer:
      return "freezer";
  }
  return "";
}

Result<> write_kernel_file(const std::string& path, std::string_view value) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno("open", path);
  if (write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return fail_errno("write", path);
  }
  return {};
}

Result<std::string> read_kernel_file(const std::string& path) {
  return read_file(path, 1U << 20U);
}

std::uint64_t number_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

void kill_listed(const std::string& folder) {
  const auto listed = read_kernel_file(folder + "/cgroup.procs");
  if (!listed) return;
  std::string_view rest = *listed;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    pid_t pid = 0;
    const auto number = rest.substr(0, end);
    std::from_chars(number.begin(), number.end(), pid);
    if (pid > 1 && pid != getpid()) kill(pid, SIGKILL);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

bool CgroupBackend::carries(Controller controller) const {
  return std::ranges::count(wanted, controller) > 0;
}

UniqueFd SandboxCgroup::open_memory_peak() const {
  for (const auto& place : places_) {
    const std::string file = place.backend->memory_peak_file(place.folder);
    if (!file.empty()) return UniqueFd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  }
  return {};
}

std::optional<std::uint64_t> SandboxCgroup::memory_peak() const {
  const UniqueFd file = open_memory_peak();
  char text[32];
  const ssize_t length = file ? pread(file.get(), text, sizeof text, 0) : -1;
  std::uint64_t value = 0;
  if (length <= 0 || std::from_chars(text, text + length, value).ec != std::errc()) return std::nullopt;
  return value;
}

std::uint64_t SandboxCgroup::memory_kills() const {
  std::uint64_t kills = 0;
  for (const auto& place : places_) kills += place.backend->memory_kills(place.folder);
  return kills;
}

UniqueFd SandboxCgroup::watch_memory_limit() const {
  for (const auto& place : places_) {
    if (UniqueFd watch = place.backend->watch_memory_limit(place.folder)) return watch;
  }
  return {};
}

SandboxCgroup::FreezerFile SandboxCgroup::open_freezer() const {
  for (const auto& place : places_) {
    const std::string file = place.backend->freezer_file(place.folder);
    if (!file.empty()) return {UniqueFd(open(file.c_str(), O_WRONLY | O_CLOEXEC)), place.backend->version()};
  }
  return {};
}

Result<> SandboxCgroup::limit(const CgroupLimits& limits) {
  for (const auto& place : places_) LAMBENT_TRY_VOID(place.backend->limit(place.folder, limits));
  return {};
}

Result<> SandboxCgroup::set_cpu(std::uint32_t millicores) {
  for (const auto& place : places_) LAMBENT_TRY_VOID(place.backend->set_cpu(place.folder, millicores));
  return {};
}

void SandboxCgroup::kill_all() {
  for (const auto& place : places_) place.backend->kill_all(place.folder);
}

void SandboxCgroup::hasten_end() {
  for (const auto& place : places_) place.backend->hasten_end(place.folder);
}

std::string SandboxCgroup::text() const {
  if (places_.empty()) return "without a cgroup";
  std::string all = "in";
  for (const auto& place : places_) all += " " + place.folder;
  return all;
}

bool SandboxCgroup::remove() {
  std::erase_if(places_, [](const Place& place) { return rmdir(place.folder.c_str()) == 0 || errno == ENOENT; });
  return places_.empty();
}

CgroupTree CgroupTree::discover() {
  const auto self_cgroup = read_kernel_file("/proc/self/cgroup");
  const auto mountinfo = read_kernel_file("/proc/self/mountinfo");
  if (!self_cgroup || !mountinfo) return of({});
  return of(find_cgroup_hierarchies(*self_cgroup, *mountinfo));
}

CgroupTree CgroupTree::of(const std::vector<CgroupHierarchy>& hierarchies) {
  CgroupTree tree;
  for (const auto& hierarchy : hierarchies) {
    auto backend = hierarchy.version == 1 ? make_cgroup_v1(hierarchy) : make_cgroup_v2(hierarchy);
    if (!backend->wanted.empty()) tree.backends_.push_back(std::move(backend));
  }
  // The first that offers a controller carries it; only the freezer is in both versions.
  std::ranges::sort(tree.backends_, std::ranges::greater(), &CgroupBackend::version);
  return tree;
}

// One above the highest key that is left.
std::uint64_t CgroupTree::end_leftovers(CgroupBackend& backend, int& tries) {
  const std::string ours = backend.own_folder() + "/" + name_;
  const auto left = folders_in(ours);
  for (const auto& folder : left) backend.kill_all(folder);
  std::uint64_t next = 1;
  for (const auto& folder : left) {
    bool is_gone = rmdir(folder.c_str()) == 0;
    while (!is_gone && errno == EBUSY && tries-- > 0) {
      backend.kill_all(folder);
      usleep(1000);
      is_gone = rmdir(folder.c_str()) == 0;
    }
    if (is_gone || errno == ENOENT) continue;
    log::error("spawner: processes of an earlier run do not end, and stay in {}", folder);
    std::uint64_t key = 0;
    std::from_chars(folder.data() + folder.rfind('/') + 2, folder.data() + folder.size(), key);
    next = std::max(next, key + 1);
  }
  return next;
}

std::uint64_t CgroupTree::prepare(const std::string& name) {
  name_ = name;
  std::uint64_t first_key = 1;
  int tries = kRemoveTries;
  for (const auto& backend : backends_) {
    first_key = std::max(first_key, end_leftovers(*backend, tries));
    const auto is_carried = [&](Controller one) { return use_of(one).backend != nullptr; };
    std::erase_if(backend->wanted, is_carried);
    if (backend->wanted.empty()) continue;
    const auto prepared = backend->prepare(name);
    for (const auto controller : backend->wanted) {
      Use& use = use_of(controller);
      if (std::ranges::count(prepared.usable, controller) > 0) {
        use.backend = backend.get();
      } else {
        use.why_not = prepared.why_not;
      }
    }
    std::erase_if(backend->wanted, std::not_fn(is_carried));
    if (!backend->wanted.empty()) in_use_.push_back(backend.get());
  }
  return first_key;
}

void CgroupTree::remove() {
  for (CgroupBackend* backend : in_use_) rmdir((backend->own_folder() + "/" + name_).c_str());
}

bool CgroupTree::has(Controller controller) const {
  return uses_[static_cast<std::size_t>(controller)].backend != nullptr;
}

std::string CgroupTree::where(Controller controller) const {
  const Use& use = uses_[static_cast<std::size_t>(controller)];
  if (use.backend == nullptr) return "";
  return fmt::format("cgroup v{} at {}", use.backend->version(), use.backend->own_folder());
}

std::string CgroupTree::why_not(Controller controller) const {
  const Use& use = uses_[static_cast<std::size_t>(controller)];
  return use.backend == nullptr ? use.why_not : "";
}

Result<SandboxCgroup> CgroupTree::make(std::uint64_t key) {
  SandboxCgroup cgroup;
  const auto make_all = [&]() -> Result<> {
    for (CgroupBackend* backend : in_use_) {
      const std::string folder = fmt::format("{}/{}/i{}", backend->own_folder(), name_, key);
      // Killed, the spawner before this one removes the folder above at its end, which it shares with this one.
      bool is_made = mkdir(folder.c_str(), 0755) == 0;
      if (!is_made && errno == ENOENT) {
        static_cast<void>(backend->prepare(name_));
        is_made = mkdir(folder.c_str(), 0755) == 0;
      }
      if (!is_made) return fail_errno("make cgroup", folder);
      cgroup.places_.push_back({backend, folder});
      UniqueFd join(open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
      if (!join) return fail_errno("open", folder + "/cgroup.procs");
      cgroup.join_files_.push_back(std::move(join));
    }
    return {};
  };
  if (auto made = make_all(); !made) {
    static_cast<void>(cgroup.remove());  // empty so far: nothing can be in them
    return std::unexpected(made.error());
  }
  return cgroup;
}

}  // namespace lambent::sandbox
