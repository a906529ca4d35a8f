#include "services/sts/sts_service.h"

#include <gtest/gtest.h>

#include "protocol/testing.h"

namespace lambent::services {
namespace {

using protocol::testing::a_call;
using protocol::testing::header_of;
using protocol::testing::RequestBuilder;
using protocol::testing::run_now;

TEST(Sts, TellsTheCallerWhoItIs) {
  StsService service;
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

TEST(Sts, SaysSoWhereAnOperationIsNotThereYet) {
  StsService service;
  const auto call = a_call();
  auto request = RequestBuilder("POST", "/").body("Action=GetSessionToken&Version=2011-06-15");
  const auto reply = run_now(protocol::sts::dispatch(service, call, request.request()));
  EXPECT_EQ(reply.status, 501);
  EXPECT_NE(reply.body.find("<Code>NotImplementedException</Code>"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace lambent::services
