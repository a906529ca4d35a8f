// What one instance leaves in the log: the function's lines and the platform's around them, all in the instance's own
// stream, and the tail of the call that runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/function.h"
#include "extensions/extension_request.h"
#include "extensions/subscription.h"
#include "extensions/telemetry_feed.h"
#include "instance/invocation_result.h"
#include "instance/log_pump.h"
#include "instance/telemetry_records.h"
#include "telemetry/log_store.h"
#include "telemetry/log_tail.h"

namespace lambent::instance {

class InstanceLog final : public LineSink {
 public:
  // `store` and `function` must outlive it.
  InstanceLog(telemetry::LogStore& store, const Clock& clock, Random& random, const catalog::Function& function,
              std::size_t tail_bytes);

  // "2026/11/23/[$LATEST]<32 hexadecimal digits>": AWS_LAMBDA_LOG_STREAM_NAME.
  [[nodiscard]] const std::string& stream() const { return stream_; }

  // What is logged goes to this one too, from now on. It must outlive the log.
  void feed(extensions::TelemetryFeed& feed) { feed_ = &feed; }

  // `initialization_type`: as AWS_LAMBDA_INITIALIZATION_TYPE has it. `in_call`: INIT is run again, within a call.
  void init_start(std::string_view runtime, std::string_view initialization_type, bool in_call);
  void runtime_initialized();
  void initialized(std::chrono::nanoseconds spent);
  void restore_start(std::string_view runtime);
  void restored(std::chrono::nanoseconds spent);
  void init_failed(std::chrono::nanoseconds spent, bool timed_out, std::string_view error_type);
  void begin_call(std::string_view request_id, std::string_view trace_header);
  void extension(std::string_view name, std::string_view state, const extensions::Events& events,
                 std::string_view error_type);
  void subscribed(std::string_view name, const extensions::Subscription& subscription);
  // One line of the platform's own.
  void platform_line(std::string_view text);
  // The runtime has answered, or will not. end_call() follows, at once or when extensions are done; what was logged of
  // the call so far is on disk when either returns.
  void runtime_done(std::string_view request_id, const InvocationResult& result);
  void flush() { store_.flush(function_.name); }
  // END and REPORT. `extensions`: what these took after the answer, where they did; contained in the result's duration.
  void end_call(std::string_view request_id, const InvocationResult& result,
                const std::optional<ExtensionSpan>& extensions = {});
  // The last bytes of the call that began last, START to REPORT.
  [[nodiscard]] std::string tail() const { return tail_.text(); }

  // What the function wrote.
  bool has_room() override { return store_.has_room(function_.name); }
  bool line(std::string_view text) override;
  // The same of an extension.
  bool extension_line(std::string_view text);
  void dropped(std::uint64_t lines, std::uint64_t bytes) override {
    store_.count_dropped(function_.name, stream_, lines, bytes);
  }

 private:
  telemetry::LogStore& store_;
  const catalog::Function& function_;
  std::string stream_;
  telemetry::LogTail tail_;
  extensions::TelemetryFeed* feed_ = nullptr;
  std::string initialization_type_;
  std::string_view phase_ = "init";
};

}  // namespace lambent::instance
