#include "cli/folder_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/files.h"

namespace lambent::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20U;
constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

// Goes through a folder, never by a link: each name is opened from the descriptor of the folder that holds it.
class Walk {
 public:
  using OnFolder = std::function<Result<int>(int parent_of_copy, const std::string& name, const std::string& path)>;
  using OnFile = std::function<Result<>(int file, int copy, const std::string& name, const std::string& path)>;

  // `on_file` and `on_folder` get the descriptor that `on_folder` gave for the folder above; the walk closes these.
  Walk(OnFolder on_folder, OnFile on_file) : on_folder_(std::move(on_folder)), on_file_(std::move(on_file)) {}

  Result<> run(const std::string& folder, int copy) {
    UniqueFd opened(open(folder.c_str(), kFolder | O_NOFOLLOW));
    if (!opened) return fail_errno("open", folder);
    return run_in(std::move(opened), copy, folder);
  }

 private:
  Result<> run_in(UniqueFd fd, int copy, const std::string& path) {
    const std::unique_ptr<DIR, CloseFolder> folder(fdopendir(fd.get()));
    if (!folder) return fail_errno("read", path);
    const int here = fd.release();  // the DIR's now
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): one thread has this folder
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      LAMBENT_TRY_VOID(visit(here, copy, name, path + "/" + name));
    }
    if (errno != 0) return fail_errno("read", path);
    return {};
  }

  Result<> visit(int here, int copy, const std::string& name, const std::string& path) {
    // O_NONBLOCK: a pipe that was put there holds nobody up.
    UniqueFd entry(openat(here, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!entry) {
      if (errno == ELOOP || errno == ENXIO) return {};
      return fail_errno("open", path);
    }
    struct stat is{};
    if (fstat(entry.get(), &is) != 0) return fail_errno("look at", path);
    if (S_ISREG(is.st_mode)) return on_file_(entry.get(), copy, name, path);
    if (!S_ISDIR(is.st_mode)) return {};
    LAMBENT_TRY(const int inner, on_folder_(copy, name, path));
    const UniqueFd owner(inner);
    return run_in(std::move(entry), inner, path);
  }

  OnFolder on_folder_;
  OnFile on_file_;
};

class Copy {
 public:
  explicit Copy(const std::function<void(std::uint64_t)>& progress) : progress_(progress), buffer_(kPiece) {}

  Result<FolderSize> run(const std::string& from, const std::string& to) {
    if (mkdir(to.c_str(), 0700) != 0) return fail_errno("make", to);
    const UniqueFd copy(open(to.c_str(), kFolder));
    if (!copy) return fail_errno("open", to);
    Walk walk([](int parent, const std::string& name, const std::string& path) { return make(parent, name, path); },
              [this](int file, int parent, const std::string& name, const std::string& path) {
                return copy_file(file, parent, name, path);
              });
    LAMBENT_TRY_VOID(walk.run(from, copy.get()));
    if (syncfs(copy.get()) != 0) return fail_errno("sync", to);
    return copied_;
  }

 private:
  static Result<int> make(int parent, const std::string& name, const std::string& path) {
    if (mkdirat(parent, name.c_str(), 0700) != 0) return fail_errno("make the copy of", path);
    const int made = openat(parent, name.c_str(), kFolder);
    if (made < 0) return fail_errno("open the copy of", path);
    return made;
  }

  Result<> copy_file(int file, int parent, const std::string& name, const std::string& path) {
    const UniqueFd copy(openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!copy) return fail_errno("make the copy of", path);
    for (;;) {
      const ssize_t got = read(file, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read", path);
      if (got == 0) break;
      const auto bytes = static_cast<std::size_t>(got);
      LAMBENT_TRY_VOID(write_all(copy.get(), {buffer_.data(), bytes}, "the copy of " + path));
      copied_.bytes += bytes;
      progress_(copied_.bytes);
    }
    ++copied_.files;
    return {};
  }

  const std::function<void(std::uint64_t)>& progress_;
  std::vector<char> buffer_;
  FolderSize copied_;
};

}  // namespace

Result<FolderSize> size_of_folder(const std::string& folder) {
  FolderSize size;
  Walk walk([](int, const std::string&, const std::string&) { return Result<int>(-1); },
            [&](int file, int, const std::string&, const std::string& path) -> Result<> {
              struct stat is{};
              if (fstat(file, &is) != 0) return fail_errno("look at", path);
              ++size.files;
              size.bytes += static_cast<std::uint64_t>(is.st_size);
              return {};
            });
  LAMBENT_TRY_VOID(walk.run(folder, -1));
  return size;
}

Result<FolderSize> copy_folder(const std::string& from, const std::string& to,
                               const std::function<void(std::uint64_t bytes)>& progress) {
  return Copy(progress).run(from, to);
}

Result<std::uint64_t> free_bytes(const std::string& folder) {
  struct statvfs system{};
  if (statvfs(folder.c_str(), &system) != 0) return fail_errno("look at", folder);
  return std::uint64_t{system.f_bavail} * system.f_frsize;
}

}  // namespace lambent::cli
