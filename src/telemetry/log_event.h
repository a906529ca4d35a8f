// One event as a line of a log file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "telemetry/log_reader.h"

namespace lambent::telemetry {

// Appends the event's JSON object and a newline. Bytes that are no UTF-8 become U+FFFD; control characters are
// escaped, so an event is always one line.
void append_event_line(std::string& out, std::int64_t time_ms, std::string_view stream, std::string_view text,
                       bool platform);

// Nothing where the line is no such object.
std::optional<LogEvent> parse_event_line(std::string_view line);

}  // namespace lambent::telemetry
