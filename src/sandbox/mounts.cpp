#include "sandbox/mounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "base/files.h"

namespace lambent::sandbox {
namespace {

// The kernel's mount interface on descriptors; the C library of Debian 12 has all of these.
struct FsOption {
  const char* key;
  std::string value;
};

Result<UniqueFd> make_filesystem(const char* type, const std::vector<FsOption>& options, unsigned attributes) {
  const UniqueFd context(fsopen(type, FSOPEN_CLOEXEC));
  if (!context) return fail_errno("fsopen", type);
  for (const auto& option : options) {
    if (fsconfig(context.get(), FSCONFIG_SET_STRING, option.key, option.value.c_str(), 0) != 0) {
      return fail_errno("fsconfig", fmt::format("{} {}", type, option.key));
    }
  }
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("fsconfig", type);
  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) return fail_errno("fsmount", type);
  return mount;
}

Result<UniqueFd> clone_tree(const std::string& source, unsigned long attributes) {
  UniqueFd tree(open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!tree) return fail_errno("open_tree", source);
  mount_attr change{};
  change.attr_set = attributes;
  if (mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) != 0) {
    return fail_errno("mount_setattr", source);
  }
  return tree;
}

// Opens a path below `root` as a program inside would see it: links never lead out.
UniqueFd open_inside(int root, std::string_view path, unsigned long flags) {
  const std::string relative(path.substr(std::min(path.find_first_not_of('/'), path.size())));
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const char* name = relative.empty() ? "." : relative.c_str();
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root, name, &how, sizeof how)));
}

struct ParentAndName {
  UniqueFd parent;
  std::string name;
};

Result<ParentAndName> open_parent(int root, std::string_view path) {
  const auto slash = path.rfind('/');
  ParentAndName result{open_inside(root, path.substr(0, slash), O_PATH | O_DIRECTORY),
                       std::string(path.substr(slash + 1))};
  if (!result.parent) return fail_errno("open", path);
  return result;
}

// A descriptor from another mount namespace cannot be cloned, so its path is opened in this one; that it still leads to
// the same folder is checked.
Result<UniqueFd> reopen_in_own_namespace(int folder, int host_proc) {
  char path[PATH_MAX] = {};
  const std::string link = fmt::format("self/fd/{}", folder);
  if (readlinkat(host_proc, link.c_str(), path, sizeof path - 1) < 0) return fail_errno("readlink", link);
  UniqueFd own(open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!own) return fail_errno("open", path);
  struct stat wanted{};
  struct stat found{};
  if (fstat(folder, &wanted) != 0 || fstat(own.get(), &found) != 0) return fail_errno("fstat", path);
  if (wanted.st_dev != found.st_dev || wanted.st_ino != found.st_ino) {
    return fail(Error::of("open", path, "is another folder by now"));
  }
  return own;
}

Result<> switch_root() {
  // pivot_root with both arguments the same folder stacks the old root on the new one; no folder is needed for it.
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("umount", "old root");
  if (chdir("/") != 0) return fail_errno("chdir", "/");
  return {};
}

}  // namespace

Result<> make_mounts_private() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("mount", "private");
  return {};
}

