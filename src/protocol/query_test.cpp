// The Query protocol end to end, over the generated sts service with a fake implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/sts/service.h"
#include "protocol/testing.h"

namespace lambent::protocol {
namespace {

using testing::a_call;
using ::testing::HasSubstr;
using testing::header_of;
using testing::RequestBuilder;
using testing::run_now;

class FakeSts : public sts::Service {
 public:
  Answer<sts::AssumeRoleResponse> assume_role(const CallContext&, sts::AssumeRoleRequest r) override {
    role = std::move(r);
    sts::AssumeRoleResponse reply;
    auto& credentials = reply.credentials.emplace();
    credentials.access_key_id = "ASIA<&>";
    credentials.expiration = Timestamp(std::chrono::seconds(1'421'866'952));
    reply.packed_policy_size = 6;
    co_return reply;
  }
  Answer<sts::GetSessionTokenResponse> get_session_token(const CallContext&, sts::GetSessionTokenRequest) override {
    co_return failure(sts::RegionDisabledException{.message = "not \"here\"\x01"});
  }
  std::optional<sts::AssumeRoleRequest> role;
};

class Query : public ::testing::Test {
 protected:
  HttpReply send(std::string body) {
    RequestBuilder builder("POST", "/");
    builder.body(std::move(body));
    return run_now(sts::dispatch(service, call, builder.request()));
  }
  FakeSts service;
  CallContext call = a_call();
};

const std::string kAssume =
    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fany&RoleSessionName=me";

TEST_F(Query, DecodesListsOfStructures) {
  const auto reply =
      send(kAssume + "&Tags.member.2.Key=b&Tags.member.2.Value=2+2&Tags.member.1.Value=1&Tags.member.1.Key=a" +
           "&DurationSeconds=900&Ignored=x");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(service.role->role_arn, "arn:aws:iam::000000000000:role/any");
  EXPECT_EQ(service.role->duration_seconds, 900);
  ASSERT_EQ(service.role->tags->size(), 2U);
  EXPECT_EQ(service.role->tags->at(0).key, "a");
  EXPECT_EQ(service.role->tags->at(1).value, "2 2");
  EXPECT_FALSE(service.role->policy_arns.has_value());
}

TEST_F(Query, EncodesNestedStructuresAsXml) {
  EXPECT_EQ(
      send(kAssume).body,
      "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>"
      "<AccessKeyId>ASIA&lt;&amp;&gt;</AccessKeyId><SecretAccessKey></SecretAccessKey><SessionToken></SessionToken>"
      "<Expiration>2015-01-21T19:02:32Z</Expiration></Credentials><PackedPolicySize>6</PackedPolicySize>"
      "</AssumeRoleResult><ResponseMetadata><RequestId>11111111-2222-4333-8444-555555555555</RequestId>"
      "</ResponseMetadata></AssumeRoleResponse>");
}

TEST_F(Query, TakesItsParametersFromTheQueryStringToo) {
  RequestBuilder builder("GET", "/?" + kAssume);
  EXPECT_EQ(run_now(sts::dispatch(service, call, builder.request())).status, 200);
}

TEST_F(Query, ErrorsAreXml) {
  const auto reply = send("Action=GetSessionToken&Version=2011-06-15");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(header_of(reply, "Content-Type"), "text/xml");
  EXPECT_EQ(reply.body,
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
            "<Code>RegionDisabledException</Code><Message>not &quot;here&quot;\xEF\xBF\xBD</Message></Error>"
            "<RequestId>11111111-2222-4333-8444-555555555555</RequestId></ErrorResponse>");
}

TEST_F(Query, ViolationsAreValidationErrors) {
  const auto reply = send("Action=AssumeRole&RoleArn=short&DurationSeconds=1");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("<Code>ValidationError</Code>"));
  EXPECT_THAT(reply.body,
              HasSubstr("3 validation errors detected: Value 'short' at 'roleArn' failed to satisfy "
                        "constraint: Member must have length greater than or equal to 20; Value null at "
                        "'roleSessionName' failed to satisfy constraint: Member must not be null; Value '1' "
                        "at 'durationSeconds'"));
  EXPECT_THAT(send(kAssume + "&Tags.member.1.Value=x").body, HasSubstr("Value null at 'tags.1.member.key'"));
}

TEST_F(Query, UnknownAndMissingActionsAreToldApart) {
  EXPECT_THAT(send("Action=Nothing&Version=2011-06-15").body,
              HasSubstr("<Code>InvalidAction</Code><Message>Could not find operation Nothing for version 2011-06-15"));
  EXPECT_THAT(send("").body, HasSubstr("<Code>MissingAction</Code>"));
}

TEST_F(Query, MalformedFormsAreRefused) {
  EXPECT_EQ(send(kAssume + "&x=%zz").status, 400);
  EXPECT_EQ(send(kAssume + "&x=%ff").status, 400);
  EXPECT_THAT(
      send(kAssume + "&DurationSeconds=soon").body,
      HasSubstr("<Code>MalformedInput</Code><Message>STRING_VALUE can not be converted to an Integer</Message>"));
  EXPECT_THAT(send(kAssume + "&Tags=x").body, HasSubstr("<Message>Unexpected list element termination</Message>"));
  EXPECT_EQ(send(kAssume + "&Tags=").status, 200);  // how clients write an empty list
  std::string many = kAssume;
  for (int i = 0; i < 10'001; ++i) many += "&a=b";
  EXPECT_EQ(send(many).status, 400);
}

}  // namespace
}  // namespace lambent::protocol
