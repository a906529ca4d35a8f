#include "telemetry/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "telemetry/log_event.h"
#include "telemetry/log_paths.h"

namespace lambent::telemetry {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

// The last `lines` lines of a file, or the whole of it, read from the end by blocks. A missing file is empty.
Result<std::string> read_last_lines(const std::string& path, std::size_t lines) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? Result<std::string>("") : fail_errno("open", path);
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return fail_errno("read", path);
  std::string text;
  std::size_t seen = 0;
  off_t start = status.st_size;
  while (start > 0 && seen <= lines) {
    const auto count = static_cast<std::size_t>(std::min<off_t>(start, kBlock));
    start -= static_cast<off_t>(count);
    std::string block(count, '\0');
    const ssize_t n = pread(fd.get(), block.data(), count, start);
    if (n < 0) return fail_errno("read", path);
    block.resize(static_cast<std::size_t>(n));
    seen += static_cast<std::size_t>(std::ranges::count(block, '\n'));
    text.insert(0, block);
  }
  return text;
}

void parse_lines(std::string_view text, std::vector<LogEvent>& out) {
  while (!text.empty()) {
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos) return;
    if (auto event = parse_event_line(text.substr(0, newline))) out.push_back(*std::move(event));
    text.remove_prefix(newline + 1);
  }
}

Result<std::string> checked_folder(const std::string& data_dir, std::string_view function) {
  if (!has_log_folder(function)) return fail(Error::of("read logs", function, "not a function's name"));
  return logs_folder(data_dir);
}

}  // namespace

bool has_logs(const std::string& data_dir, std::string_view function) {
  std::error_code ignored;
  return has_log_folder(function) && std::filesystem::exists(log_folder(logs_folder(data_dir), function), ignored);
}

Result<std::vector<LogEvent>> tail_log(const std::string& data_dir, std::string_view function, std::size_t lines) {
  LAMBENT_TRY(const std::string folder, checked_folder(data_dir, function));
  std::vector<LogEvent> events;
  LAMBENT_TRY(const std::string current, read_last_lines(current_log(folder, function), lines));
  const auto in_current = static_cast<std::size_t>(std::ranges::count(current, '\n'));
  if (in_current < lines) {
    LAMBENT_TRY(const std::string previous, read_last_lines(previous_log(folder, function), lines - in_current));
    parse_lines(previous, events);
  }
  parse_lines(current, events);
  if (events.size() > lines) events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(lines));
  return events;
}

LogFollower::LogFollower(const std::string& data_dir, std::string_view function)
    : path_(current_log(logs_folder(data_dir), function)) {
  fd_.reset(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd_) (void)lseek(fd_.get(), 0, SEEK_END);
}

Result<> LogFollower::read_rest(std::vector<LogEvent>& out) {
  char buffer[kBlock];
  for (;;) {
    const ssize_t n = read(fd_.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", path_);
    if (n == 0) return {};
    partial_.append(buffer, static_cast<std::size_t>(n));
    const auto last = partial_.rfind('\n');
    if (last == std::string::npos) continue;
    parse_lines(std::string_view(partial_).substr(0, last + 1), out);
    partial_.erase(0, last + 1);
  }
}

Result<std::vector<LogEvent>> LogFollower::poll() {
  std::vector<LogEvent> events;
  UniqueFd named(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!named && errno != ENOENT) return fail_errno("open", path_);
  struct stat held{};
  struct stat latest{};
  const bool rotated = named && (!fd_ || fstat(fd_.get(), &held) != 0 || fstat(named.get(), &latest) != 0 ||
                                 held.st_ino != latest.st_ino || held.st_dev != latest.st_dev);
  // The rest of the file that was renamed comes first.
  if (fd_) LAMBENT_TRY_VOID(read_rest(events));
  if (rotated) {
    fd_ = std::move(named);
    partial_.clear();
    LAMBENT_TRY_VOID(read_rest(events));
  }
  return events;
}

}  // namespace lambent::telemetry