Result<RootBuilder> RootBuilder::create() {
  LAMBENT_TRY(UniqueFd root, make_filesystem("tmpfs", {{"size", "1m"}, {"nr_inodes", "512"}, {"mode", "0755"}},
                                             MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  // Over "/": paths of this process still start below it, so every source stays in sight, whatever its place.
  if (move_mount(root.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) return fail_errno("move_mount", "root");
  return RootBuilder(std::move(root));
}

Result<RootBuilder> RootBuilder::of_current() {
  UniqueFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("open", "/");
  return RootBuilder(std::move(root));
}

Result<> RootBuilder::add_folder(std::string_view path, mode_t mode) {
  for (std::size_t end = 1; end != std::string_view::npos;) {
    end = path.find('/', end + 1);
    LAMBENT_TRY(const auto place, open_parent(root_.get(), path.substr(0, end)));
    if (place.name.empty() || mkdirat(place.parent.get(), place.name.c_str(), mode) == 0 || errno == EEXIST) continue;
    return fail_errno("mkdir", path);
  }
  return {};
}

Result<> RootBuilder::add_file(std::string_view path, std::string_view content) {
  LAMBENT_TRY_VOID(add_folder(path.substr(0, path.rfind('/'))));
  LAMBENT_TRY(const auto place, open_parent(root_.get(), path));
  const UniqueFd file(
      openat(place.parent.get(), place.name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return fail_errno("create", path);
  return write_all(file.get(), content, path);
}

Result<> RootBuilder::add_symlink(std::string_view path, const std::string& target) {
  LAMBENT_TRY_VOID(add_folder(path.substr(0, path.rfind('/'))));
  LAMBENT_TRY(const auto place, open_parent(root_.get(), path));
  if (symlinkat(target.c_str(), place.parent.get(), place.name.c_str()) != 0) return fail_errno("symlink", path);
  return {};
}

Result<> RootBuilder::add_mount_point(std::string_view target, bool is_folder) {
  if (open_inside(root_.get(), target, O_PATH).valid()) return {};
  if (is_folder) return add_folder(target);
  return add_file(target, "");
}

Result<> RootBuilder::attach(const UniqueFd& tree, std::string_view target) {
  struct stat info{};
  if (fstat(tree.get(), &info) != 0) return fail_errno("fstat", target);
  LAMBENT_TRY_VOID(add_mount_point(target, S_ISDIR(info.st_mode)));
  const UniqueFd place = open_inside(root_.get(), target, O_PATH);
  if (!place) return fail_errno("open", target);
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (move_mount(tree.get(), "", place.get(), "", flags) != 0) return fail_errno("move_mount", target);
  return {};
}

Result<UniqueFd> open_mount(const std::string& source, Access access) {
  const unsigned long read_only = access == Access::read_only ? MOUNT_ATTR_RDONLY : 0;
  return clone_tree(source, read_only | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

Result<> RootBuilder::bind(const std::string& source, std::string_view target, Access access) {
  LAMBENT_TRY(const UniqueFd tree, open_mount(source, access));
  return attach(tree, target);
}

Result<> RootBuilder::bind_device(const std::string& source, std::string_view target) {
  // Read-only holds the node itself (its mode, its times); the device behind it can be written.
  LAMBENT_TRY(const UniqueFd tree, clone_tree(source, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  return attach(tree, target);
}

Result<> RootBuilder::mount_tmpfs(std::string_view target, const TmpfsOptions& options) {
  LAMBENT_TRY(const UniqueFd tree, make_filesystem("tmpfs",
                                                   {{"size", std::to_string(options.bytes)},
                                                    {"nr_inodes", std::to_string(options.inodes)},
                                                    {"uid", std::to_string(options.uid)},
                                                    {"gid", std::to_string(options.gid)},
                                                    {"mode", fmt::format("{:o}", options.mode)}},
                                                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  return attach(tree, target);
}

Result<> RootBuilder::mount_proc(std::string_view target) {
  LAMBENT_TRY(
      const UniqueFd tree,
      make_filesystem("proc", {}, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  return attach(tree, target);
}

Result<> RootBuilder::resize_tmpfs(const char* target, std::uint64_t bytes, std::uint64_t inodes) {
  const UniqueFd context(fspick(AT_FDCWD, target, FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW));
  if (!context) return fail_errno("fspick", target);
  const FsOption options[] = {{"size", std::to_string(bytes)}, {"nr_inodes", std::to_string(inodes)}};
  for (const auto& option : options) {
    if (fsconfig(context.get(), FSCONFIG_SET_STRING, option.key, option.value.c_str(), 0) != 0) {
      return fail_errno("fsconfig", target);
    }
  }
  if (fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
    return fail_errno("fsconfig reconfigure", target);
  }
  return {};
}

Result<> RootBuilder::enter() {
  if (fchdir(root_.get()) != 0) return fail_errno("fchdir", "/");
  return switch_root();
}

Result<> RootBuilder::seal() {
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_setattr(root_.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    return fail_errno("mount_setattr", "/");
  return {};
}

Result<> enter_folder_as_root(int folder, int host_proc) {
  LAMBENT_TRY(const UniqueFd own, reopen_in_own_namespace(folder, host_proc));
  const UniqueFd tree(open_tree(own.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return fail_errno("open_tree", "destination");
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (mount_setattr(tree.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) {
    return fail_errno("mount_setattr", "destination");
  }
  if (move_mount(tree.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return fail_errno("move_mount", "destination");
  }
  if (fchdir(tree.get()) != 0) return fail_errno("fchdir", "destination");
  return switch_root();
}

}  // namespace lambent::sandbox
