#include "extensions/subscription.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace lambent::extensions {
namespace {

std::expected<Subscription, ApiRefusal> parse(std::string_view body, TelemetryApi api = TelemetryApi::telemetry) {
  return parse_subscription(api, body, 9001);
}

std::string with(std::string_view more) {
  return fmt::format(R"({{"schemaVersion":"2022-12-13","types":["platform"],"destination":{{"protocol":"HTTP",)"
                     R"("URI":"http://sandbox.localdomain:8080"}}{}}})",
                     more);
}

TEST(SubscriptionTest, IsReadWhole) {
  const auto read = parse(R"({"schemaVersion":"2022-12-13","types":["platform","function","extension"],)"
                          R"("buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":100},)"
                          R"("destination":{"protocol":"HTTP","URI":"http://sandbox:4243/at/this"}})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->platform && read->function && read->extension && read->is_http);
  EXPECT_EQ(read->types_text(), "Platform, Function, Extension");
  EXPECT_EQ(read->max_items, 1000U);
  EXPECT_EQ(read->timeout, std::chrono::milliseconds(100));
  EXPECT_EQ(read->port, 4243);
  EXPECT_EQ(read->path, "/at/this");
  EXPECT_EQ(read->authority, "sandbox:4243");
}

TEST(SubscriptionTest, HasAwssDefaults) {
  const auto read = parse(with(""));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->max_items, 1'000U);
  EXPECT_EQ(read->max_bytes, 262'144U);
  EXPECT_EQ(read->timeout, std::chrono::milliseconds(1000));
  EXPECT_EQ(read->path, "/");
}

TEST(SubscriptionTest, TakesTcp) {
  const auto read = parse(R"({"types":["function"],"destination":{"protocol":"TCP","port":8080}})", TelemetryApi::logs);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->is_http);
  EXPECT_EQ(read->port, 8080);
}

TEST(SubscriptionTest, NamesAllFaultsAtOnce) {
  const auto refused = parse(
      R"({"schemaVersion":"2022-12-13","types":[],"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain"}})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 400);
  EXPECT_EQ(refused.error().type, "ValidationError");
  EXPECT_EQ(refused.error().message, "URI port is not provided; the port is reserved; types should not be empty");
}

TEST(SubscriptionTest, KeepsToItsBounds) {
  for (const std::string_view buffering :
       {R"({"maxItems":999})", R"({"maxItems":10001})", R"({"maxBytes":1})", R"({"maxBytes":1048577})",
        R"({"timeoutMs":24})", R"({"timeoutMs":30001})", R"({"timeoutMs":-1})", R"({"timeoutMs":"100"})", "[]"}) {
    EXPECT_FALSE(parse(with(fmt::format(R"(,"buffering":{})", buffering)))) << buffering;
  }
  EXPECT_TRUE(parse(with(R"(,"buffering":{"maxItems":10000,"maxBytes":1048576,"timeoutMs":25})")));
}

TEST(SubscriptionTest, GoesNowhereButIntoTheSandbox) {
  for (const std::string_view uri : {"http://example.com:80", "https://sandbox:80", "http://sandbox:9001",
                                     "http://sandbox:0", "http://sandbox:70000", "http://sandbox:80 /",
                                     "http://sandbox:80/a b", "http://user@sandbox:80", "", "http://sandbox:8x"}) {
    EXPECT_FALSE(parse(fmt::format(
        R"({{"schemaVersion":"2022-07-01","types":["function"],"destination":{{"protocol":"HTTP","URI":"{}"}}}})",
        uri)))
        << uri;
  }
}

TEST(SubscriptionTest, RefusesWhatIsNone) {
  for (const std::string_view body : {"", "[]", "{}", "nonsense", R"({"schemaVersion":"1999-01-01"})"}) {
    EXPECT_FALSE(parse(body)) << body;
  }
}

TEST(TelemetryPathTest, BelongsToOneOfTheTwo) {
  EXPECT_TRUE(is_telemetry_path("/2022-07-01/telemetry"));
  EXPECT_TRUE(is_telemetry_path("/2022-07-01/telemetry/"));
  EXPECT_EQ(telemetry_api_of("/2020-08-15/logs"), TelemetryApi::logs);
  EXPECT_EQ(telemetry_api_of("/2022-07-01/telemetry/"), TelemetryApi::telemetry);
  EXPECT_FALSE(is_telemetry_path("/2022-07-01/telemetryx"));
}

}  // namespace
}  // namespace lambent::extensions
