#include "triggers/function_url.h"

#include <gtest/gtest.h>

#include "catalog/test_catalog.h"
#include "identity/presign.h"

namespace lambent::triggers {
namespace {

const std::string kId = "abcdefghijklmnopqrstuvwxyz234567";

class FakeInvoker final : public invoke::Invoker {
 public:
  net::Task<invoke::InvokeResult<invoke::Answer>> invoke(invoke::Call call) override {
    calls.push_back(std::move(call));
    co_return answer;
  }
  net::Task<invoke::InvokeResult<std::string>> enqueue(invoke::Call) override { co_return "never"; }
  invoke::InvokeResult<void> check(const invoke::Call&) override { return {}; }
  void retire(const catalog::Function&) override {}
  void follow(const catalog::Entry&) override {}
  void forget(const std::string&) override {}
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr) override {
    co_return instance::SnapshotOutcome{};
  }
  [[nodiscard]] scheduler::Readiness readiness(const catalog::Function&) const override { return {}; }

  std::vector<invoke::Call> calls;
  invoke::InvokeResult<invoke::Answer> answer = invoke::Answer{.payload = "\"hello\""};
};

class FunctionUrlTest : public testing::Test {
 protected:
  FunctionUrlTest() {
    function_.url.emplace();
    function_.url->url_id = kId;
    function_.url->auth_type = "NONE";
    t.put_function(function_);
  }

  static edge::RequestHead head(std::string method, std::string target) {
    edge::RequestHead head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.headers.add("Host", kId + ".lambda-url.us-east-1.localhost:4566");
    return head;
  }
  edge::Response respond(const edge::RequestHead& request, std::string body = "") {
    const auto match = FunctionUrls::match(request);
    EXPECT_TRUE(match);
    return t.run(trigger.respond(request, *match, std::move(body), "127.0.0.1:5555"));
  }
  edge::Response answered(std::string payload) {
    invoker.answer = invoke::Answer{.payload = std::move(payload)};
    return respond(head("GET", "/"));
  }

  catalog::TestCatalog t;
  FakeInvoker invoker;
  FakeClock clock;
  FakeRandom random;
  identity::CredentialStore credentials{"000000000000", {"AKIAROOT", "secretsecret"}, random};
  identity::Verifier verifier{credentials, clock};
  FunctionUrls trigger{{*t.catalog, invoker, verifier, clock, random}, catalog::Home{}, Limits{}, CallLimits{}};
  catalog::Function function_ = catalog::TestCatalog::named("hello");
};

TEST_F(FunctionUrlTest, CallsTheFunctionWithTheEventAndAnswers) {
  const auto response = respond(head("GET", "/p?q=1"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "\"hello\"");
  EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
  ASSERT_EQ(invoker.calls.size(), 1U);
  const auto& call = invoker.calls[0];
  EXPECT_EQ(call.function->name, "hello");
  EXPECT_EQ(response.headers.get("x-amzn-RequestId"), call.request_id);
  EXPECT_NE(call.payload.find(R"("rawPath":"/p","rawQueryString":"q=1")"), std::string::npos);
  EXPECT_NE(call.payload.find(R"("sourceIp":"127.0.0.1")"), std::string::npos);
  EXPECT_NE(call.payload.find(R"("x-forwarded-for":"127.0.0.1","x-forwarded-port":"4566")"), std::string::npos);
  EXPECT_NE(call.payload.find(R"("domainName":")" + kId + R"(.lambda-url.us-east-1.localhost")"), std::string::npos);
}

TEST_F(FunctionUrlTest, TakesThePathStylesPrefixOff) {
  edge::RequestHead request;
  request.method = "GET";
  request.target = "/lambda-url/" + kId + "/deep/path?x=1";
  request.headers.add("Host", "127.0.0.1:4566");
  EXPECT_EQ(respond(request).status, 200);
  EXPECT_NE(invoker.calls.at(0).payload.find(R"("rawPath":"/deep/path")"), std::string::npos);
}

TEST_F(FunctionUrlTest, AnswersUnknownIdsWith404) {
  edge::RequestHead request;
  request.method = "GET";
  request.target = "/lambda-url/" + std::string(32, 'z') + "/";
  const auto response = respond(request);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"Message":null})");
  EXPECT_TRUE(invoker.calls.empty());
}

TEST_F(FunctionUrlTest, SendsWhatTheFunctionSays) {
  const auto response = answered(
      R"({"statusCode":418,"headers":{"X-A":"1","Content-Length":"999","Connection":"close"},"cookies":["a=1","b=2"],)"
      R"("body":"short"})");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.headers.get("x-a"), "1");
  EXPECT_FALSE(response.headers.has("Content-Length"));
  EXPECT_FALSE(response.headers.has("Connection"));
  EXPECT_EQ(response.headers.get_all("Set-Cookie"), (std::vector<std::string_view>{"a=1", "b=2"}));
  EXPECT_EQ(response.body, "short");
}

