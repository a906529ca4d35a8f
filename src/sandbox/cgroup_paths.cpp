#include "sandbox/cgroup_paths.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace lambent::sandbox {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_octal = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && is_octal(i + 1) && is_octal(i + 2) && is_octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct CgroupMount {
  int version;
  std::string root;  // which cgroup is shown at the mount point
  std::string mount_point;
  std::vector<std::string_view> options;  // of the super block: the controllers are among them
};

std::optional<CgroupMount> mount_of(std::string_view line) {
  const auto dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const auto before = split(line.substr(0, dash), ' ');
  const auto after = split(line.substr(dash + 3), ' ');
  if (before.size() < 6 || after.size() < 3) return std::nullopt;
  if (after[0] != "cgroup" && after[0] != "cgroup2") return std::nullopt;
  return CgroupMount{after[0] == "cgroup" ? 1 : 2, unescape(before[3]), unescape(before[4]), split(after[2], ',')};
}

// The folder of cgroup `path` below a mount that shows `mount.root`; nothing where it is not shown there.
std::optional<std::string> folder_in(const CgroupMount& mount, std::string_view path) {
  std::string_view below = path;
  if (mount.root != "/") {
    if (!path.starts_with(mount.root)) return std::nullopt;
    below.remove_prefix(mount.root.size());
    if (!below.empty() && below[0] != '/') return std::nullopt;
  }
  if (below == "/") below = "";
  if (below.find("/..") != std::string_view::npos) return std::nullopt;  // outside of the cgroup namespace
  return mount.mount_point + std::string(below);
}

bool carries(const CgroupMount& mount, const std::vector<std::string_view>& controllers) {
  return std::ranges::all_of(controllers, [&](auto name) { return std::ranges::count(mount.options, name) > 0; });
}

}  // namespace

std::vector<CgroupHierarchy> find_cgroup_hierarchies(std::string_view self_cgroup, std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  for (const auto line : split(mountinfo, '\n')) {
    if (auto mount = mount_of(line)) mounts.push_back(*std::move(mount));
  }
  std::vector<CgroupHierarchy> found;
  for (const auto line : split(self_cgroup, '\n')) {
    // hierarchy-ID:controller-list:cgroup-path, where the path may hold colons
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto list = line.substr(first + 1, second - first - 1);
    const int version = list.empty() ? 2 : 1;
    const auto controllers = list.empty() ? std::vector<std::string_view>{} : split(list, ',');
    for (const auto& mount : mounts) {
      if (mount.version != version || !carries(mount, controllers)) continue;
      const auto folder = folder_in(mount, line.substr(second + 1));
      if (!folder) continue;
      found.push_back({version, {controllers.begin(), controllers.end()}, *folder});
      break;
    }
  }
  return found;
}

Result<std::string> cgroup_name_for(const std::string& data_folder) {
  struct stat info{};
  if (stat(data_folder.c_str(), &info) != 0) return fail_errno("stat", data_folder);
  std::uint64_t hash = 14'695'981'039'346'656'037U;  // FNV-1a
  for (std::uint64_t part : {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)}) {
    for (int byte = 0; byte < 8; ++byte, part >>= 8U) hash = (hash ^ (part & 0xffU)) * 1'099'511'628'211U;
  }
  return fmt::format("lambent-{:016x}", hash);
}

}  // namespace lambent::sandbox
