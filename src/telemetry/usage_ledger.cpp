#include "telemetry/usage_ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "base/time_format.h"
#include "telemetry/usage_record.h"

namespace lambent::telemetry {
namespace {

constexpr std::size_t kReadRecords = 1024;

struct Month {
  std::string name;
  std::int64_t begin_ms, end_ms;
};

Month month_of(std::int64_t time_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(time_ms)};
  const year_month_day date(floor<days>(time));
  const year_month month = date.year() / date.month();
  const auto start = [](year_month m) {
    return duration_cast<milliseconds>(sys_days(m / day(1)).time_since_epoch()).count();
  };
  return {format_month(time), start(month), start(month + months(1))};
}

// Cuts off what is no whole, good record at the file's end, and gives the size that is left.
Result<std::uint64_t> repair_end(int fd, const std::string& path) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return fail_errno("read", path);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::uint64_t good = size - size % kUsageRecordBytes;
  while (good > 0) {
    std::array<char, kUsageRecordBytes> last{};
    const ssize_t n = pread(fd, last.data(), last.size(), static_cast<off_t>(good - kUsageRecordBytes));
    if (n < 0) return fail_errno("read", path);
    // A record of a format to come is kept: another version of this program wrote it.
    if (is_intact({last.data(), static_cast<std::size_t>(n)})) break;
    good -= kUsageRecordBytes;
  }
  if (good == size) return good;
  log::warning("usage ledger {}: cut {} damaged bytes off its end", path, size - good);
  if (ftruncate(fd, static_cast<off_t>(good)) != 0) return fail_errno("cut damaged end of", path);
  return good;
}

}  // namespace

std::string_view to_string(CallResult result) {
  switch (result) {
    case CallResult::ok:
      return "ok";
    case CallResult::function_error:
      return "function_error";
    case CallResult::timeout:
      return "timeout";
    case CallResult::out_of_memory:
      return "out_of_memory";
    case CallResult::crash:
      return "crash";
    case CallResult::init_error:
      return "init_error";
    case CallResult::platform_error:
      return "platform_error";
    case CallResult::after_answer:
      return "after_answer";
  }
  std::unreachable();
}

std::string ledger_path(const std::string& data_dir, std::string_view month) {
  return fmt::format("{}/usage/{}.ledger", data_dir, month);
}

Result<std::unique_ptr<UsageLedger>> UsageLedger::open(const std::string& data_dir) {
  LAMBENT_TRY_VOID(make_folders(data_dir + "/usage", 0750));
  return std::unique_ptr<UsageLedger>(new UsageLedger(data_dir));
}

Result<> UsageLedger::append(const UsageRecord& record) {
  const auto bytes = encode_usage(record);
  const auto write_it = [&]() -> Result<> {
    if (!current_ || record.time_ms < month_begin_ms_ || record.time_ms >= month_end_ms_) {
      LAMBENT_TRY_VOID(open_month(record.time_ms));
    }
    return write_record({bytes.data(), bytes.size()});
  };
  auto written = write_it();
  (written ? appended_ : failed_).fetch_add(1, std::memory_order_relaxed);
  return written;
}

Result<> UsageLedger::open_month(std::int64_t time_ms) {
  const Month month = month_of(time_ms);
  auto file = std::make_shared<File>();
  file->path = ledger_path(data_dir_, month.name);
  file->fd.reset(::open(file->path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file->fd) return fail_errno("open", file->path);
  LAMBENT_TRY(const std::uint64_t size, repair_end(file->fd.get(), file->path));
  LAMBENT_TRY_VOID(sync_folder(data_dir_ + "/usage"));
  const std::lock_guard lock(mutex_);
  if (current_) unsynced_.push_back(std::move(current_));
  current_ = std::move(file);
  month_begin_ms_ = month.begin_ms;
  month_end_ms_ = month.end_ms;
  size_ = size;
  return {};
}

Result<> UsageLedger::write_record(std::string_view bytes) {
  const int fd = current_->fd.get();
  ssize_t n = 0;
  do {
    n = write(fd, bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(bytes.size())) {
    size_ += bytes.size();
    dirty_.store(true, std::memory_order_release);
    return {};
  }
  Error error = n < 0 ? Error::from_errno("write", current_->path)
                      : Error::of("write", current_->path, "short write: disk full?");
  if (n > 0 && ftruncate(fd, static_cast<off_t>(size_)) != 0) {
    // The half record stays: opening the file again finds and cuts it before anything is added.
    const std::lock_guard lock(mutex_);
    current_.reset();
  }
  return fail(std::move(error));
}

Result<> UsageLedger::sync() {
  std::vector<std::shared_ptr<File>> files;
  {
    const std::lock_guard lock(mutex_);
    files = std::exchange(unsynced_, {});
    if (dirty_.exchange(false, std::memory_order_acquire) && current_) files.push_back(current_);
  }
  Result<> outcome;
  for (const auto& file : files) {
    if (fdatasync(file->fd.get()) == 0) continue;
    outcome = fail_errno("sync", file->path);
    const std::lock_guard lock(mutex_);
    unsynced_.push_back(file);
  }
  return outcome;
}

Result<ReadSummary> read_usage(const std::string& data_dir, std::string_view month,
                               const std::function<void(const UsageRecord&)>& on_record) {
  const std::string path = ledger_path(data_dir, month);
  ReadSummary summary;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? Result<ReadSummary>(summary) : fail_errno("open", path);
  std::string buffer(kReadRecords * kUsageRecordBytes, '\0');
  for (off_t at = 0;;) {
    const ssize_t n = pread(fd.get(), buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read", path);
    if (n == 0) return summary;
    const std::size_t whole = static_cast<std::size_t>(n) - static_cast<std::size_t>(n) % kUsageRecordBytes;
    if (whole == 0) {
      ++summary.damaged;
      return summary;
    }
    const std::string_view bytes(buffer.data(), whole);
    for (std::size_t start = 0; start < bytes.size(); start += kUsageRecordBytes) {
      const auto record = decode_usage(bytes.substr(start, kUsageRecordBytes));
      record ? ++summary.records : ++summary.damaged;
      if (record) on_record(*record);
    }
    at += static_cast<off_t>(whole);
  }
}

}  // namespace lambent::telemetry
