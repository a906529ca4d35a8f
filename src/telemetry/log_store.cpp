#include "telemetry/log_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "base/time_format.h"
#include "telemetry/log_event.h"
#include "telemetry/log_paths.h"

namespace lambent::telemetry {
namespace {

constexpr std::size_t kBufferBytes = 256 * kKiB;  // written out before its time
constexpr std::size_t kOpenJournals = 128;        // file descriptors and buffers held
// Less room than this is none: it is not worth cutting a read into lines for.
constexpr std::size_t kLeastRoom = 4 * kKiB;
// What a line takes of the rate besides its text: its time and stream on disk, and the work for it.
constexpr std::size_t kLineCost = 128;
// While a flood goes on, one marker for each of these.
constexpr std::chrono::seconds kMarkerPeriod{1};

std::string_view cut_to_character(std::string_view text, std::size_t limit) {
  std::size_t end = std::min(limit, text.size());
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

// A torn last line, left by a crash, must not swallow the next one.
bool ends_within_line(int fd, std::size_t size) {
  char last = '\n';
  return size > 0 && pread(fd, &last, 1, static_cast<off_t>(size - 1)) == 1 && last != '\n';
}

}  // namespace

LogStore::LogStore(const std::string& data_dir, const Clock& clock, LogOptions options)
    : folder_(logs_folder(data_dir)), clock_(&clock), options_(options) {}

LogStore::~LogStore() {
  flush();
}

bool LogStore::append(std::string_view function, std::string_view stream, std::string_view line) {
  if (!has_log_folder(function)) return true;
  Journal& log = journal(function);
  if (!take_tokens(log, line.size() + kLineCost)) {
    count(log, stream, 1, line.size() + 1);
    return false;
  }
  if (log.dropped_bytes > 0 && clock_->monotonic() - log.dropping_since >= kMarkerPeriod) put_marker(log, function);
  put(log, function, stream, line, false);
  return true;
}

bool LogStore::has_room(std::string_view function) {
  if (!has_log_folder(function)) return true;
  Journal& log = journal(function);
  refill(log);
  return log.tokens >= static_cast<double>(std::min(options_.burst_bytes, kLeastRoom));
}

void LogStore::count_dropped(std::string_view function, std::string_view stream, std::uint64_t lines,
                             std::uint64_t bytes) {
  if (has_log_folder(function)) count(journal(function), stream, lines, bytes);
}

void LogStore::count(Journal& log, std::string_view stream, std::uint64_t lines, std::uint64_t bytes) {
  if (log.dropped_bytes == 0) {
    log.stream = stream;
    log.dropping_since = clock_->monotonic();
  }
  log.dropped_lines += lines;
  log.dropped_bytes += bytes;
  counters_.dropped_lines += lines;
  counters_.dropped_bytes += bytes;
}

void LogStore::append_platform(std::string_view function, std::string_view stream, std::string_view line) {
  if (!has_log_folder(function)) return;
  Journal& log = journal(function);
  if (log.dropped_bytes > 0) put_marker(log, function);
  put(log, function, stream, line, true);
}

void LogStore::flush(std::string_view function) {
  if (const auto found = journals_.find(function); found != journals_.end()) write_out(found->second, function);
}

void LogStore::flush() {
  for (auto& [function, log] : journals_) write_out(log, function);
}

LogStore::Journal& LogStore::journal(std::string_view function) {
  auto found = journals_.find(function);
  if (found == journals_.end()) {
    if (journals_.size() >= kOpenJournals) close_idlest();
    found = journals_.try_emplace(std::string(function)).first;
    found->second.tokens = static_cast<double>(options_.burst_bytes);
    found->second.refilled = clock_->monotonic();
  }
  found->second.last_used = clock_->monotonic();
  return found->second;
}

void LogStore::close_idlest() {
  const auto idlest = std::ranges::min_element(journals_, {}, [](const auto& entry) { return entry.second.last_used; });
  if (idlest->second.dropped_bytes > 0) put_marker(idlest->second, idlest->first);
  write_out(idlest->second, idlest->first);
  journals_.erase(idlest);
}

// A bucket that fills by bytes_per_second and holds burst_bytes. A line over that size is let through when the bucket
// is full, so that it is late rather than impossible.
bool LogStore::take_tokens(Journal& log, std::size_t bytes) {
  refill(log);
  if (log.tokens < std::min(static_cast<double>(options_.burst_bytes), static_cast<double>(bytes))) return false;
  log.tokens = std::max(0.0, log.tokens - static_cast<double>(bytes));
  return true;
}

void LogStore::refill(Journal& log) {
  const Monotonic now = clock_->monotonic();
  const double seconds = std::chrono::duration<double>(now - log.refilled).count();
  log.refilled = now;
  log.tokens = std::min(static_cast<double>(options_.burst_bytes),
                        log.tokens + seconds * static_cast<double>(options_.bytes_per_second));
}

void LogStore::put(Journal& log, std::string_view function, std::string_view stream, std::string_view line,
                   bool platform) {
  ++counters_.lines;
  log.stream = stream;
  if (line.size() > options_.line_bytes) {
    const std::string_view kept = cut_to_character(line, options_.line_bytes);
    const std::string cut = fmt::format("{} [lambent: line cut, {} bytes dropped]", kept, line.size() - kept.size());
    append_event_line(log.buffer, clock_->wall_ms(), stream, cut, platform);
  } else {
    append_event_line(log.buffer, clock_->wall_ms(), stream, line, platform);
  }
  if (log.buffer.size() >= kBufferBytes) write_out(log, function);
}

// The form of the Telemetry API's event of that name.
void LogStore::put_marker(Journal& log, std::string_view function) {
  const std::string marker = fmt::format(
      R"({{"time":"{}","type":"platform.logsDropped","record":{{"reason":"Function produced more than {} bytes of )"
      R"(log per second","droppedRecords":{},"droppedBytes":{}}}}})",
      format_iso_millis(clock_->wall()), options_.bytes_per_second, log.dropped_lines, log.dropped_bytes);
  log.dropped_lines = 0;
  log.dropped_bytes = 0;
  put(log, function, std::string(log.stream), marker, true);
}

