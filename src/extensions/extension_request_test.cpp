#include "extensions/extension_request.h"

#include <gtest/gtest.h>

#include <string>

namespace lambent::extensions {
namespace {

using Kind = ExtensionRoute::Kind;

TEST(ExtensionRouteTest, KnowsThePathsAndTheirMethods) {
  EXPECT_EQ(parse_extension_route("POST", "/2020-01-01/extension/register").kind, Kind::registration);
  EXPECT_EQ(parse_extension_route("GET", "/2020-01-01/extension/event/next").kind, Kind::next);
  EXPECT_EQ(parse_extension_route("POST", "/2020-01-01/extension/init/error").kind, Kind::init_error);
  EXPECT_EQ(parse_extension_route("POST", "/2020-01-01/extension/exit/error").kind, Kind::exit_error);
  EXPECT_EQ(parse_extension_route("GET", "/2020-01-01/extension/register").kind, Kind::wrong_method);
  EXPECT_EQ(parse_extension_route("GET", "/2020-01-01/extension/event").kind, Kind::unknown);
  EXPECT_FALSE(is_extension_path("/2018-06-01/runtime/invocation/next"));
}

TEST(EventsTest, AreThoseOfTheList) {
  const auto both = parse_events(R"({"events": ["INVOKE", "SHUTDOWN"]})");
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->invoke && both->shutdown);
  const auto none = parse_events(R"({"events": []})");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->invoke || none->shutdown);
  EXPECT_TRUE(parse_events("{}"));
}

TEST(EventsTest, AreRefusedInAwssTerms) {
  EXPECT_EQ(parse_events(R"({"events": ["RESTART"]})").error().type, "Extension.InvalidEventType");
  for (const std::string_view body : {"", "[]", "{", R"({"events": "INVOKE"})", R"({"events": [1]})"}) {
    const auto refused = parse_events(body);
    ASSERT_FALSE(refused) << body;
    EXPECT_EQ(refused.error().type, "InvalidRequestFormat");
    EXPECT_EQ(refused.error().status, 403);
  }
  EXPECT_FALSE(parse_events(std::string(100'000, '['))) << "depth is bounded";
}

TEST(AcceptFeatureTest, IsAList) {
  edge::Headers headers;
  EXPECT_FALSE(accepts_feature(headers, "accountId"));
  headers.add("Lambda-Extension-Accept-Feature", "other, accountId");
  EXPECT_TRUE(accepts_feature(headers, "accountId"));
  EXPECT_FALSE(accepts_feature(headers, "account"));
}

}  // namespace
}  // namespace lambent::extensions
