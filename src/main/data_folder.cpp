#include "main/data_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/files.h"

namespace lambent {
namespace {

std::string first_line_of(const std::string& path) {
  const auto text = read_file(path, 4096);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

}  // namespace

Result<DataFolder> open_data_folder(const std::string& path) {
  LAMBENT_TRY_VOID(make_folders(path, 0700));
  std::array<char, PATH_MAX> real{};
  if (realpath(path.c_str(), real.data()) == nullptr) return fail_errno("resolve", path);
  DataFolder folder;
  folder.path = real.data();

  const std::string lock_path = folder.path + "/lock";
  folder.lock = UniqueFd(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!folder.lock) return fail_errno("open", lock_path);
  if (flock(folder.lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno("lock", lock_path);
    const std::string holder = first_line_of(lock_path);
    return fail(Error::of("open data directory", folder.path,
                          "another lambent server" + (holder.empty() ? std::string() : " (process " + holder + ")") +
                              " uses it; stop that one, or give --data another directory"));
  }
  if (ftruncate(folder.lock.get(), 0) != 0) return fail_errno("write", lock_path);
  LAMBENT_TRY_VOID(write_all(folder.lock.get(), std::to_string(getpid()) + "\n", lock_path));
  return folder;
}

}  // namespace lambent
