// The records of platform events, as the Telemetry API shows them (schema 2022-12-13,
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html). All are JSON texts.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/function.h"
#include "extensions/extension_request.h"
#include "extensions/subscription.h"
#include "telemetry/report.h"

namespace lambent::instance {

// AWS's words for how a phase ended.
std::string_view status_word(telemetry::ReportStatus status);

// `initialization_type`: on-demand or provisioned-concurrency. `phase`: init, or invoke where it is run again within a
// call. `instance`: names it, as its log stream does.
std::string init_start_record(const catalog::Function& function, std::string_view initialization_type,
                              std::string_view phase, std::string_view runtime_version, std::string_view instance);
// Where `error_type` is empty there is none.
std::string init_runtime_done_record(std::string_view initialization_type, std::string_view phase,
                                     std::string_view status, std::string_view error_type);
std::string init_report_record(std::string_view initialization_type, std::string_view phase, std::string_view status,
                               std::string_view error_type, std::chrono::nanoseconds duration);
std::string start_record(std::string_view request_id, std::string_view version, std::string_view trace_header);
std::string runtime_done_record(std::string_view request_id, std::chrono::nanoseconds duration, std::string_view status,
                                std::string_view error_type, std::size_t produced_bytes);

// What extensions took after a call's answer: AWS's span extensionOverhead.
struct ExtensionSpan {
  Wall start;
  std::chrono::nanoseconds duration{};
};
std::string report_record(const telemetry::InvocationReport& report, std::string_view status,
                          std::string_view error_type, std::uint32_t billed_ms,
                          const std::optional<ExtensionSpan>& extensions);
std::string extension_record(std::string_view name, std::string_view state, const extensions::Events& events,
                             std::string_view error_type);
std::string subscription_record(std::string_view name, const extensions::Subscription& subscription);

}  // namespace lambent::instance