TEST_F(FunctionUrlTest, SendsNoBodyWhereHttpHasNone) {
  EXPECT_EQ(answered(R"({"statusCode":204,"body":"x"})").body, "");
  EXPECT_EQ(answered(R"({"statusCode":304,"body":"x"})").body, "");
}

TEST_F(FunctionUrlTest, AnswersBadGatewayToWhatIsNoResponse) {
  EXPECT_EQ(answered(R"({"statusCode":"many"})").status, 502);
  EXPECT_EQ(answered("no json").status, 502);
  EXPECT_EQ(answered(R"({"statusCode":200,"headers":{"X-A":"1\r\nX-Split: 2"}})").status, 502);
  EXPECT_EQ(answered(R"({"statusCode":200,"cookies":["a\nb"]})").status, 502);
}

TEST_F(FunctionUrlTest, HidesFunctionErrors) {
  invoker.answer = invoke::Answer{.payload = R"({"errorMessage":"secret"})", .function_error = "Unhandled"};
  const auto response = respond(head("GET", "/"));
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.body, "Internal Server Error");
}

TEST_F(FunctionUrlTest, SaysWhyACallWasRefused) {
  using Kind = invoke::InvokeError::Kind;
  const std::pair<Kind, int> cases[] = {{Kind::throttled, 429},
                                        {Kind::request_too_large, 413},
                                        {Kind::stopping, 503},
                                        {Kind::runtime_unavailable, 502},
                                        {Kind::instance_unavailable, 502}};
  for (const auto& [kind, status] : cases) {
    invoker.answer = std::unexpected(invoke::InvokeError{kind, "why"});
    EXPECT_EQ(respond(head("GET", "/")).status, status);
  }
}

TEST_F(FunctionUrlTest, DecodesStreamedAnswers) {
  invoker.answer = invoke::Answer{.payload = std::string("{\"statusCode\":203}") + std::string(8, '\0') + "body",
                                  .content_type = "application/vnd.awslambda.http-integration-response"};
  const auto response = respond(head("GET", "/"));
  EXPECT_EQ(response.status, 203);
  EXPECT_EQ(response.body, "body");
}

TEST_F(FunctionUrlTest, RefusesUnsignedRequestsWhereIamIsAsked) {
  function_.url->auth_type = "AWS_IAM";
  t.put_function(function_);
  const auto response = respond(head("GET", "/"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, R"({"Message":"Forbidden"})");
  auto wrong = head("GET", "/");
  wrong.headers.add("Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAROOT/20270115/us-east-1/lambda/aws4_request, "
                    "SignedHeaders=host, Signature=00");
  EXPECT_EQ(respond(wrong).status, 403);
  EXPECT_TRUE(invoker.calls.empty());
}

TEST_F(FunctionUrlTest, LetsSignedRequestsThroughAndNamesTheCaller) {
  function_.url->auth_type = "AWS_IAM";
  t.put_function(function_);
  const auto host = kId + ".lambda-url.us-east-1.localhost:4566";
  const auto target =
      identity::presign(*credentials.find("AKIAROOT"),
                        {.host = host, .path = "/x", .service = "lambda", .region = "us-east-1"}, clock.wall());
  ASSERT_EQ(respond(head("GET", target)).status, 200);
  EXPECT_NE(invoker.calls.at(0).payload.find(R"("iam":{"accessKey":"AKIAROOT")"), std::string::npos);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(respond(head("GET", target)).status, 403);
}

TEST_F(FunctionUrlTest, AnswersPreflightsItselfEvenWithoutASignature) {
  function_.url->auth_type = "AWS_IAM";
  function_.url->cors.emplace();
  function_.url->cors->allow_origins = {"*"};
  function_.url->cors->allow_methods = {"*"};
  t.put_function(function_);
  auto request = head("OPTIONS", "/");
  request.headers.add("Origin", "https://a.example");
  request.headers.add("Access-Control-Request-Method", "POST");
  const auto response = respond(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Methods"), "POST");
  EXPECT_TRUE(invoker.calls.empty());
}

TEST_F(FunctionUrlTest, AddsCorsHeadersToAnswers) {
  function_.url->cors.emplace();
  function_.url->cors->allow_origins = {"https://a.example"};
  t.put_function(function_);
  auto request = head("GET", "/");
  request.headers.add("Origin", "https://a.example");
  EXPECT_EQ(respond(request).headers.get("Access-Control-Allow-Origin"), "https://a.example");
}

}  // namespace
}  // namespace lambent::triggers
