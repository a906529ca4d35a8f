#include "invoke/outcome_record.h"

#include <gtest/gtest.h>

namespace lambent::invoke {
namespace {

std::string record_of(std::string payload, const Answer* answer) {
  Event event{.function_name = "f", .invoked_arn = "arn:aws:lambda:us-east-1:000000000000:function:f"};
  event.payload = std::move(payload);
  return outcome_record(event, "", Condition::success, answer, Wall{});
}

TEST(OutcomeRecord, CarriesPayloadsByteForByte) {
  const Answer answer{.executed_version = "3", .payload = R"([1e300, "\u00e9"])"};
  const auto record = record_of(R"({"n": 12345678901234567890123, "one": 1.0})", &answer);
  EXPECT_TRUE(record.contains(R"("requestPayload":{"n": 12345678901234567890123, "one": 1.0},"responseContext":{)"))
      << record;
  EXPECT_TRUE(record.ends_with(R"("responsePayload":[1e300, "\u00e9"]})")) << record;
}

TEST(OutcomeRecord, QuotesWhatIsNoJson) {
  EXPECT_TRUE(record_of("say \"hello\"", nullptr).ends_with(R"("requestPayload":"say \"hello\""})"));
  EXPECT_TRUE(record_of("1,2", nullptr).ends_with(R"("requestPayload":"1,2"})"));
  EXPECT_TRUE(record_of("", nullptr).ends_with(R"("requestPayload":""})"));
}

TEST(OutcomeRecord, QuotesWhatIsNestedTooDeeply) {
  const std::string deep = std::string(600, '[') + std::string(600, ']');
  EXPECT_TRUE(record_of(deep, nullptr).ends_with(R"("requestPayload":")" + deep + "\"}"));
}

}  // namespace
}  // namespace lambent::invoke
