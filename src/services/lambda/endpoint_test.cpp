// The service behind its generated protocol: statuses, headers and error bodies as they go over the wire.
#include "base/encoding.h"
#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Wire : public ServiceTest {
 protected:
  protocol::HttpReply send(std::string_view method, std::string_view path, std::string body = "",
                           std::vector<protocol::Header> headers = {}) {
    protocol::HttpRequest request;
    request.method = method;
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    request.query = question == std::string_view::npos ? "" : path.substr(question + 1);
    request.headers = headers;
    request.body = std::move(body);
    return t.run(endpoint->dispatch(call, std::move(request)));
  }
  static std::string header(const protocol::HttpReply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.headers) {
      if (protocol::same_header_name(key, name)) return value;
    }
    return "";
  }
  static std::string create_body(std::string_view more = "") {
    return R"({"FunctionName":"hello","Runtime":"python3.11","Handler":"app.handler",)"
           R"("Role":"arn:aws:iam::000000000000:role/any","Code":{"ZipFile":")" +
           base64_encode("PK code") + "\"}" + std::string(more) + "}";
  }

  std::unique_ptr<protocol::Endpoint> endpoint = api::make_endpoint(service);
};

TEST_F(Wire, CreateAnswers201WithTheConfiguration) {
  const auto reply = send("POST", "/2015-03-31/functions", create_body());
  EXPECT_EQ(reply.status, 201);
  EXPECT_TRUE(reply.body.contains(R"("FunctionArn":")" + kArn + "\"")) << reply.body;
  EXPECT_TRUE(reply.body.contains(R"("State":"Pending")")) << reply.body;
}

TEST_F(Wire, MembersAreCheckedAgainstTheModel) {
  const auto reply = send("POST", "/2015-03-31/functions", create_body(R"(,"Timeout":0)"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_TRUE(header(reply, "x-amzn-ErrorType").starts_with("ValidationException"));
  EXPECT_TRUE(reply.body.contains("1 validation error detected")) << reply.body;
  EXPECT_EQ(t.catalog->size(), 0U);
}

TEST_F(Wire, ErrorsCarryTheirTypeStatusAndMessage) {
  const auto reply = send("GET", "/2015-03-31/functions/none/configuration");
  EXPECT_EQ(reply.status, 404);
  EXPECT_TRUE(header(reply, "x-amzn-ErrorType").starts_with("ResourceNotFoundException"));
  EXPECT_TRUE(reply.body.contains(R"("Type":"User")")) << reply.body;
  EXPECT_TRUE(reply.body.contains("Function not found: arn:aws:lambda:us-east-1:000000000000:function:none"));
}

TEST_F(Wire, InvokeGivesTheRawPayloadAndItsHeaders) {
  ASSERT_EQ(send("POST", "/2015-03-31/functions", create_body()).status, 201);
  invoker.answer = invoke::Answer{.executed_version = "$LATEST",
                                  .payload = "{ \"errorMessage\": 1 }",
                                  .function_error = "Unhandled",
                                  .log_tail = "tail"};
  const std::string path = "/2015-03-31/functions/hello/invocations";
  const auto reply = send("POST", path, "{\"a\": 1}", {{"X-Amz-Log-Type", "Tail"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{ \"errorMessage\": 1 }");
  EXPECT_EQ(header(reply, "X-Amz-Function-Error"), "Unhandled");
  EXPECT_EQ(header(reply, "X-Amz-Log-Result"), base64_encode("tail"));
  EXPECT_EQ(header(reply, "X-Amz-Executed-Version"), "$LATEST");
  EXPECT_EQ(invoker.calls.at(0).payload, "{\"a\": 1}");
  EXPECT_EQ(send("POST", path, "{}", {{"X-Amz-Invocation-Type", "Event"}}).status, 202);
  EXPECT_EQ(send("POST", path, "{}", {{"X-Amz-Invocation-Type", "DryRun"}}).status, 204);
}

TEST_F(Wire, DeleteAnswers204AndThrottlingSaysWhy) {
  ASSERT_EQ(send("POST", "/2015-03-31/functions", create_body()).status, 201);
  invoker.answer = std::unexpected(invoke::InvokeError{invoke::InvokeError::Kind::throttled, ""});
  const auto throttled = send("POST", "/2015-03-31/functions/hello/invocations", "{}");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_TRUE(throttled.body.contains(R"("Reason":"ConcurrentInvocationLimitExceeded")")) << throttled.body;
  const auto deleted = send("DELETE", "/2015-03-31/functions/hello");
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.body, "");
}

TEST_F(Wire, UrlsAreConfiguredUnderTheirOwnPath) {
  ASSERT_EQ(send("POST", "/2015-03-31/functions", create_body()).status, 201);
  const auto created =
      send("POST", "/2021-10-31/functions/hello/url", R"({"AuthType":"NONE","Cors":{"AllowOrigins":["*"]}})");
  EXPECT_EQ(created.status, 201);
  EXPECT_TRUE(created.body.contains("\"FunctionUrl\":\"http://127.0.0.1:4566/lambda-url/")) << created.body;
  EXPECT_EQ(send("DELETE", "/2021-10-31/functions/hello/url").status, 204);
}

}  // namespace
}  // namespace lambent::services::lambda
