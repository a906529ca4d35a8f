#include "invoke/local_invoker.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "invoke/event_queue.h"
#include "invoke/lineage.h"

namespace lambent::invoke {
namespace {

std::unexpected<InvokeError> refuse(InvokeError::Kind kind, std::string message) {
  return std::unexpected(InvokeError{kind, std::move(message)});
}

telemetry::CallResult ledger_result(instance::Ending ending) {
  switch (ending) {
    case instance::Ending::success:
      return telemetry::CallResult::ok;
    case instance::Ending::function_error:
      return telemetry::CallResult::function_error;
    case instance::Ending::init_error:
      return telemetry::CallResult::init_error;
    case instance::Ending::timeout:
      return telemetry::CallResult::timeout;
    case instance::Ending::crash:
      return telemetry::CallResult::crash;
    case instance::Ending::out_of_memory:
      return telemetry::CallResult::out_of_memory;
    case instance::Ending::stopped:
      return telemetry::CallResult::platform_error;
  }
  return telemetry::CallResult::platform_error;
}

// X-Ray's form, https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
std::string make_trace_header(const Clock& clock, Random& random) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
  return fmt::format("Root=1-{:08x}-{};Parent={};Sampled=0", seconds, random.hex(12), random.hex(8));
}

}  // namespace

InvokeResult<void> LocalInvoker::admit(const Call& call) const {
  if (stopping_) return refuse(InvokeError::Kind::stopping, "The server is stopping");
  const catalog::Function& function = *call.function;
  if (function.state == "Pending" && catalog::has_snap_start(function)) {
    return refuse(InvokeError::Kind::snapshot_not_ready,
                  "Lambda is initializing your function. It will be ready to invoke once your function state becomes "
                  "ACTIVE.");
  }
  if (function.state != "Active") {
    return refuse(InvokeError::Kind::function_not_active,
                  fmt::format("The operation cannot be performed at this time. The function is currently in the "
                              "following state: {}",
                              function.state));
  }
  if (const auto runtime = parts_.runtimes.find(function.runtime); !runtime) {
    return refuse(InvokeError::Kind::runtime_unavailable, runtime.error());
  }
  return {};
}

InvokeResult<void> LocalInvoker::check(const Call& call) {
  return admit(call);
}

net::Task<InvokeResult<Answer>> LocalInvoker::invoke(Call call) {
  if (auto admitted = admit(call); !admitted) co_return std::unexpected(std::move(admitted).error());
  if (call.payload.size() > parts_.limits.sync_payload_bytes) {
    co_return refuse(InvokeError::Kind::request_too_large,
                     fmt::format("Request must be smaller than {} bytes for the InvokeFunction operation",
                                 parts_.limits.sync_payload_bytes));
  }
  const auto place = concurrency_.enter(call.function->name);
  if (!place) {
    co_return refuse(place.error() == Concurrency::Refusal::reserve ? InvokeError::Kind::throttled_by_reserve
                                                                    : InvokeError::Kind::throttled,
                     "Rate Exceeded.");
  }
  if (call.request_id.empty()) call.request_id = parts_.random.uuid();
  if (call.trace_header.empty()) call.trace_header = make_trace_header(parts_.clock, parts_.random);
  auto lineage = extend_lineage(call.trace_header, call.function->name);
  if (lineage.count > parts_.calls.recursion_depth && !may_recurse_.contains(call.function->name)) {
    co_return refuse(InvokeError::Kind::recursive_loop,
                     "Lambda has detected your function being invoked in a recursive loop with other Amazon Web "
                     "Services resources and stopped your function's invocation.");
  }

  in_flight_++;
  instance::CallToRun to_run{call.request_id,
                             std::move(call.payload),
                             std::move(call.client_context),
                             std::move(lineage.trace_header),
                             std::move(call.invoked_arn),
                             call.is_background,
                             std::move(call.stream)};
  auto outcome = co_await parts_.scheduler.run(call.function, to_run);
  in_flight_--;

  if (!outcome) {
    co_return refuse(stopping_ ? InvokeError::Kind::stopping : InvokeError::Kind::instance_unavailable,
                     outcome.error());
  }
  record(call, *outcome);
  if (outcome->ending == instance::Ending::stopped) {
    co_return refuse(InvokeError::Kind::stopping, "The server stopped before the function answered");
  }
  co_return Answer{std::move(call.request_id),         call.function->version,       std::move(outcome->payload),
                   std::move(outcome->function_error), std::move(outcome->log_tail), std::move(outcome->content_type)};
}

