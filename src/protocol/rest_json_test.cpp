// REST-JSON end to end, over the generated lambda service with a fake implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/lambda/service.h"
#include "protocol/testing.h"

namespace lambent::protocol {
namespace {

using testing::a_call;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::header_of;
using ::testing::Not;
using testing::RequestBuilder;
using testing::run_now;

class FakeLambda : public lambda::Service {
 public:
  Answer<lambda::FunctionConfiguration> create_function(const CallContext&, lambda::CreateFunctionRequest r) override {
    create = std::move(r);
    lambda::FunctionConfiguration reply;
    reply.function_name = create->function_name;
    reply.code_size = 5'000'000'000;
    reply.layers.emplace();
    co_return reply;
  }
  Answer<lambda::InvocationResponse> invoke(const CallContext&, lambda::InvocationRequest r) override {
    payload_address = r.payload ? r.payload->data() : nullptr;
    invocation = std::move(r);
    lambda::InvocationResponse reply;
    reply.status_code = invocation->invocation_type == "Event" ? 202 : 200;
    reply.function_error = "Unhandled\r\nX-Injected: 1";
    reply.payload = invocation->payload;
    co_return reply;
  }
  Answer<lambda::GetFunctionResponse> get_function(const CallContext&, lambda::GetFunctionRequest r) override {
    co_return failure(lambda::ResourceNotFoundException{.message = "Function not found: " + r.function_name});
  }
  Answer<lambda::ListFunctionsResponse> list_functions(const CallContext&, lambda::ListFunctionsRequest r) override {
    list = std::move(r);
    co_return lambda::ListFunctionsResponse{};
  }
  Answer<Nothing> untag_resource(const CallContext&, lambda::UntagResourceRequest r) override {
    untagged = std::move(r);
    co_return Nothing{};
  }
  Answer<lambda::PutProvisionedConcurrencyConfigResponse> put_provisioned_concurrency_config(
      const CallContext&, lambda::PutProvisionedConcurrencyConfigRequest) override {
    lambda::TooManyRequestsException error;
    error.retry_after_seconds = "10";
    error.message = "Rate exceeded";
    error.reason = std::string(lambda::throttle_reason::caller_rate_limit_exceeded);
    co_return failure(error);
  }
  Answer<lambda::GetLayerVersionResponse> get_layer_version_by_arn(const CallContext&,
                                                                   lambda::GetLayerVersionByArnRequest r) override {
    layer_arn = r.arn;
    co_return lambda::GetLayerVersionResponse{};
  }
  Answer<lambda::EventSourceMappingConfiguration> create_event_source_mapping(
      const CallContext&, lambda::CreateEventSourceMappingRequest r) override {
    mapping = std::move(r);
    lambda::EventSourceMappingConfiguration reply;
    reply.last_modified = Timestamp(std::chrono::milliseconds(1'421'866'952'508));
    co_return reply;
  }

  std::optional<lambda::CreateFunctionRequest> create;
  std::optional<lambda::InvocationRequest> invocation;
  std::optional<lambda::ListFunctionsRequest> list;
  std::optional<lambda::UntagResourceRequest> untagged;
  std::optional<lambda::CreateEventSourceMappingRequest> mapping;
  std::string layer_arn;
  const char* payload_address = nullptr;
};

class RestJson : public ::testing::Test {
 protected:
  HttpReply send(RequestBuilder builder) { return run_now(lambda::dispatch(service, call, builder.request())); }
  HttpReply post(std::string path, std::string body) {
    return send(RequestBuilder("POST", std::move(path)).body(std::move(body)));
  }

