#include "services/sts/sts_service.h"

#include <gtest/gtest.h>

#include "protocol/testing.h"

namespace lambent::services {
namespace {

using protocol::testing::a_call;
using protocol::testing::header_of;
using protocol::testing::RequestBuilder;
using protocol::testing::run_now;

class StsTest : public testing::Test {
 protected:
  StsTest() { call_.principal = {"arn:aws:iam::123456789012:root", "123456789012", "AKIAROOT", "123456789012"}; }

  net::Loop loop_;
  FakeClock clock_;
  FakeRandom random_;
  identity::CredentialStore credentials_{"123456789012", {"AKIAROOT", "secretsecret"}, random_};
  StsService service{loop_, clock_, credentials_, [](std::string_view arn) -> std::optional<StsService::Role> {
                       if (arn != "arn:aws:iam::123456789012:role/p/r") return std::nullopt;
                       return StsService::Role{"AROAROLE", std::chrono::seconds(1800)};
                     }};
  protocol::CallContext call_ = a_call();
};

TEST_F(StsTest, GivesKeysOfARoleForAWhile) {
  const auto assumed = run_now(service.assume_role(
      call_, {.role_arn = "arn:aws:iam::123456789012:role/p/r", .role_session_name = "me", .duration_seconds = 900}));
  ASSERT_TRUE(assumed);
  EXPECT_EQ(assumed->assumed_role_user->arn, "arn:aws:sts::123456789012:assumed-role/r/me");
  const auto* keys = credentials_.find(assumed->credentials->access_key_id);
  ASSERT_NE(keys, nullptr);
  EXPECT_EQ(keys->principal.user_id, "AROAROLE:me");
  EXPECT_EQ(keys->principal.arn, assumed->assumed_role_user->arn);
  EXPECT_EQ(keys->session_token, assumed->credentials->session_token);
  clock_.advance(std::chrono::seconds(901));
  ASSERT_TRUE(run_now(service.get_session_token(call_, {})));  // looks for those whose time is over
  EXPECT_EQ(credentials_.find(assumed->credentials->access_key_id), nullptr);
}

TEST_F(StsTest, RefusesARoleThatIsNotThereAndTooLongASession) {
  const auto missing =
      run_now(service.assume_role(call_, {.role_arn = "arn:aws:iam::123456789012:role/x", .role_session_name = "me"}));
  EXPECT_EQ(missing.error().code, "AccessDenied");
  EXPECT_EQ(missing.error().status, 403);
  const auto longer = run_now(service.assume_role(
      call_, {.role_arn = "arn:aws:iam::123456789012:role/p/r", .role_session_name = "me", .duration_seconds = 3600}));
  EXPECT_EQ(longer.error().code, "ValidationError");
}

TEST_F(StsTest, TellsTheCallerWhoItIs) {
  auto call = a_call();
  call.principal = {"arn:aws:sts::123456789012:assumed-role/r&d/hello", "AROAEXAMPLE:hello", "ASIAEXAMPLE",
                    "123456789012"};
  auto request = RequestBuilder("POST", "/").body("Action=GetCallerIdentity&Version=2011-06-15");
  const auto reply = run_now(protocol::sts::dispatch(service, call, request.request()));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header_of(reply, "Content-Type"), "text/xml");
  EXPECT_EQ(reply.body,
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
            "<UserId>AROAEXAMPLE:hello</UserId><Account>123456789012</Account>"
            "<Arn>arn:aws:sts::123456789012:assumed-role/r&amp;d/hello</Arn></GetCallerIdentityResult>"
            "<ResponseMetadata><RequestId>11111111-2222-4333-8444-555555555555</RequestId></ResponseMetadata>"
            "</GetCallerIdentityResponse>");
}

TEST_F(StsTest, SaysSoWhereAnOperationIsNotThereYet) {
  const auto call = a_call();
  auto request = RequestBuilder("POST", "/")
                     .body("Action=GetWebIdentityToken&Audience.member.1=a&SigningAlgorithm=RS256&Version=2011-06-15");
  const auto reply = run_now(protocol::sts::dispatch(service, call, request.request()));
  EXPECT_EQ(reply.status, 501);
  EXPECT_NE(reply.body.find("<Code>NotImplementedException</Code>"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace lambent::services
