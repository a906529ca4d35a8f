// Timestamps as each wire format writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/shape.h"

namespace lambent::protocol {

// "2026-11-23T05:34:00Z", with milliseconds where there are some.
std::string format_iso8601(Timestamp time);
// Takes a fraction and an offset: "2026-11-23T05:34:00.123+01:00". Nothing where it is no such date.
std::optional<Timestamp> parse_iso8601(std::string_view text);

// "Mon, 23 Nov 2026 05:34:00 GMT", exactly this form.
std::string format_http_date(Timestamp time);
std::optional<Timestamp> parse_http_date(std::string_view text);

// Seconds with milliseconds as JSON has them: "1421866952.508".
std::string format_epoch(Timestamp time);
// Nothing beyond year 9999 or before 1970 by as much.
std::optional<Timestamp> epoch_time(double seconds);

// In the given format.
std::string format_time(Timestamp time, TimeFormat format);
std::optional<Timestamp> parse_time(std::string_view text, TimeFormat format);

}  // namespace lambent::protocol
