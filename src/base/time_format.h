// Dates as AWS writes them. All in UTC.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace lambent {

// "2026-11-23T05:34:00.123+0000": Lambda's LastModified and Date fields.
std::string format_lambda_time(Wall time);
// "2026-11-23T05:34:00.123Z".
std::string format_iso_millis(Wall time);
// "20261123T053400Z": X-Amz-Date.
std::string format_amz_date(Wall time);
// "Mon, 23 Nov 2026 05:34:00 GMT": the Date header (RFC 9110).
std::string format_http_date(Wall time);
// "2026/11/23": the start of a log stream's name.
std::string format_log_stream_date(Wall time);
// "2026-11": the ledger's month.
std::string format_month(Wall time);

// Reads "20261123T053400Z"; nothing where the text is not exactly of that form, no real date, or not of the
// years 1970 to 2261.
std::optional<Wall> parse_amz_date(std::string_view text);

}  // namespace lambent
