#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "base/encoding.h"

namespace lambent {
namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Two writers of one path in one process never share a temporary file.
std::string temporary_beside(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return path + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open", path);
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", path);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > limit) return fail(Error::of("read", path, "file is too large"));
  }
}

Result<> write_all(int fd, std::string_view bytes, std::string_view target) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write", target);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<> write_file_durably(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = temporary_beside(path);
  const auto write_temporary = [&]() -> Result<> {
    const UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd) return fail_errno("create", temporary);
    LAMBENT_TRY_VOID(write_all(fd.get(), content, temporary));
    if (fsync(fd.get()) != 0) return fail_errno("sync", temporary);
    if (rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("rename to", path);
    return {};
  };
  if (auto written = write_temporary(); !written) {
    unlink(temporary.c_str());
    return written;
  }
  return sync_folder(folder_of(path));
}

Result<> make_folders(const std::string& path, mode_t mode) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return fail_errno("make folder", part);
  }
  return {};
}

Result<> sync_folder(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open folder", path);
  if (fsync(fd.get()) != 0) return fail_errno("sync folder", path);
  return {};
}

}  // namespace lambent
