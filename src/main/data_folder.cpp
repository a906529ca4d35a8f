#include "main/data_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/files.h"
#include "main/data_owner.h"

namespace lambent {
namespace {

std::string first_line_of(const std::string& path) {
  const auto text = read_file(path, 4096);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

// Others may pass the folders above it; the folder itself is its owner's alone.
Result<> make_data_folder(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) LAMBENT_TRY_VOID(make_folders(path.substr(0, slash)));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make folder", path);
  return {};
}

// Root writes to it, in a folder of the server's user: that one must not have put another file of root's there.
Result<UniqueFd> open_lock(int folder, const std::string& path) {
  UniqueFd lock(openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat info{};
  if (!lock || fstat(lock.get(), &info) != 0) return fail_errno("open", path);
  if (!S_ISREG(info.st_mode) || info.st_nlink > 1) return fail(Error::of("open", path, "not a file of its own"));
  return lock;
}

}  // namespace

Result<DataFolder> open_data_folder(const std::string& path, const std::optional<ServerUser>& user) {
  LAMBENT_TRY_VOID(make_data_folder(path));
  std::array<char, PATH_MAX> real{};
  if (realpath(path.c_str(), real.data()) == nullptr) return fail_errno("resolve", path);
  DataFolder folder;
  folder.path = real.data();
  const UniqueFd own(open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) return fail_errno("open", folder.path);
  LAMBENT_TRY(folder.lock, open_lock(own.get(), folder.path + "/lock"));
  if (flock(folder.lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno("lock", folder.path);
    const std::string holder = first_line_of(folder.path + "/lock");
    return fail(Error::of("open data directory", folder.path,
                          "another lambent server" + (holder.empty() ? std::string() : " (process " + holder + ")") +
                              " uses it; stop that one, or give --data another directory"));
  }
  if (ftruncate(folder.lock.get(), 0) != 0) return fail_errno("write", folder.path + "/lock");
  LAMBENT_TRY_VOID(write_all(folder.lock.get(), std::to_string(getpid()) + "\n", folder.path + "/lock"));
  if (user) LAMBENT_TRY_VOID(give_data_folder(own.get(), folder.path, *user));
  return folder;
}

}  // namespace lambent
