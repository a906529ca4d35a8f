#include "main/data_owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "base/files.h"
#include "base/log.h"

namespace lambent {
namespace {

constexpr int kDeepest = 256;  // folders in folders; the store's and the packages' are far less

struct Gift {
  uid_t from;
  const ServerUser& to;
};

Result<> give_all_in(int folder, const std::string& path, const Gift& gift, int depth);

Result<> give_entry(int folder, const char* name, const std::string& path, const Gift& gift, int depth) {
  struct stat info{};
  if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat", path);
  if (S_ISDIR(info.st_mode)) {
    const UniqueFd inner(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) return fail_errno("open", path);
    LAMBENT_TRY_VOID(give_all_in(inner.get(), path, gift, depth + 1));
    if (info.st_uid == gift.from && fchown(inner.get(), gift.to.uid, gift.to.gid) != 0)
      return fail_errno("chown", path);
    return {};
  }
  if (info.st_uid != gift.from) return {};
  if (info.st_nlink > 1 && gift.from == 0) {
    return fail(Error::of("give to user " + gift.to.name, path, "this file of root's has another name elsewhere"));
  }
  if (fchownat(folder, name, gift.to.uid, gift.to.gid, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("chown", path);
  return {};
}

Result<> give_all_in(int folder, const std::string& path, const Gift& gift, int depth) {
  if (depth > kDeepest) return fail(Error::of("chown", path, "too many folders in folders"));
  const int own = fcntl(folder, F_DUPFD_CLOEXEC, 3);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(own < 0 ? nullptr : fdopendir(own), closedir);
  if (!listing) return fail_errno("list", path);
  while (const dirent* entry = readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): one thread
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (depth == 0 && name == "lambent.toml")) continue;
    LAMBENT_TRY_VOID(give_entry(folder, entry->d_name, path + "/" + entry->d_name, gift, depth));
  }
  return {};
}

// The first folder on the way to `path` that the user may not pass; empty where all are open.
std::string closed_folder(const std::string& path, const ServerUser& user) {
  const ActingAs acting(user);
  for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (faccessat(AT_FDCWD, above.c_str(), X_OK, AT_EACCESS) != 0) return above;
  }
  return {};
}

Result<> show_nothing_else(const std::string& above, const std::string& path) {
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare", "mount namespace");
  // What the host mounts later is seen here too; nothing of this goes out.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return fail_errno("mount", "slave");
  const UniqueFd data(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!data) return fail_errno("open_tree", path);
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("tmpfs", above.c_str(), "tmpfs", flags, "size=64k,mode=0755") != 0) return fail_errno("mount", above);
  LAMBENT_TRY_VOID(make_folders(path, 0755));
  if (move_mount(data.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return fail_errno("move_mount", path);
  }
  return {};
}

}  // namespace

Result<> give_data_folder(int folder, const std::string& path, const ServerUser& user) {
  struct stat info{};
  if (fstat(folder, &info) != 0) return fail_errno("stat", path);
  if (info.st_uid == user.uid) return {};
  if (info.st_uid != 0 && info.st_uid != kDedicatedId) {
    return fail(Error::of("open data directory", path,
                          fmt::format("it belongs to user {}, not to the server's, {}; run: chown -R {} {}, or set "
                                      "user = \"{}\"",
                                      info.st_uid, user.name, user.name, path, info.st_uid)));
  }
  LAMBENT_TRY_VOID(give_all_in(folder, path, {info.st_uid, user}, 0));
  if (fchown(folder, user.uid, user.gid) != 0) return fail_errno("chown", path);
  log::info("{} belongs to user {} now, who the server is", path, user.name);
  return {};
}

Result<> keep_in_reach(const std::string& path, const ServerUser& user) {
  const std::string above = closed_folder(path, user);
  if (above.empty()) return {};
  auto shown = show_nothing_else(above, path);
  if (!shown && (shown.error().code == EPERM || shown.error().code == ENOSYS)) {
    return fail(Error::of("open data directory", path,
                          fmt::format("user {}, who the server becomes, may not enter {}; put the data folder where it "
                                      "may, e.g. /var/lib/lambent",
                                      user.name, above)));
  }
  return shown;
}

}  // namespace lambent