void LogStore::write_out(Journal& log, std::string_view function) {
  if (log.buffer.empty()) return;
  const std::string bytes = std::exchange(log.buffer, {});
  const auto lose = [&] {
    ++counters_.failed_writes;
    counters_.failed_write_bytes += bytes.size();
  };
  if (!log.fd && !open(log, function)) return lose();
  if (log.size > 0 && log.size + bytes.size() > options_.bytes_per_function / 2) rotate(log, function);
  if (!log.fd) return lose();
  if (!write_all(log.fd.get(), bytes, {})) {
    // What was half written would tear a line. A failure here leaves that to the reader, who skips torn lines.
    if (ftruncate(log.fd.get(), static_cast<off_t>(log.size)) != 0) log.fd.reset();
    return lose();
  }
  log.size += bytes.size();
}

bool LogStore::open(Journal& log, std::string_view function) {
  if (!make_folders(log_folder(folder_, function), 0750)) return false;
  log.fd.reset(::open(current_log(folder_, function).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log.fd) return false;
  struct stat status{};
  log.size = fstat(log.fd.get(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
  if (ends_within_line(log.fd.get(), log.size) && write(log.fd.get(), "\n", 1) == 1) ++log.size;
  return true;
}

void LogStore::rotate(Journal& log, std::string_view function) {
  log.fd.reset();
  if (rename(current_log(folder_, function).c_str(), previous_log(folder_, function).c_str()) != 0) {
    // Without a rename the bound still holds: the old lines are given up.
    (void)unlink(current_log(folder_, function).c_str());
  }
  open(log, function);
}

}  // namespace lambent::telemetry
