// Which service and which operation a request is for, and what is known before its body is read.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "protocol/dynamodb/service.h"
#include "protocol/dynamodbstreams/service.h"
#include "protocol/endpoint.h"
#include "protocol/lambda/service.h"
#include "protocol/router.h"
#include "protocol/sts/service.h"
#include "protocol/testing.h"

namespace lambent::protocol {
namespace {

using testing::a_call;
using testing::RequestBuilder;
using testing::run_now;

const std::array<const ServiceModel*, 4> kServices{&lambda::model(), &dynamodb::model(), &dynamodbstreams::model(),
                                                   &sts::model()};

std::string service_of(std::string_view scope, RequestBuilder builder) {
  const auto* service = find_service(kServices, scope, builder.request());
  return service ? std::string(service->name) : "none";
}

TEST(FindService, TheCredentialScopeDecidesWhereThereIsOne) {
  EXPECT_EQ(service_of("lambda", RequestBuilder("GET", "/")), "lambda");
  EXPECT_EQ(service_of("sts", RequestBuilder("POST", "/2015-03-31/functions")), "sts");
  EXPECT_EQ(service_of("dynamodb", RequestBuilder("POST", "/")), "dynamodb");
  EXPECT_EQ(service_of("dynamodb",
                       RequestBuilder("POST", "/").header("X-Amz-Target", "DynamoDBStreams_20120810.ListStreams")),
            "dynamodbstreams")
      << "two services with one signing name";
  EXPECT_EQ(service_of("s3", RequestBuilder("GET", "/2015-03-31/functions")), "none");
}

TEST(FindService, UnsignedRequestsAreToldByTargetPathHostAndAction) {
  EXPECT_EQ(service_of("", RequestBuilder("POST", "/").header("X-Amz-Target", "DynamoDB_20120810.GetItem")),
            "dynamodb");
  EXPECT_EQ(service_of("", RequestBuilder("POST", "/").header("X-Amz-Target", "Other_1.GetItem")), "none");
  EXPECT_EQ(service_of("", RequestBuilder("GET", "/2015-03-31/functions")), "lambda");
  EXPECT_EQ(service_of("", RequestBuilder("GET", "/").header("Host", "dynamodb.us-east-1.localhost:4566")), "dynamodb");
  EXPECT_EQ(service_of("", RequestBuilder("POST", "/").body("Action=GetCallerIdentity")), "sts");
  const std::string form = "application/x-www-form-urlencoded; charset=utf-8";
  EXPECT_EQ(service_of("", RequestBuilder("POST", "/").header("Content-Type", form)), "sts") << "its body is to come";
  EXPECT_EQ(service_of("", RequestBuilder("POST", "/").header("Content-Type", "application/json")), "none");
  EXPECT_EQ(service_of("", RequestBuilder("GET", "/")), "none");
}

TEST(Identify, NamesTheOperationAndHowLargeItsBodyMayBe) {
  const Limits limits;
  const auto size = [&](RequestBuilder builder) { return lambda::identify(builder.request())->max_body(limits); };
  EXPECT_EQ(lambda::identify(RequestBuilder("POST", "/2015-03-31/functions").request())->name(), "CreateFunction");
  EXPECT_EQ(size(RequestBuilder("POST", "/2015-03-31/functions")), limits.body_bytes);
  EXPECT_EQ(size(RequestBuilder("PUT", "/2015-03-31/functions/f/code")), limits.body_bytes);
  EXPECT_GT(size(RequestBuilder("POST", "/2015-03-31/functions/f/invocations")), limits.sync_payload_bytes);
  EXPECT_LT(size(RequestBuilder("POST", "/2015-03-31/functions/f/invocations")), limits.body_bytes);
  EXPECT_EQ(size(RequestBuilder("PUT", "/2015-03-31/functions/f/configuration")), kMiB);
  RequestBuilder put("POST", "/");
  put.header("X-Amz-Target", "DynamoDB_20120810.PutItem");
  EXPECT_EQ(dynamodb::identify(put.request())->max_body(limits), 16 * kMiB);
}

TEST(Identify, StreamingOperationsAreMarked) {
  RequestBuilder stream("POST", "/2021-11-15/functions/f/response-streaming-invocations");
  EXPECT_TRUE(lambda::identify(stream.request())->streams_output());
  RequestBuilder invoke("POST", "/2015-03-31/functions/f/invocations");
  EXPECT_FALSE(lambda::identify(invoke.request())->streams_output());
}

TEST(Identify, QueryOperationsAreKnownOnlyWithTheBody) {
  RequestBuilder before("POST", "/");
  const auto info = sts::identify(before.request());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->name(), "");
  EXPECT_EQ(info->max_body(Limits()), kMiB);
  RequestBuilder after("POST", "/");
  after.body("Action=AssumeRole");
  EXPECT_EQ(sts::identify(after.request())->name(), "AssumeRole");
  EXPECT_FALSE(sts::identify(RequestBuilder("GET", "/?Action=Nothing").request()));
}

TEST(MatchRest, EveryOperationFindsItselfByItsOwnTemplate) {
  std::set<std::string_view> seen;
  for (const auto& operation : lambda::model().operations) {
    std::string path(operation.uri.substr(0, operation.uri.find('?')));
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, "x%2Fy");
    }
    const auto question = operation.uri.find('?');
    const auto query = question == std::string_view::npos ? std::string_view() : operation.uri.substr(question + 1);
    const auto match = match_rest(lambda::model(), operation.method, path, query);
    ASSERT_TRUE(match) << operation.name;
    EXPECT_EQ(lambda::model().operations[match->operation].name, operation.name);
    for (const auto& label : match->labels) EXPECT_EQ(label.value, "x%2Fy");
    seen.insert(operation.name);
  }
  EXPECT_EQ(seen.size(), lambda::model().operations.size());
  EXPECT_GE(seen.size(), 85U);
}

