// The platform's own lines around a function's output, in the form of AWS Lambda's text logs ("Understanding the
// CloudWatch log format", AWS Lambda Developer Guide). Lines have no newline at their end.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/cold_start.h"

namespace lambent::telemetry {

enum class ReportStatus {
  success,  // no Status field
  timeout,
  error,
};

// What a snapshot start cost: in all, and of it what the function's own hooks took, which is billed.
struct Restore {
  std::chrono::nanoseconds duration{};
  std::chrono::nanoseconds billed{};
};

// What REPORT says of one invocation.
struct InvocationReport {
  std::string request_id;
  std::chrono::nanoseconds duration{};
  std::optional<std::chrono::nanoseconds> init_duration;  // the call that INIT was run for
  std::optional<Restore> restore;                         // the call that a snapshot was restored for
  std::uint32_t memory_size_mb = 128;
  std::uint32_t max_memory_used_mb = 0;
  ReportStatus status = ReportStatus::success;
  std::string error_type;  // "Runtime.ExitError"; empty: no Error Type field
  // Behind all of AWS's fields; the first answer of an instance has it.
  std::optional<ColdStart> cold_start;
};

// What INIT_REPORT says of an INIT that failed or ran out of time.
struct InitReport {
  std::chrono::nanoseconds duration{};
  std::string_view phase = "init";  // "invoke" where INIT was run again within a call
  ReportStatus status = ReportStatus::error;
  std::string error_type;
};

// Duration and INIT together, rounded up to the millisecond; at least 1.
std::uint32_t billed_ms(std::chrono::nanoseconds duration,
                        std::optional<std::chrono::nanoseconds> init_duration = std::nullopt);
// The same of a call that a snapshot was restored for: each rounded up by itself.
std::uint32_t billed_ms(std::chrono::nanoseconds duration, const Restore& restore);

// "python3.11", and the version of the runtime client.
std::string init_start_line(std::string_view runtime, std::string_view runtime_version);
std::string restore_start_line(std::string_view runtime, std::string_view runtime_version);
std::string restore_report_line(std::chrono::nanoseconds duration);
std::string start_line(std::string_view request_id, std::string_view version);
std::string end_line(std::string_view request_id);
std::string report_line(const InvocationReport& report);
std::string init_report_line(const InitReport& report);

// "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"; `id` is 32 hexadecimal digits, `date` is
// base/time_format.h's format_log_stream_date.
std::string log_stream_name(std::string_view date, std::string_view version, std::string_view id);
// "/aws/lambda/<function>".
std::string log_group_name(std::string_view function);

}  // namespace lambent::telemetry