  FakeLambda service;
  CallContext call = a_call();
};

constexpr auto kFunctions = "/2015-03-31/functions";
constexpr auto kGoodCreate =
    R"({"FunctionName":"hello","Role":"arn:aws:iam::000000000000:role/any","Code":{"ZipFile":"UEsFBg=="},"Handler":"a.b",)"
    R"("Runtime":"python3.11","Timeout":3,"Publish":true,"Environment":{"Variables":{"BB":"2","AA":"1","BB":"3"}},)"
    R"("Layers":[],"Unknown":{"x":[1]}})";

TEST_F(RestJson, DecodesNestedMembersAndIgnoresUnknownOnes) {
  const auto reply = post(kFunctions, kGoodCreate);
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(service.create->function_name, "hello");
  EXPECT_EQ(service.create->code.zip_file, std::string("PK\x05\x06", 4));
  EXPECT_EQ(service.create->timeout, 3);
  EXPECT_EQ(service.create->publish, true);
  EXPECT_EQ(service.create->memory_size, std::nullopt);
  const auto& variables = *service.create->environment->variables;
  EXPECT_EQ(variables.size(), 2U);
  EXPECT_EQ(*variables.find("BB"), "3") << "of duplicate keys the last one counts";
  EXPECT_TRUE(service.create->layers.has_value()) << "an empty list is not an absent one";
}

TEST_F(RestJson, EncodesWhatIsPresentOnly) {
  const auto reply = post(kFunctions, kGoodCreate);
  EXPECT_EQ(reply.body, R"({"FunctionName":"hello","CodeSize":5000000000,"Layers":[]})");
  EXPECT_EQ(header_of(reply, "content-type"), "application/json");
  EXPECT_EQ(header_of(reply, "x-amzn-requestid"), call.request_id);
}

TEST_F(RestJson, SlashAtTheEndOfThePathDoesNotMatter) {
  EXPECT_EQ(post("/2015-03-31/functions/", kGoodCreate).status, 201);
  EXPECT_EQ(send(RequestBuilder("GET", "/2015-03-31/functions/")).status, 200);
  EXPECT_EQ(send(RequestBuilder("GET", "//2015-03-31/functions")).status, 404);
}

TEST_F(RestJson, BindsQueryParametersOfEveryType) {
  ASSERT_EQ(send(RequestBuilder("GET", "/2015-03-31/functions?MaxItems=7&Marker=a%2Bb+c&FunctionVersion=ALL")).status,
            200);
  EXPECT_EQ(service.list->max_items, 7);
  EXPECT_EQ(service.list->marker, "a+b+c") << "in REST a plus sign is itself";
  EXPECT_EQ(service.list->function_version, "ALL");
  ASSERT_EQ(send(RequestBuilder("DELETE",
                                "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"
                                "?tagKeys=a&tagKeys=b"))
                .status,
            204);
  EXPECT_EQ(service.untagged->resource, "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_THAT(service.untagged->tag_keys, ElementsAre("a", "b"));
}

TEST_F(RestJson, RefusesWhatIsNoNumberWhereOneIsWanted) {
  const auto reply = send(RequestBuilder("GET", "/2015-03-31/functions?MaxItems=seven"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(header_of(reply, "x-amzn-errortype"), "SerializationException");
  EXPECT_EQ(reply.body, R"({"Message":"STRING_VALUE can not be converted to an Integer"})");
  EXPECT_EQ(send(RequestBuilder("GET", "/2015-03-31/functions?MaxItems=99999999999")).status, 400);
  EXPECT_EQ(send(RequestBuilder("GET", "/2015-03-31/functions?Marker=%ff")).status, 400);
  EXPECT_EQ(send(RequestBuilder("GET", "/2015-03-31/functions?Marker=%f")).status, 400);
}

TEST_F(RestJson, QueryLiteralsChooseTheOperation) {
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:1";
  EXPECT_EQ(send(RequestBuilder("GET", "/2018-10-31/layers?find=LayerVersion&Arn=" + arn)).status, 200);
  EXPECT_EQ(service.layer_arn, arn);
  EXPECT_EQ(send(RequestBuilder("GET", "/2018-10-31/layers")).status, 501) << "ListLayers, which the fake lacks";
}

TEST_F(RestJson, PayloadPassesUntouchedBothWays) {
  const std::string payload("\x00\xff not json {", 13);
  auto builder = RequestBuilder("POST", "/2015-03-31/functions/f/invocations");
  builder.header("X-Amz-Invocation-Type", "RequestResponse").header("X-Amz-Client-Context", "e30=").body(payload);
  auto request = builder.request();
  request.body = std::string(100'000, 'x');  // long enough to live on the heap
  const char* address = request.body.data();
  auto reply = run_now(lambda::dispatch(service, call, std::move(request)));
  EXPECT_EQ(service.payload_address, address) << "moved, not copied";
  reply = send(builder);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, payload);
  EXPECT_EQ(service.invocation->client_context, "e30=");
  EXPECT_EQ(service.invocation->function_name, "f");
  EXPECT_EQ(service.invocation->log_type, std::nullopt);
}

TEST_F(RestJson, StatusAndHeadersOfTheReplyComeFromTheOutput) {
  auto reply =
      send(RequestBuilder("POST", "/2015-03-31/functions/f/invocations").header("X-Amz-Invocation-Type", "Event"));
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(header_of(reply, "X-Amz-Function-Error"), "Unhandled  X-Injected: 1") << "no header can be smuggled in";
}

TEST_F(RestJson, ErrorsHaveAWSsForm) {
  const auto reply = send(RequestBuilder("GET", "/2015-03-31/functions/absent"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(header_of(reply, "x-amzn-ErrorType"), "ResourceNotFoundException");
  EXPECT_EQ(reply.body, R"({"Type":"User","Message":"Function not found: absent"})");
}

TEST_F(RestJson, ErrorMembersGoToBodyAndHeaders) {
  const auto reply = send(RequestBuilder("PUT", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1")
                              .body(R"({"ProvisionedConcurrentExecutions":1})"));
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(header_of(reply, "Retry-After"), "10");
  EXPECT_EQ(reply.body, R"({"Reason":"CallerRateLimitExceeded","Type":"User","message":"Rate exceeded"})");
}

TEST_F(RestJson, UnknownRouteIsUnknownOperation) {
  for (const auto* path :
       {"/", "/2015-03-31/function", "/2015-03-31/functions/a/b/c/d", "/2015-03-31/functions//code"}) {
    const auto reply = send(RequestBuilder("GET", path));
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(header_of(reply, "x-amzn-ErrorType"), "UnknownOperationException") << path;
  }
  EXPECT_EQ(send(RequestBuilder("PATCH", "/2015-03-31/functions")).status, 404);
}

TEST_F(RestJson, OperationsThatAreNotThereYetSaySo) {
  const auto reply = send(RequestBuilder("GET", "/2016-08-19/account-settings"));
  EXPECT_EQ(reply.status, 501);
  EXPECT_EQ(header_of(reply, "x-amzn-ErrorType"), "NotImplementedException");
  EXPECT_THAT(reply.body, HasSubstr("GetAccountSettings"));
}

TEST_F(RestJson, BrokenJsonIsInvalidRequestContent) {
  for (const auto* body : {"{", "nonsense", "{\"FunctionName\":}", "{}{}", "\xff"}) {
    const auto reply = post(kFunctions, body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(header_of(reply, "x-amzn-ErrorType"), "InvalidRequestContentException") << body;
    EXPECT_THAT(reply.body, HasSubstr("Could not parse request body into json: ")) << body;
  }
}

TEST_F(RestJson, TimestampsAreEpochSeconds) {
  const auto reply =
      post("/2015-03-31/event-source-mappings", R"({"FunctionName":"f","StartingPositionTimestamp":1421866952.508})");
  EXPECT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(service.mapping->starting_position_timestamp, Timestamp(std::chrono::milliseconds(1'421'866'952'508)));
  EXPECT_THAT(reply.body, HasSubstr("\"LastModified\":1421866952.508"));
}

struct Violation {
  const char* body;
  const char* message;
};

class LambdaValidation : public RestJson, public ::testing::WithParamInterface<Violation> {};

TEST_P(LambdaValidation, SaysWhatAWSSays) {
  const auto reply = post(kFunctions, GetParam().body);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(header_of(reply, "x-amzn-ErrorType"), "ValidationException");
  EXPECT_EQ(reply.body, std::string(R"({"message":")") + GetParam().message + "\"}");
}

#define LAMBENT_CREATE(more) R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{})" more "}"
INSTANTIATE_TEST_SUITE_P(
    EveryKindOfConstraint, LambdaValidation,
    ::testing::Values(
        Violation{
            R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r"})",
            "1 validation error detected: Value null at 'code' failed to satisfy constraint: Member must not be null"},
        Violation{
            "",
            "3 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not "
            "be null; Value null at 'role' failed to satisfy constraint: Member must not be null; Value null at "
            "'code' failed to satisfy constraint: Member must not be null"},
        Violation{
            LAMBENT_CREATE(R"(,"Timeout":0)"),
            "1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value "
            "greater than or equal to 1"},
        Violation{
            LAMBENT_CREATE(R"(,"MemorySize":10000000)"),
            "1 validation error detected: Value '10000000' at 'memorySize' failed to satisfy constraint: Member must "
            "have value less than or equal to 32768"},
        Violation{LAMBENT_CREATE(R"(,"PackageType":"Zür日")"),
                  "1 validation error detected: Value 'Zür日' at 'packageType' failed to satisfy constraint: Member "
                  "must satisfy enum value set: [Zip, Image]"},
        Violation{LAMBENT_CREATE(R"(,"PackageType":"Tar")"),
                  "1 validation error detected: Value 'Tar' at 'packageType' failed to satisfy constraint: Member must "
                  "satisfy enum value set: [Zip, Image]"},
        Violation{
            LAMBENT_CREATE(R"(,"Handler":"a b")"),
            "1 validation error detected: Value 'a b' at 'handler' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: [^\\\\s]+"},
        Violation{
            LAMBENT_CREATE(R"(,"Architectures":["arm63"])"),
            "1 validation error detected: Value '[arm63]' at 'architectures' failed to satisfy constraint: Member must "
            "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"},
        Violation{
            LAMBENT_CREATE(R"(,"Architectures":[])"),
            "1 validation error detected: Value '[]' at 'architectures' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"},
        Violation{
            LAMBENT_CREATE(R"(,"Environment":{"Variables":{"1A":"x"}})"),
            "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must "
            "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must "
            "not be null]"},
        Violation{
            LAMBENT_CREATE(R"(,"TracingConfig":{"Mode":"On"})"),
            "1 validation error detected: Value 'On' at 'tracingConfig.mode' failed to satisfy constraint: Member must "
            "satisfy enum value set: [Active, PassThrough]"}));
#undef LAMBENT_CREATE

}  // namespace
}  // namespace lambent::protocol