TEST(MatchRest, GreedyLabelsTakeSlashes) {
  static constexpr UriSegment segments[] = {{"b", false, false}, {"Key", true, true}, {"end", false, false}};
  static constexpr Operation operations[] = {
      {.name = "Get", .method = "GET", .uri = "/b/{Key+}/end", .segments = segments}};
  ServiceModel service = lambda::model();
  service.operations = operations;
  const auto match = match_rest(service, "GET", "/b/c/d%2F/e/end", "");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->labels.at(0).value, "c/d%2F/e");
  EXPECT_FALSE(match_rest(service, "GET", "/b/end", ""));
  EXPECT_FALSE(match_rest(service, "GET", "/b/c/d", ""));
}

TEST(MatchRest, PathsOfManySegmentsMatchNothing) {
  std::string path;
  for (int i = 0; i < 100'000; ++i) path += "/a";
  EXPECT_FALSE(match_rest(lambda::model(), "GET", path, ""));
}

TEST(EndpointInterface, DispatchesToItsService) {
  dynamodb::Service nothing;
  const auto endpoint = dynamodb::make_endpoint(nothing);
  EXPECT_EQ(endpoint->model().signing_name, "dynamodb");
  const auto call = a_call();
  RequestBuilder builder("POST", "/");
  builder.header("X-Amz-Target", "DynamoDB_20120810.ListTables").body("{}");
  EXPECT_EQ(run_now(endpoint->dispatch(call, builder.request())).status, 501);
}

TEST(BodyTooLarge, IsToldAsEachServiceTellsIt) {
  const Limits limits;
  RequestBuilder invoke("POST", "/2015-03-31/functions/f/invocations");
  const auto error = body_too_large(*lambda::identify(invoke.request()), limits);
  EXPECT_EQ(error.status, 413);
  EXPECT_EQ(error.code, "RequestTooLargeException");
  EXPECT_EQ(error.message, "Request must be smaller than 6291456 bytes for the InvokeFunction operation");
}

TEST(ErrorReply, SpeaksTheProtocolOfTheService) {
  const auto call = a_call();
  const auto error = framework_error("UnrecognizedClientException", "The security token is invalid.", 403);
  EXPECT_EQ(
      error_reply(dynamodb::model(), call, error).body,
      R"({"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token is invalid."})");
  const auto rest = error_reply(lambda::model(), call, error);
  EXPECT_EQ(rest.body, R"({"message":"The security token is invalid."})");
  EXPECT_EQ(testing::header_of(rest, "x-amzn-ErrorType"), "UnrecognizedClientException");
  EXPECT_NE(error_reply(sts::model(), call, error).body.find("<Code>UnrecognizedClientException</Code>"),
            std::string::npos);
}

}  // namespace
}  // namespace lambent::protocol
