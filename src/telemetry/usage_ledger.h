// The usage ledger: one record for each call, on disk before the call's answer leaves; and one more for a call that
// extensions go on with after its answer, when they are done.
//
// DIR/usage/YYYY-MM.ledger is a row of records of one size (usage_record.h), each with its own CRC; append is one
// write(2), so a killed process loses nothing that was appended. sync() makes it survive a power cut and is called once
// a second; a power cut loses at most what came after it. A torn or damaged end is cut off when a file is opened for
// writing; damaged records elsewhere are skipped and counted by the reader.
//
// Thread safety: append from one thread (the event loop's); sync from any one other thread at the same time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::telemetry {

enum class Architecture : std::uint8_t { x86_64 = 0, arm64 = 1 };

// How a call ended. All but platform_error are billed.
enum class CallResult : std::uint8_t {
  ok = 0,
  function_error = 1,  // the handler raised or answered with an error
  timeout = 2,
  out_of_memory = 3,
  crash = 4,           // the runtime exited
  init_error = 5,      // INIT failed within the call
  platform_error = 6,  // ours: the function is not to blame, nothing is billed
  after_answer = 7,    // no call: what extensions took after the answer of the one with this request id
};

std::string_view to_string(CallResult result);

struct UsageRecord {
  std::int64_t time_ms = 0;  // end of the call, milliseconds since 1970; decides the month (UTC)
  std::string function;      // at most 64 bytes are kept
  std::string version;       // "$LATEST" or a number; 24 bytes
  std::string request_id;    // 40 bytes
  std::uint32_t billed_ms = 0;
  std::uint32_t init_ms = 0;  // contained in billed_ms; 0 for a warm call
  std::uint32_t memory_mb = 0;
  std::uint32_t tmp_mb = 512;
  Architecture architecture = Architecture::x86_64;
  CallResult result = CallResult::ok;

  bool operator==(const UsageRecord&) const = default;
};

class UsageLedger {
 public:
  // Makes DIR/usage where missing; month files are opened when first needed.
  static Result<std::unique_ptr<UsageLedger>> open(const std::string& data_dir);

  // Returns when the record is in the kernel's hands. On failure (disk full) nothing of it stays in the file; the
  // failure is counted, and the caller decides what the client sees.
  Result<> append(const UsageRecord& record);

  // fdatasync of what was appended since the last sync; does nothing where nothing was.
  Result<> sync();

  [[nodiscard]] std::uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  struct File {
    UniqueFd fd;
    std::string path;
  };

  explicit UsageLedger(std::string data_dir) : data_dir_(std::move(data_dir)) {}
  Result<> open_month(std::int64_t time_ms);
  Result<> write_record(std::string_view bytes);

  std::string data_dir_;
  std::shared_ptr<File> current_;    // written by append's thread under mutex_
  std::int64_t month_begin_ms_ = 0;  // of current_
  std::int64_t month_end_ms_ = 0;    // exclusive
  std::uint64_t size_ = 0;           // of current_
  std::mutex mutex_;
  std::vector<std::shared_ptr<File>> unsynced_;  // files of past months that are still to be synced
  std::atomic<bool> dirty_{false};
  std::atomic<std::uint64_t> appended_{0};
  std::atomic<std::uint64_t> failed_{0};
};

struct ReadSummary {
  std::uint64_t records = 0;
  std::uint64_t damaged = 0;  // records whose CRC is wrong, a torn end included
};

// "DIR/usage/2026-11.ledger".
std::string ledger_path(const std::string& data_dir, std::string_view month);

// Calls `on_record` for each good record in the order written; a month without a file has none.
Result<ReadSummary> read_usage(const std::string& data_dir, std::string_view month,
                               const std::function<void(const UsageRecord&)>& on_record);

}  // namespace lambent::telemetry
