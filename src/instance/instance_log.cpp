#include "instance/instance_log.h"

#include <fmt/format.h>

#include "base/time_format.h"
#include "instance/telemetry_records.h"
#include "telemetry/report.h"

namespace lambent::instance {
namespace {

constexpr std::string_view kClientVersion = "lambent";

std::string_view events_text(const extensions::Events& events) {
  if (events.invoke && events.shutdown) return "INVOKE, SHUTDOWN";
  return events.invoke ? "INVOKE" : events.shutdown ? "SHUTDOWN" : "";
}

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
  if (feed_ != nullptr) feed_->line(extensions::TelemetryKind::function, text);
  if (!store_.append(function_.name, stream_, text)) return false;
  tail_.append(text);
  return true;
}

bool InstanceLog::extension_line(std::string_view text) {
  if (feed_ != nullptr) feed_->line(extensions::TelemetryKind::extension, text);
  if (!store_.append(function_.name, stream_, text)) return false;
  tail_.append(text);
  return true;
}

void InstanceLog::platform_line(std::string_view text) {
  store_.append_platform(function_.name, stream_, text);
  tail_.append(text);
}

void InstanceLog::init_start(std::string_view runtime, std::string_view initialization_type, bool in_call) {
  phase_ = in_call ? "invoke" : "init";
  platform_line(telemetry::init_start_line(runtime, kClientVersion));
  initialization_type_ = initialization_type;
  if (feed_ == nullptr) return;
  const std::string version = fmt::format("{}:{}", runtime, kClientVersion);
  feed_->platform("platform.initStart", init_start_record(function_, initialization_type, phase_, version, stream_),
                  {});
}

void InstanceLog::runtime_initialized() {
  if (feed_ == nullptr) return;
  feed_->platform("platform.initRuntimeDone", init_runtime_done_record(initialization_type_, phase_, "success", {}),
                  {});
}

void InstanceLog::initialized(std::chrono::nanoseconds spent) {
  if (feed_ == nullptr) return;
  feed_->platform("platform.initReport", init_report_record(initialization_type_, phase_, "success", {}, spent), {});
}

void InstanceLog::extension(std::string_view name, std::string_view state, const extensions::Events& events,
                            std::string_view error_type) {
  std::string line = fmt::format("EXTENSION\tName: {}\tState: {}\tEvents: [{}]", name, state, events_text(events));
  if (!error_type.empty()) line += fmt::format("\tError Type: {}", error_type);
  platform_line(line);
  if (feed_ == nullptr) return;
  feed_->platform("platform.extension", extension_record(name, state, events, error_type), "platform.extension");
}

void InstanceLog::subscribed(std::string_view name, const extensions::Subscription& subscription) {
  const bool is_logs = subscription.api == extensions::TelemetryApi::logs;
  platform_line(fmt::format("{}\tName: {}\tState: Subscribed\tTypes: [{}]", is_logs ? "LOGS" : "TELEMETRY", name,
                            subscription.types_text()));
  if (feed_ == nullptr) return;
  const std::string record = subscription_record(name, subscription);
  feed_->platform(is_logs ? "" : "platform.telemetrySubscription", record, is_logs ? "platform.logsSubscription" : "");
}

void InstanceLog::restore_start(std::string_view runtime) {
  platform_line(telemetry::restore_start_line(runtime, kClientVersion));
}

void InstanceLog::restored(std::chrono::nanoseconds spent) {
  platform_line(telemetry::restore_report_line(spent));
}

void InstanceLog::init_failed(std::chrono::nanoseconds spent, bool timed_out, std::string_view error_type) {
  telemetry::InitReport report;
  report.phase = phase_;
  report.duration = spent;
  report.status = timed_out ? telemetry::ReportStatus::timeout : telemetry::ReportStatus::error;
  report.error_type = error_type;
  platform_line(telemetry::init_report_line(report));
  if (feed_ != nullptr) {
    const auto status = status_word(report.status);
    feed_->platform("platform.initRuntimeDone",
                    init_runtime_done_record(initialization_type_, phase_, status, error_type), {});
    feed_->platform("platform.initReport", init_report_record(initialization_type_, phase_, status, error_type, spent),
                    {});
  }
  store_.flush(function_.name);
}

void InstanceLog::begin_call(std::string_view request_id, std::string_view trace_header) {
  tail_.clear();
  platform_line(telemetry::start_line(request_id, function_.version));
  if (feed_ == nullptr) return;
  feed_->platform("platform.start", start_record(request_id, function_.version, trace_header), "platform.start");
}

void InstanceLog::runtime_done(std::string_view request_id, const InvocationResult& result) {
  if (feed_ == nullptr) return;
  const auto status = status_of(result.ending);
  std::string_view word = result.ending == Ending::function_error ? "error" : status_word(status);
  if (status == telemetry::ReportStatus::error) word = "failure";
  feed_->platform("platform.runtimeDone",
                  runtime_done_record(request_id, result.duration, word, result.error_type, result.payload.size()),
                  "platform.runtimeDone");
}

void InstanceLog::end_call(std::string_view request_id, const InvocationResult& result,
                           const std::optional<ExtensionSpan>& extensions) {
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
  if (feed_ != nullptr) {
    const auto status = result.ending == Ending::function_error ? "error" : status_word(report.status);
    feed_->platform({}, fmt::format(R"({{"requestId":"{}"}})", report.request_id), "platform.end");
    feed_->platform("platform.report", report_record(report, status, result.error_type, result.billed_ms, extensions),
                    "platform.report");
  }
  flush();
}

}  // namespace lambent::instance
