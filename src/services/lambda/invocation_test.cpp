#include "base/encoding.h"
#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Invocation : public ServiceTest {
 protected:
  Invocation() { EXPECT_TRUE(create(new_function())); }
  auto invoke(api::InvocationRequest request) {
    if (request.function_name.empty()) request.function_name = "hello";
    return t.run(service.invoke(call, std::move(request)));
  }
  auto invoke_payload(std::string payload, std::optional<std::string> type = {}) {
    return invoke({.invocation_type = std::move(type), .payload = std::move(payload)});
  }
};

TEST_F(Invocation, HandsThePayloadOverByteForByteAndAnswers) {
  invoker.answer = invoke::Answer{.request_id = "request-1", .executed_version = "$LATEST", .payload = "\"out\""};
  const auto reply = invoke_payload("{\"a\" : 1 }");
  ASSERT_TRUE(reply) << outcome(reply);
  EXPECT_EQ(reply->status_code, 200);
  EXPECT_EQ(reply->payload, "\"out\"");
  EXPECT_EQ(reply->executed_version, "$LATEST");
  EXPECT_FALSE(reply->function_error);
  EXPECT_FALSE(reply->log_result);
  ASSERT_EQ(invoker.calls.size(), 1U);
  EXPECT_EQ(invoker.calls[0].payload, "{\"a\" : 1 }");
  EXPECT_EQ(invoker.calls[0].invoked_arn, kArn);
  EXPECT_EQ(invoker.calls[0].request_id, "request-1");
}

TEST_F(Invocation, TakesNoPayloadForAnEmptyObject) {
  ASSERT_TRUE(invoke({}));
  EXPECT_EQ(invoker.calls.at(0).payload, "{}");
}

TEST_F(Invocation, ShowsErrorsOfTheFunctionAsSuccess) {
  invoker.answer = invoke::Answer{.payload = "{\"errorMessage\":\"x\"}", .function_error = "Unhandled"};
  const auto reply = invoke_payload("{}");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status_code, 200);
  EXPECT_EQ(reply->function_error, "Unhandled");
}

TEST_F(Invocation, GivesTheTailWhereItIsAskedFor) {
  invoker.answer = invoke::Answer{.log_tail = "START\nEND\n"};
  EXPECT_EQ(invoke({.log_type = "Tail"})->log_result, base64_encode("START\nEND\n"));
  EXPECT_FALSE(invoke({.log_type = "None"})->log_result);
}

TEST_F(Invocation, QueuesEvents) {
  const auto reply = invoke_payload("{}", "Event");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status_code, 202);
  EXPECT_EQ(invoker.events.size(), 1U);
  EXPECT_TRUE(invoker.calls.empty());
  const auto legacy = t.run(service.invoke_async(call, {.function_name = "hello", .invoke_args = "{}"}));
  ASSERT_TRUE(legacy);
  EXPECT_EQ(legacy->status, 202);
  EXPECT_EQ(invoker.events.size(), 2U);
}

TEST_F(Invocation, ChecksOnlyInADryRun) {
  const auto reply = invoke_payload("{}", "DryRun");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status_code, 204);
  EXPECT_TRUE(invoker.calls.empty());
  invoker.checked = std::unexpected(invoke::InvokeError{invoke::InvokeError::Kind::code_unavailable, "gone"});
  EXPECT_EQ(outcome(invoke_payload("{}", "DryRun")), "502 InvalidZipFileException: gone");
}

TEST_F(Invocation, RefusesPayloadsThatAreNoJson) {
  for (const char* payload : {"not json", "{\"a\":", "{} x", "\xff"}) {
    const auto said = outcome(invoke_payload(payload));
    EXPECT_TRUE(said.starts_with("400 InvalidRequestContentException: Could not parse request body into json: "))
        << said;
  }
  EXPECT_TRUE(invoker.calls.empty());
}

TEST_F(Invocation, RefusesPayloadsOverTheLimit) {
  const auto sized = [](std::size_t size) { return "\"" + std::string(size - 2, 'x') + "\""; };
  EXPECT_EQ(outcome(invoke_payload(sized(6 * kMiB))), "ok");
  EXPECT_EQ(
      outcome(invoke_payload(sized(6 * kMiB + 1))),
      "413 RequestTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation");
  EXPECT_EQ(outcome(invoke_payload(sized(1 * kMiB), "Event")), "ok");
  EXPECT_EQ(
      outcome(invoke_payload(sized(1 * kMiB + 1), "Event")),
      "413 RequestTooLargeException: Request must be smaller than 1048576 bytes for the InvokeFunction operation");
}

TEST_F(Invocation, DecodesTheClientContext) {
  ASSERT_TRUE(invoke({.client_context = base64_encode("{\"custom\":{}}")}));
  EXPECT_EQ(invoker.calls.at(0).client_context, "{\"custom\":{}}");
  for (const auto& wrong : {std::string("%%%"), base64_encode("[]"), base64_encode("{"),
                            base64_encode("{\"a\":\"" + std::string(4000, 'x') + "\"}")}) {
    EXPECT_EQ(outcome(invoke({.client_context = wrong})),
              "400 InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object.");
  }
}

TEST_F(Invocation, FindsNothingButLatest) {
  EXPECT_EQ(outcome(invoke({.qualifier = "$LATEST"})), "ok");
  EXPECT_EQ(invoker.calls.at(0).invoked_arn, kArn + ":$LATEST");
  EXPECT_EQ(outcome(invoke({.qualifier = "1"})), kNotFound + kArn + ":1");
  EXPECT_EQ(outcome(invoke({.function_name = "none"})),
            kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:none");
  EXPECT_EQ(outcome(invoke({.function_name = "hello:$LATEST", .qualifier = "live"})),
            invalid("The derived qualifier from the function name does not match the specified qualifier."));
}

TEST_F(Invocation, SaysWhyACallCouldNotRun) {
  using Kind = invoke::InvokeError::Kind;
  const std::pair<Kind, std::string> cases[] = {
      {Kind::throttled, "429 TooManyRequestsException: Rate Exceeded."},
      {Kind::function_not_active, "409 ResourceConflictException: why"},
      {Kind::snapshot_not_ready, "409 SnapStartNotReadyException: why"},
      {Kind::runtime_unavailable, "502 InvalidRuntimeException: why"},
      {Kind::instance_unavailable, "500 ServiceException: An error occurred and the request cannot be processed."},
      {Kind::stopping, "503 ServiceException: The server is shutting down."}};
  for (const auto& [kind, expected] : cases) {
    invoker.answer = std::unexpected(invoke::InvokeError{kind, "why"});
    EXPECT_EQ(outcome(invoke({})), expected);
  }
}

}  // namespace
}  // namespace lambent::services::lambda
