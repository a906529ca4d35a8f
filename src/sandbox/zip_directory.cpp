#include "sandbox/zip_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/limits.h"

namespace lambent::sandbox {
namespace {

constexpr std::string_view kEnd("PK\x05\x06", 4);
constexpr std::string_view kEnd64("PK\x06\x06", 4);
constexpr std::string_view kEnd64Locator("PK\x06\x07", 4);
constexpr std::string_view kEntry("PK\x01\x02", 4);
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kEnd64LocatorBytes = 20;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kCommentBytes = 65'535;
constexpr std::size_t kChunk = 64 * kKiB;

std::unexpected<UnpackError> refuse(UnpackFailure failure, std::string_view what) {
  return std::unexpected(UnpackError{failure, std::string(what)});
}

// Little-endian, as everything in an archive.
template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number value = 0;
  for (std::size_t i = sizeof value; i-- > 0;) {
    value = static_cast<Number>(static_cast<std::uint64_t>(value) << 8U | static_cast<unsigned char>(bytes[at + i]));
  }
  return value;
}

// Bytes of the file from a position on; fewer at its end.
std::expected<std::string, UnpackError> read_at(int file, std::uint64_t at, std::size_t length) {
  std::string bytes(length, '\0');
  std::size_t have = 0;
  while (have < length) {
    const ssize_t n = pread(file, bytes.data() + have, length - have, static_cast<off_t>(at + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(UnpackFailure::internal, Error::from_errno("read").message());
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  // where what follows it begins
};

// The one end record whose comment ends with the file, as an offset into the file's last bytes.
std::expected<std::size_t, UnpackError> find_end(std::string_view tail) {
  std::optional<std::size_t> found;
  for (std::size_t at = tail.find(kEnd); at != std::string_view::npos; at = tail.find(kEnd, at + 1)) {
    if (at + kEndBytes > tail.size()) break;
    if (at + kEndBytes + number_at<std::uint16_t>(tail, at + 20) != tail.size()) continue;
    if (found) return refuse(UnpackFailure::corrupt, "two ends");
    found = at;
  }
  if (!found) return refuse(UnpackFailure::not_a_zip, "no end record");
  return *found;
}

// ZIP64: the numbers that do not fit stand in a record of their own, right before its locator.
std::expected<Directory, UnpackError> read_end64(int archive, std::uint64_t locator_at) {
  LAMBENT_TRY(const std::string locator, read_at(archive, locator_at, kEnd64LocatorBytes));
  const auto at = number_at<std::uint64_t>(locator, 8);
  if (at > locator_at) return refuse(UnpackFailure::corrupt, "a ZIP64 end beyond its locator");
  LAMBENT_TRY(const std::string end, read_at(archive, at, kEnd64Bytes));
  if (end.size() != kEnd64Bytes || !end.starts_with(kEnd64) ||
      number_at<std::uint64_t>(end, 4) != locator_at - at - 12) {
    return refuse(UnpackFailure::corrupt, "no ZIP64 end record");
  }
  return Directory{.entries = number_at<std::uint64_t>(end, 32),
                   .bytes = number_at<std::uint64_t>(end, 40),
                   .offset = number_at<std::uint64_t>(end, 48),
                   .end = at};
}

std::expected<Directory, UnpackError> read_end(int archive) {
  struct stat info{};
  if (fstat(archive, &info) != 0) return refuse(UnpackFailure::internal, Error::from_errno("stat").message());
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t tail_at = size - std::min<std::uint64_t>(size, kEndBytes + kCommentBytes);
  LAMBENT_TRY(const std::string tail, read_at(archive, tail_at, size - tail_at));
  LAMBENT_TRY(const std::size_t end, find_end(tail));
  Directory directory{.entries = number_at<std::uint16_t>(tail, end + 10),
                      .bytes = number_at<std::uint32_t>(tail, end + 12),
                      .offset = number_at<std::uint32_t>(tail, end + 16),
                      .end = tail_at + end};
  if (directory.end >= kEnd64LocatorBytes) {
    const std::uint64_t before = directory.end - kEnd64LocatorBytes;
    LAMBENT_TRY(const std::string signature, read_at(archive, before, kEnd64Locator.size()));
    if (signature == kEnd64Locator) {
      LAMBENT_TRY(directory, read_end64(archive, before));
    }
  }
  if (directory.bytes > directory.end || directory.offset != directory.end - directory.bytes) {
    return refuse(UnpackFailure::corrupt, "the directory is not where the end says");
  }
  return directory;
}

// The directory's bytes in order, some at a time.
class Window {
 public:
  Window(int file, const Directory& directory) : file_(file), at_(directory.offset), left_(directory.bytes) {}

  // The next bytes, valid until the next call; fewer at the directory's end.
  std::expected<std::string_view, UnpackError> take(std::size_t length) {
    if (buffer_.size() - used_ < length) {
      buffer_.erase(0, used_);
      used_ = 0;
      const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(left_, std::max(kChunk, length)));
      LAMBENT_TRY(const std::string next, read_at(file_, at_, more));
      at_ += next.size();
      left_ -= more;
      buffer_ += next;
    }
    const auto bytes = std::string_view(buffer_).substr(used_, length);
    used_ += bytes.size();
    return bytes;
  }
  [[nodiscard]] bool at_end() const { return left_ == 0 && used_ == buffer_.size(); }

 private:
  int file_;
  std::uint64_t at_;
  std::uint64_t left_;
  std::string buffer_;
  std::size_t used_ = 0;
};

std::expected<std::string, UnpackError> read_name(Window& window) {
  LAMBENT_TRY(const std::string_view head, window.take(kEntryBytes));
  if (head.size() != kEntryBytes || !head.starts_with(kEntry)) return refuse(UnpackFailure::corrupt, "no entry");
  const std::size_t name_bytes = number_at<std::uint16_t>(head, 28);
  const std::size_t rest = std::size_t{number_at<std::uint16_t>(head, 30)} + number_at<std::uint16_t>(head, 32);
  LAMBENT_TRY(const std::string_view name, window.take(name_bytes));
  if (name.size() != name_bytes) return refuse(UnpackFailure::corrupt, "half an entry");
  if (name.find('\0') != std::string_view::npos) return refuse(UnpackFailure::unsafe_path, "NUL in a name");
  std::string copy(name);
  LAMBENT_TRY(const std::string_view skipped, window.take(rest));
  if (skipped.size() != rest) return refuse(UnpackFailure::corrupt, "half an entry");
  return copy;
}

}  // namespace

std::expected<std::vector<std::string>, UnpackError> read_entry_names(int archive, std::uint32_t most) {
  LAMBENT_TRY(const Directory directory, read_end(archive));
  if (directory.entries > most) {
    return refuse(UnpackFailure::too_many_entries, fmt::format("{} entries", directory.entries));
  }
  std::vector<std::string> names;
  Window window(archive, directory);
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    LAMBENT_TRY(std::string name, read_name(window));
    names.push_back(std::move(name));
  }
  if (!window.at_end()) return refuse(UnpackFailure::corrupt, "more in the directory than its entries");
  return names;
}

}  // namespace lambent::sandbox
