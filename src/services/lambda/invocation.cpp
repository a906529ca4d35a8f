// Invoke and InvokeAsync.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "base/encoding.h"
#include "invoke/streamed_call.h"
#include "protocol/event_stream.h"
#include "services/lambda/errors.h"
#include "services/lambda/json_text.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kClientContextBytes = 3583;  // of the header, in base64 (Invoke in the API reference)

// The JSON text in the header; empty where none was sent.
ApiResult<std::string> decode_client_context(const std::optional<std::string>& header) {
  if (!header || header->empty()) return std::string();
  auto text = base64_decode(*header);
  if (header->size() > kClientContextBytes || !text || !is_json_object(*text)) {
    return failure(
        api::InvalidRequestContentException{.message = "Client context must be a valid Base64-encoded JSON object."});
  }
  return std::move(*text);
}

// The events of InvokeWithResponseStream: PayloadChunk as often as the function sends, then InvokeComplete.
class InvokeEvents final : public protocol::BodySource {
 public:
  InvokeEvents(invoke::Invoker& invoker, std::uint64_t limit, bool with_tail)
      : call_(invoker, limit), with_tail_(with_tail) {}

  // Waits for the first of the answer, or the end. An error where the call could not be made.
  net::Task<invoke::InvokeResult<void>> start(invoke::Call call) {
    call_.start(std::move(call));
    first_ = co_await call_.next();
    if (first_ || call_.result()) co_return invoke::InvokeResult<void>();
    co_await call_.close();
    co_return std::unexpected(call_.result().error());
  }

  net::Task<std::optional<std::string>> next() override {
    if (is_over_) co_return std::nullopt;
    const auto piece = first_ ? std::exchange(first_, std::nullopt) : co_await call_.next();
    if (piece) co_return protocol::event_message("PayloadChunk", "application/octet-stream", *piece);
    is_over_ = true;
    co_return protocol::event_message("InvokeComplete", "application/json", completion());
  }

  net::Task<> close() override { return call_.close(); }

 private:
  std::string completion() {
    const auto& result = call_.result();
    boost::json::object complete;
    if (!result) {  // the instance was lost while it answered
      complete["ErrorCode"] = "ServiceException";
      complete["ErrorDetails"] = result.error().message;
      return boost::json::serialize(complete);
    }
    if (!result->function_error.empty()) {
      complete["ErrorCode"] = result->function_error;
      complete["ErrorDetails"] = result->payload;
    }
    if (with_tail_) complete["LogResult"] = base64_encode(result->log_tail);
    return boost::json::serialize(complete);
  }

  invoke::StreamedCall call_;
  bool with_tail_;
  std::optional<std::string> first_;
  bool is_over_ = false;
};

}  // namespace

ApiResult<void> LambdaService::check_payload(const std::string& payload, std::size_t limit) const {
  if (payload.size() > limit) return failure(payload_too_large(limit, "InvokeFunction"));
  if (const auto wrong = json_problem(payload)) {
    return failure(api::InvalidRequestContentException{
        .message =
            fmt::format("Could not parse request body into json: Could not parse payload into json: {}", *wrong)});
  }
  return {};
}

Answer<api::InvocationResponse> LambdaService::invoke(const CallContext& call, api::InvocationRequest request) {
  LAMBENT_CO_TRY(auto named, find_to_call(request.function_name, request.qualifier.value_or("")));
  const bool is_event = request.invocation_type == "Event";
  auto payload = std::move(request.payload).value_or("");
  if (payload.empty()) payload = "{}";
  const auto& limits = settings_.limits;
  LAMBENT_CO_TRY_VOID(check_payload(payload, is_event ? limits.async_payload_bytes : limits.sync_payload_bytes));
  LAMBENT_CO_TRY(auto client_context, decode_client_context(request.client_context));

  invoke::Call invocation{.function = std::move(named.function),
                          .invoked_arn = std::move(named.arn),
                          .payload = std::move(payload),
                          .client_context = std::move(client_context),
                          .trace_header = call.trace_header,
                          .request_id = call.request_id};
  if (request.invocation_type == "DryRun") {
    const auto possible = parts_.invoker.check(invocation);
    if (!possible) co_return failure(to_api_error(possible.error(), limits));
    api::InvocationResponse reply;
    reply.status_code = 204;
    co_return reply;
  }
  if (is_event) co_return co_await run_event(std::move(invocation));
  co_return co_await run_call(std::move(invocation), request.log_type == "Tail");
}

