#include "instance/instance_log.h"

#include "base/time_format.h"
#include "telemetry/report.h"

namespace lambent::instance {
namespace {

constexpr std::string_view kClientVersion = "lambent";

telemetry::ReportStatus status_of(Ending ending) {
  switch (ending) {
    case Ending::success:
    case Ending::function_error:  // the function itself ran to its end: AWS reports no status for it
      return telemetry::ReportStatus::success;
    case Ending::timeout:
      return telemetry::ReportStatus::timeout;
    case Ending::init_error:
    case Ending::crash:
    case Ending::out_of_memory:
    case Ending::stopped:
      return telemetry::ReportStatus::error;
  }
  return telemetry::ReportStatus::error;
}

}  // namespace

InstanceLog::InstanceLog(telemetry::LogStore& store, const Clock& clock, Random& random,
                         const catalog::Function& function, std::size_t tail_bytes)
    : store_(store),
      function_(function),
      stream_(telemetry::log_stream_name(format_log_stream_date(clock.wall()), function.version, random.hex(16))),
      tail_(tail_bytes) {}

bool InstanceLog::line(std::string_view text) {
  if (!store_.append(function_.name, stream_, text)) return false;
  tail_.append(text);
  return true;
}

void InstanceLog::platform_line(std::string_view text) {
  store_.append_platform(function_.name, stream_, text);
  tail_.append(text);
}

void InstanceLog::init_start(std::string_view runtime) {
  platform_line(telemetry::init_start_line(runtime, kClientVersion));
}

void InstanceLog::restore_start(std::string_view runtime) {
  platform_line(telemetry::restore_start_line(runtime, kClientVersion));
}

void InstanceLog::restored(std::chrono::nanoseconds spent) {
  platform_line(telemetry::restore_report_line(spent));
}

void InstanceLog::init_failed(std::chrono::nanoseconds spent, bool timed_out, std::string_view error_type) {
  telemetry::InitReport report;
  report.duration = spent;
  report.status = timed_out ? telemetry::ReportStatus::timeout : telemetry::ReportStatus::error;
  report.error_type = error_type;
  platform_line(telemetry::init_report_line(report));
  store_.flush(function_.name);
}

void InstanceLog::begin_call(std::string_view request_id) {
  tail_.clear();
  platform_line(telemetry::start_line(request_id, function_.version));
}

void InstanceLog::end_call(std::string_view request_id, const InvocationResult& result) {
  platform_line(telemetry::end_line(request_id));
  telemetry::InvocationReport report;
  report.request_id = request_id;
  report.duration = result.duration;
  report.init_duration = result.init;
  report.restore = result.restore;
  report.memory_size_mb = function_.memory_mb;
  report.max_memory_used_mb = result.memory_used_mb;
  report.status = status_of(result.ending);
  if (report.status == telemetry::ReportStatus::error) report.error_type = result.error_type;
  report.cold_start = result.cold_start;
  platform_line(telemetry::report_line(report));
  store_.flush(function_.name);
}

}  // namespace lambent::instance
