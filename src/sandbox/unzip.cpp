#include "sandbox/unzip.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/zip_directory.h"

namespace lambent::sandbox {
namespace {

using Outcome = std::expected<void, UnpackError>;

constexpr std::size_t kChunk = 64 * kKiB;
constexpr std::size_t kLinkBytes = 4095;
constexpr unsigned kUnixKind = S_IFMT;
constexpr int kDeepest = 2048;  // folders in a path of 4,095 bytes

std::unexpected<UnpackError> refuse(UnpackFailure failure, std::string_view what) {
  return std::unexpected(UnpackError{failure, std::string(what)});
}

std::unexpected<UnpackError> refuse_errno(std::string_view step, std::string_view entry) {
  const int code = errno;
  const auto failure = code == ENOSPC || code == EDQUOT                      ? UnpackFailure::no_space
                       : code == EEXIST || code == ENOTDIR || code == EISDIR ? UnpackFailure::duplicate
                       : code == ENAMETOOLONG                                ? UnpackFailure::name_too_long
                                                                             : UnpackFailure::internal;
  return refuse(failure, Error{std::string(step), std::string(entry), code, ""}.message());
}

UnpackFailure failure_of(int zip_code) {
  switch (zip_code) {
    case ZIP_ER_NOZIP:
      return UnpackFailure::not_a_zip;
    case ZIP_ER_NOPASSWD:
    case ZIP_ER_WRONGPASSWD:
    case ZIP_ER_ENCRNOTSUPP:
      return UnpackFailure::encrypted;
    case ZIP_ER_COMPNOTSUPP:
      return UnpackFailure::unsupported;
    case ZIP_ER_MEMORY:
      return UnpackFailure::too_many_entries;
    default:
      return UnpackFailure::corrupt;
  }
}

struct Link {
  std::string path;
  std::string target;
};

class Unzipper {
 public:
  Unzipper(zip_t* archive, std::vector<std::string> names, int destination, const UnpackLimits& limits)
      : archive_(archive), names_(std::move(names)), destination_(destination), limits_(limits) {}

  std::expected<UnpackReport, UnpackError> run() {
    const auto count = zip_get_num_entries(archive_, 0);
    if (count < 0 || static_cast<std::uint64_t>(count) != names_.size()) {
      return refuse(UnpackFailure::corrupt, "another directory");
    }
    for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(count); ++index) {
      LAMBENT_TRY_VOID(unpack_entry(index));
    }
    for (const auto& link : links_) {
      if (symlinkat(link.target.c_str(), destination_, link.path.c_str()) != 0) return refuse_errno("link", link.path);
    }
    if (syncfs(destination_) != 0) return refuse_errno("sync", "destination");
    return UnpackReport{static_cast<std::uint32_t>(count), bytes_};
  }

 private:
  Outcome unpack_entry(zip_uint64_t index) {
    zip_stat_t info{};
    if (zip_stat_index(archive_, index, ZIP_FL_ENC_RAW, &info) != 0)
      return refuse(UnpackFailure::corrupt, "an entry without data");
    const std::string name = (info.valid & ZIP_STAT_NAME) != 0 ? info.name : "";
    if (name != names_[index]) return refuse(UnpackFailure::corrupt, "another directory");
    if (const auto bad = check_entry_name(name)) return refuse(*bad, printable(name));
    if ((info.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && info.encryption_method != ZIP_EM_NONE) {
      return refuse(UnpackFailure::encrypted, name);
    }
    const mode_t mode = mode_of(index);
    if (name.back() == '/') return make_folder(name.substr(0, name.size() - 1));
    LAMBENT_TRY_VOID(make_folders_above(name));
    switch (mode & kUnixKind) {
      case 0:
      case S_IFREG:
        return unpack_file(index, name, mode);
      case S_IFDIR:
        return make_folder(name);
      case S_IFLNK:
        return read_link(index, name);
      default:
        return refuse(UnpackFailure::unsafe_kind, name);
    }
  }

  // Kind and permissions where the archive was made on a Unix, else 0.
  [[nodiscard]] mode_t mode_of(zip_uint64_t index) const {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(archive_, index, 0, &system, &attributes) != 0) return 0;
    return system == ZIP_OPSYS_UNIX || system == ZIP_OPSYS_OS_X ? attributes >> 16U : 0;
  }

  Outcome make_folder(const std::string& path) {
    LAMBENT_TRY_VOID(make_folders_above(path));
    return make_one_folder(path);
  }

