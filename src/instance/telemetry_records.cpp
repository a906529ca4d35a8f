#include "instance/telemetry_records.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.h"
#include "base/time_format.h"
#include "extensions/telemetry_feed.h"

namespace lambent::instance {
namespace {

// A JSON object, member by member.
class Record {
 public:
  Record& text(std::string_view name, std::string_view value) { return raw(name, json_string(value)); }
  Record& text_if(std::string_view name, std::string_view value) { return value.empty() ? *this : text(name, value); }
  Record& number(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  Record& milliseconds(std::string_view name, std::chrono::nanoseconds value) {
    return raw(name, fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(value).count()));
  }
  Record& raw(std::string_view name, std::string_view json) {
    text_ += fmt::format("{}\"{}\":{}", text_.empty() ? "{" : ",", name, json);
    return *this;
  }
  [[nodiscard]] std::string str() const { return (text_.empty() ? "{" : text_) + "}"; }

 private:
  std::string text_;
};

std::string tracing(std::string_view header) {
  return Record().text("type", "X-Amzn-Trace-Id").text("value", header).str();
}

std::string words(std::initializer_list<std::pair<bool, std::string_view>> list) {
  std::string out = "[";
  for (const auto& [is_in, word] : list) {
    if (is_in) out += fmt::format("{}\"{}\"", out.size() > 1 ? "," : "", word);
  }
  return out + "]";
}

}  // namespace

std::string_view status_word(telemetry::ReportStatus status) {
  switch (status) {
    case telemetry::ReportStatus::success:
      return "success";
    case telemetry::ReportStatus::timeout:
      return "timeout";
    case telemetry::ReportStatus::error:
      return "error";
  }
  return "error";
}

std::string init_start_record(const catalog::Function& function, std::string_view initialization_type,
                              std::string_view phase, std::string_view runtime_version, std::string_view instance) {
  return Record()
      .text("initializationType", initialization_type)
      .text("phase", phase)
      .text("runtimeVersion", runtime_version)
      .text("functionName", function.name)
      .text("functionVersion", function.version)
      .text("instanceId", instance)
      .number("instanceMaxMemory", function.memory_mb)
      .str();
}

std::string init_runtime_done_record(std::string_view initialization_type, std::string_view phase,
                                     std::string_view status, std::string_view error_type) {
  return Record()
      .text("initializationType", initialization_type)
      .text("phase", phase)
      .text("status", status)
      .text_if("errorType", error_type)
      .str();
}

std::string init_report_record(std::string_view initialization_type, std::string_view phase, std::string_view status,
                               std::string_view error_type, std::chrono::nanoseconds duration) {
  return Record()
      .text("initializationType", initialization_type)
      .text("phase", phase)
      .text("status", status)
      .text_if("errorType", error_type)
      .raw("metrics", Record().milliseconds("durationMs", duration).str())
      .str();
}

std::string start_record(std::string_view request_id, std::string_view version, std::string_view trace_header) {
  Record record;
  record.text("requestId", request_id).text("version", version);
  if (!trace_header.empty()) record.raw("tracing", tracing(trace_header));
  return record.str();
}

std::string runtime_done_record(std::string_view request_id, std::chrono::nanoseconds duration, std::string_view status,
                                std::string_view error_type, std::size_t produced_bytes) {
  return Record()
      .text("requestId", request_id)
      .text("status", status)
      .text_if("errorType", error_type)
      .raw("metrics", Record().milliseconds("durationMs", duration).number("producedBytes", produced_bytes).str())
      .str();
}

std::string report_record(const telemetry::InvocationReport& report, std::string_view status,
                          std::string_view error_type, std::uint32_t billed_ms,
                          const std::optional<ExtensionSpan>& extensions) {
  Record metrics;
  metrics.milliseconds("durationMs", report.duration)
      .number("billedDurationMs", billed_ms)
      .number("memorySizeMB", report.memory_size_mb)
      .number("maxMemoryUsedMB", report.max_memory_used_mb);
  if (report.init_duration) metrics.milliseconds("initDurationMs", *report.init_duration);
  if (report.restore) metrics.milliseconds("restoreDurationMs", report.restore->duration);
  Record record;
  record.text("requestId", report.request_id)
      .raw("metrics", metrics.str())
      .text("status", status)
      .text_if("errorType", error_type);
  if (extensions) {
    const std::string span = Record()
                                 .text("name", "extensionOverhead")
                                 .text("start", format_iso_millis(extensions->start))
                                 .milliseconds("durationMs", extensions->duration)
                                 .str();
    record.raw("spans", "[" + span + "]");
  }
  return record.str();
}

std::string extension_record(std::string_view name, std::string_view state, const extensions::Events& events,
                             std::string_view error_type) {
  return Record()
      .text("name", name)
      .text("state", state)
      .raw("events", words({{events.invoke, "INVOKE"}, {events.shutdown, "SHUTDOWN"}}))
      .text_if("errorType", error_type)
      .str();
}

std::string subscription_record(std::string_view name, const extensions::Subscription& subscription) {
  return Record()
      .text("name", name)
      .text("state", "Subscribed")
      .raw("types", words({{subscription.platform, "platform"},
                           {subscription.function, "function"},
                           {subscription.extension, "extension"}}))
      .str();
}

}  // namespace lambent::instance
