// What functions print, kept on disk: DIR/logs/<function>/current.log and previous.log, one JSON object a line:
//   {"t":1795412040123,"s":"2026/11/23/[$LATEST]0f…","m":"text"}         t: milliseconds since 1970
//   {"t":…,"s":"…","k":"platform","m":"START RequestId: …"}              a line of ours: output cannot pose as one
//
// Bounded everywhere: per function on disk (the older half goes first), per line, per second (bytes, and 128 more for
// each line, so that a flood of short lines is a flood too; what is over the rate is
// dropped, and a platform.logsDropped line says how much: once a second, and before each line of ours), in memory.
// Bytes that are no UTF-8 become U+FFFD.
//
// A full or broken disk never fails a call: lines are dropped and counted. Lines are buffered: the owner calls
// flush(function) at the end of each invocation and flush() every 100 ms. What was flushed survives kill -9.
//
// Thread safety: none; one event loop's thread. Readers (log_reader.h) are other processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"

namespace lambent::telemetry {

struct LogOptions {
  std::size_t bytes_per_function = 64 * kMiB;  // Limits::log_bytes_per_function
  std::size_t line_bytes = 256 * kKiB;         // Limits::log_line_bytes
  std::size_t bytes_per_second = 8 * kMiB;     // Limits::log_bytes_per_second
  std::size_t burst_bytes = 8 * kMiB;          // Limits::log_burst_bytes
};

class LogStore {
 public:
  // `clock` must outlive the store. Folders are made when first needed.
  LogStore(const std::string& data_dir, const Clock& clock, LogOptions options);
  // Flushes.
  ~LogStore();
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  // One line of a function's output, without its newline. False where it is over the rate: dropped and counted.
  bool append(std::string_view function, std::string_view stream, std::string_view line);

  // False where the function is over its rate: what it writes now would be dropped.
  bool has_room(std::string_view function);
  // Counts output that the caller dropped because there was no room.
  void count_dropped(std::string_view function, std::string_view stream, std::uint64_t lines, std::uint64_t bytes);

  // One line of ours (START, END, REPORT …): not subject to the rate.
  void append_platform(std::string_view function, std::string_view stream, std::string_view line);

  // Writes what is buffered, of one function or of all.
  void flush(std::string_view function);
  void flush();

  struct Counters {
    std::uint64_t lines = 0;               // accepted
    std::uint64_t dropped_lines = 0;       // over the rate
    std::uint64_t dropped_bytes = 0;       // of those
    std::uint64_t failed_writes = 0;       // disk full and the like
    std::uint64_t failed_write_bytes = 0;  // lost by them
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Journal {
    UniqueFd fd;           // current.log
    std::size_t size = 0;  // of current.log
    std::string buffer;    // encoded lines not yet written
    std::string stream;    // of the last line: a marker is written there
    double tokens = 0;     // bytes that may be accepted now
    Monotonic refilled{};
    Monotonic last_used{};
    std::uint64_t dropped_lines = 0;  // since the last marker
    std::uint64_t dropped_bytes = 0;
    Monotonic dropping_since{};
  };

  Journal& journal(std::string_view function);
  void close_idlest();
  bool take_tokens(Journal& journal, std::size_t bytes);
  void put(Journal& journal, std::string_view function, std::string_view stream, std::string_view line, bool platform);
  void count(Journal& journal, std::string_view stream, std::uint64_t lines, std::uint64_t bytes);
  void put_marker(Journal& journal, std::string_view function);
  void refill(Journal& journal);
  void write_out(Journal& journal, std::string_view function);
  bool open(Journal& journal, std::string_view function);
  void rotate(Journal& journal, std::string_view function);

  std::string folder_;
  const Clock* clock_;
  LogOptions options_;
  Counters counters_;
  std::map<std::string, Journal, std::less<>> journals_;
};

}  // namespace lambent::telemetry