  Outcome make_folders_above(const std::string& path) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      LAMBENT_TRY_VOID(make_one_folder(path.substr(0, slash)));
    }
    return {};
  }

  Outcome make_one_folder(const std::string& path) {
    if (mkdirat(destination_, path.c_str(), 0755) == 0) return {};
    if (errno != EEXIST) return refuse_errno("make folder", path);
    struct stat info{};
    if (fstatat(destination_, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return refuse_errno("stat", path);
    if (!S_ISDIR(info.st_mode)) return refuse(UnpackFailure::duplicate, path);
    return {};
  }

  Outcome unpack_file(zip_uint64_t index, const std::string& name, mode_t mode) {
    const bool is_executable = (mode & 0111U) != 0;
    const UniqueFd file(openat(destination_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return refuse_errno("create", name);
    LAMBENT_TRY_VOID(for_each_chunk(index, name, [&](std::span<const char> chunk) -> Outcome {
      while (!chunk.empty()) {
        const ssize_t written = write(file.get(), chunk.data(), chunk.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return refuse_errno("write", name);
        chunk = chunk.subspan(static_cast<std::size_t>(written));
      }
      return {};
    }));
    if (fchmod(file.get(), is_executable ? 0755 : 0644) != 0) return refuse_errno("chmod", name);
    return {};
  }

  Outcome read_link(zip_uint64_t index, const std::string& name) {
    std::string target;
    LAMBENT_TRY_VOID(for_each_chunk(index, name, [&](std::span<const char> chunk) -> Outcome {
      if (target.size() + chunk.size() > kLinkBytes) return refuse(UnpackFailure::unsafe_link, name);
      target.append(chunk.data(), chunk.size());
      return {};
    }));
    if (!is_link_inside(name, target)) return refuse(UnpackFailure::unsafe_link, name + " -> " + printable(target));
    links_.push_back({name, target});
    return {};
  }

  // The entry's content, its checksum tested at the end, the bytes counted as they come.
  template <class Take>
  Outcome for_each_chunk(zip_uint64_t index, const std::string& name, Take take) {
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive_, index, 0), zip_fclose);
    if (!file) return refuse(failure_of(zip_error_code_zip(zip_get_error(archive_))), name);
    for (;;) {
      const auto length = zip_fread(file.get(), chunk_.data(), chunk_.size());
      if (length < 0) return refuse(failure_of(zip_error_code_zip(zip_file_get_error(file.get()))), name);
      if (length == 0) return {};
      bytes_ += static_cast<std::uint64_t>(length);
      if (bytes_ > limits_.unzipped_bytes) return refuse(UnpackFailure::too_many_bytes, name);
      LAMBENT_TRY_VOID(take(std::span<const char>(chunk_).first(static_cast<std::size_t>(length))));
    }
  }

  static std::string printable(std::string_view text) {
    std::string out(text.substr(0, 200));
    for (char& c : out) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return out;
  }

  zip_t* archive_;
  std::vector<std::string> names_;  // as read strictly: the library may have found another directory
  int destination_;
  UnpackLimits limits_;
  std::vector<Link> links_;
  std::uint64_t bytes_ = 0;
  std::array<char, kChunk> chunk_{};
};

std::expected<UnpackReport, UnpackError> open_and_unzip(int archive, int destination, const UnpackLimits& limits) {
  LAMBENT_TRY(auto names, read_entry_names(archive, limits.entries));
  const int copy = fcntl(archive, F_DUPFD_CLOEXEC, 3);
  if (copy < 0 || lseek(copy, 0, SEEK_SET) != 0) return refuse_errno("open", "archive");
  int code = 0;
  zip_t* opened = zip_fdopen(copy, 0, &code);
  if (opened == nullptr) {
    close(copy);
    return refuse(failure_of(code), "the archive cannot be opened");
  }
  const std::unique_ptr<zip_t, void (*)(zip_t*)> owner(opened, zip_discard);
  const auto unzipper = std::make_unique<Unzipper>(opened, std::move(names), destination, limits);
  return unzipper->run();
}

void empty_below(int folder, int depth) {
  if (depth > kDeepest) return;
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = copy >= 0 ? fdopendir(copy) : nullptr;
  if (listing == nullptr) return;
  while (const dirent* entry = readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (unlinkat(folder, entry->d_name, 0) == 0) continue;
    {
      const UniqueFd below(openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (below) empty_below(below.get(), depth + 1);
    }
    unlinkat(folder, entry->d_name, AT_REMOVEDIR);
  }
  closedir(listing);
}

}  // namespace

void empty_folder(int folder) {
  empty_below(folder, 0);
}

std::expected<UnpackReport, UnpackError> unzip(int archive, int destination, const UnpackLimits& limits) {
  auto outcome = open_and_unzip(archive, destination, limits);
  if (!outcome) empty_folder(destination);
  return outcome;
}

}  // namespace lambent::sandbox
