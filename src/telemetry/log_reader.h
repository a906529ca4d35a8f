// Reads what LogStore wrote, from any process, while it is being written.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::telemetry {

struct LogEvent {
  std::int64_t time_ms = 0;
  std::string stream;
  std::string text;
  bool platform = false;

  bool operator==(const LogEvent&) const = default;
};

// True where the server has written logs of such a function.
bool has_logs(const std::string& data_dir, std::string_view function);

// The last `lines` events, oldest first; fewer where there are not so many. Lines that are no events (torn by a
// crash) are left out.
Result<std::vector<LogEvent>> tail_log(const std::string& data_dir, std::string_view function, std::size_t lines);

// Gives each event written after its creation once, through rotations. Loses lines only where two rotations happen
// between two polls.
class LogFollower {
 public:
  LogFollower(const std::string& data_dir, std::string_view function);

  // The new events since the last poll.
  Result<std::vector<LogEvent>> poll();

 private:
  Result<> read_rest(std::vector<LogEvent>& out);

  std::string path_;  // current.log
  UniqueFd fd_;
  std::string partial_;
};

}  // namespace lambent::telemetry
