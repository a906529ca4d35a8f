#include "telemetry/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::telemetry {
namespace {

double milliseconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

std::string_view status_text(ReportStatus status) {
  return status == ReportStatus::timeout ? "timeout" : "error";
}

}  // namespace

std::uint32_t billed_ms(std::chrono::nanoseconds duration, std::optional<std::chrono::nanoseconds> init_duration) {
  const auto whole = duration + init_duration.value_or(std::chrono::nanoseconds(0));
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(whole).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(rounded_up, 1, UINT32_MAX));
}

std::uint32_t billed_ms(std::chrono::nanoseconds duration, const Restore& restore) {
  return billed_ms(duration) + billed_ms(restore.billed);
}

std::string restore_start_line(std::string_view runtime, std::string_view runtime_version) {
  return fmt::format("RESTORE_START Runtime Version: {}{}{}", runtime, runtime_version.empty() ? "" : ":",
                     runtime_version);
}

std::string restore_report_line(std::chrono::nanoseconds duration) {
  return fmt::format("RESTORE_REPORT Restore Duration: {:.2f} ms", milliseconds(duration));
}

std::string init_start_line(std::string_view runtime, std::string_view runtime_version) {
  return fmt::format("INIT_START Runtime Version: {}{}{}", runtime, runtime_version.empty() ? "" : ":",
                     runtime_version);
}

std::string start_line(std::string_view request_id, std::string_view version) {
  return fmt::format("START RequestId: {} Version: {}", request_id, version);
}

std::string end_line(std::string_view request_id) {
  return fmt::format("END RequestId: {}", request_id);
}

std::string report_line(const InvocationReport& report) {
  std::string line = fmt::format(
      "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
      report.request_id, milliseconds(report.duration),
      report.restore ? billed_ms(report.duration, *report.restore) : billed_ms(report.duration, report.init_duration),
      report.memory_size_mb, report.max_memory_used_mb);
  if (report.init_duration) line += fmt::format("Init Duration: {:.2f} ms\t", milliseconds(*report.init_duration));
  if (report.restore) {
    line += fmt::format("Restore Duration: {:.2f} ms\tBilled Restore Duration: {} ms\t",
                        milliseconds(report.restore->duration), billed_ms(report.restore->billed));
  }
  if (report.status != ReportStatus::success) line += fmt::format("Status: {}\t", status_text(report.status));
  if (!report.error_type.empty()) line += fmt::format("Error Type: {}\t", report.error_type);
  if (report.cold_start) line += cold_start_text(*report.cold_start) + "\t";
  return line;
}

std::string init_report_line(const InitReport& report) {
  std::string line =
      fmt::format("INIT_REPORT Init Duration: {:.2f} ms\tPhase: {}", milliseconds(report.duration), report.phase);
  if (report.status != ReportStatus::success) line += fmt::format("\tStatus: {}", status_text(report.status));
  if (!report.error_type.empty()) line += fmt::format("\tError Type: {}", report.error_type);
  return line;
}

std::string log_stream_name(std::string_view date, std::string_view version, std::string_view id) {
  return fmt::format("{}/[{}]{}", date, version, id);
}

std::string log_group_name(std::string_view function) {
  return fmt::format("/aws/lambda/{}", function);
}

}  // namespace lambent::telemetry
