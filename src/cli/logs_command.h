// `lambent logs NAME`: what a function printed, with the platform's START, END and REPORT lines.
#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "telemetry/log_reader.h"

namespace lambent::cli {

struct LogsOptions {
  std::string data_dir;
  std::string function;
  std::size_t lines = 100;
  bool follow = false;
  // Control characters are shown as \xNN: output must not steer the terminal it is read on.
  bool escape = false;
};

// Between two looks for new lines while following; false ends it.
using Pause = std::function<bool()>;

int run_logs(const LogsOptions& options, const Pause& pause, std::ostream& out, std::ostream& err);

// "2026-11-23T05:34:00.123Z text". A line of the function's that reads like one of the platform's is marked
// "[function] ", so that START, END and REPORT without a mark are true.
std::string log_line(const telemetry::LogEvent& event, bool escape);

}  // namespace lambent::cli