Answer<api::InvocationResponse> LambdaService::run_event(invoke::Call call) {
  const auto queued = co_await parts_.invoker.enqueue(std::move(call));
  if (!queued) co_return failure(to_api_error(queued.error(), settings_.limits));
  api::InvocationResponse reply;
  reply.status_code = 202;
  co_return reply;
}

Answer<api::InvocationResponse> LambdaService::run_call(invoke::Call call, bool with_tail) {
  auto answer = co_await parts_.invoker.invoke(std::move(call));
  if (!answer) co_return failure(to_api_error(answer.error(), settings_.limits));
  api::InvocationResponse reply;
  reply.status_code = 200;
  reply.payload = std::move(answer->payload);
  reply.executed_version = std::move(answer->executed_version);
  if (!answer->function_error.empty()) reply.function_error = std::move(answer->function_error);
  if (with_tail) reply.log_result = base64_encode(answer->log_tail);
  co_return reply;
}

Answer<api::InvokeWithResponseStreamResponse> LambdaService::invoke_with_response_stream(
    const CallContext& call, api::InvokeWithResponseStreamRequest request) {
  LAMBENT_CO_TRY(auto named, find_to_call(request.function_name, request.qualifier.value_or("")));
  auto payload = std::move(request.payload).value_or("");
  if (payload.empty()) payload = "{}";
  LAMBENT_CO_TRY_VOID(check_payload(payload, settings_.limits.sync_payload_bytes));
  LAMBENT_CO_TRY(auto client_context, decode_client_context(request.client_context));
  api::InvokeWithResponseStreamResponse reply;
  reply.executed_version = named.function->version;
  invoke::Call invocation{.function = std::move(named.function),
                          .invoked_arn = std::move(named.arn),
                          .payload = std::move(payload),
                          .client_context = std::move(client_context),
                          .trace_header = call.trace_header,
                          .request_id = call.request_id};
  if (request.invocation_type == "DryRun") {
    const auto possible = parts_.invoker.check(invocation);
    if (!possible) co_return failure(to_api_error(possible.error(), settings_.limits));
    reply.status_code = 204;
    co_return reply;
  }
  auto events =
      std::make_shared<InvokeEvents>(parts_.invoker, settings_.calls.streamed_bytes, request.log_type == "Tail");
  const auto started = co_await events->start(std::move(invocation));
  if (!started) co_return failure(to_api_error(started.error(), settings_.limits));
  reply.status_code = 200;
  reply.event_stream = std::move(events);
  co_return reply;
}

Answer<api::InvokeAsyncResponse> LambdaService::invoke_async(const CallContext& call, api::InvokeAsyncRequest request) {
  LAMBENT_CO_TRY(auto named, find_to_call(request.function_name, ""));
  LAMBENT_CO_TRY_VOID(check_payload(request.invoke_args, settings_.limits.async_payload_bytes));
  invoke::Call invocation{.function = std::move(named.function),
                          .invoked_arn = std::move(named.arn),
                          .payload = std::move(request.invoke_args),
                          .client_context = {},
                          .trace_header = call.trace_header,
                          .request_id = call.request_id};
  const auto queued = co_await parts_.invoker.enqueue(std::move(invocation));
  if (!queued) co_return failure(to_api_error(queued.error(), settings_.limits));
  api::InvokeAsyncResponse reply;
  reply.status = 202;
  co_return reply;
}

}  // namespace lambent::services::lambda