net::Task<InvokeResult<std::string>> LocalInvoker::enqueue(Call call) {
  if (auto admitted = admit(call); !admitted) co_return std::unexpected(std::move(admitted).error());
  if (call.payload.size() > parts_.limits.async_payload_bytes) {
    co_return refuse(InvokeError::Kind::request_too_large,
                     fmt::format("Request must be smaller than {} bytes for the InvokeFunction operation",
                                 parts_.limits.async_payload_bytes));
  }
  if (call.request_id.empty()) call.request_id = parts_.random.uuid();
  co_return co_await queue_->add(std::move(call));
}

void LocalInvoker::follow(const catalog::Entry& entry) {
  const auto& name = entry.latest->name;
  std::vector<scheduler::Scheduler::Provision> provisions;
  std::uint32_t provisioned = 0;
  for (const auto& [version, count] : entry.provisioned()) {
    provisions.push_back({entry.versions.at(version), count});
    provisioned += count;
  }
  concurrency_.set(name, entry.settings->reserved_concurrency, provisioned);
  parts_.scheduler.keep_ready(name, provisions);
  if (entry.settings->allows_recursion) {
    may_recurse_.insert(name);
  } else {
    may_recurse_.erase(name);
  }
}

void LocalInvoker::forget(const std::string& name) {
  concurrency_.forget(name);
  may_recurse_.erase(name);
}

std::expected<void, std::string> LocalInvoker::can_run(const std::string& runtime) const {
  if (const auto found = parts_.runtimes.find(runtime); !found) return std::unexpected(found.error());
  return {};
}

void LocalInvoker::expect(const std::string& runtime) {
  if (const auto found = parts_.runtimes.find(runtime)) parts_.scheduler.expect(*found);
}

void LocalInvoker::record(const Call& call, const instance::InvocationResult& result) {
  telemetry::UsageRecord usage;
  usage.billed_ms = result.billed_ms;
  if (result.init) {
    usage.init_ms = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(*result.init).count());
  }
  usage.result = ledger_result(result.ending);
  append(std::move(usage), *call.function, call.request_id);
}

void LocalInvoker::record_after_answer(const catalog::Function& function, const std::string& request_id,
                                       std::uint32_t billed_ms) {
  telemetry::UsageRecord usage;
  usage.billed_ms = billed_ms;
  usage.result = telemetry::CallResult::after_answer;
  append(std::move(usage), function, request_id);
}

// In the ledger before the answer leaves. A full disk does not fail a call that has run: the ledger counts the loss.
void LocalInvoker::append(telemetry::UsageRecord usage, const catalog::Function& function,
                          const std::string& request_id) {
  usage.time_ms = parts_.clock.wall_ms();
  usage.function = function.name;
  usage.version = function.version;
  usage.request_id = request_id;
  usage.memory_mb = function.memory_mb;
  usage.tmp_mb = function.ephemeral_storage_mb;
  usage.architecture =
      function.architecture == "arm64" ? telemetry::Architecture::arm64 : telemetry::Architecture::x86_64;
  if (const auto appended = parts_.ledger.append(usage); !appended) {
    log::error("usage of call {} is lost: {}", request_id, appended.error().message());
  }
}

}  // namespace lambent::invoke
