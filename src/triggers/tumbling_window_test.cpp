#include "triggers/tumbling_window.h"

#include <gtest/gtest.h>

namespace lambent::triggers {
namespace {

TEST(TumblingWindow, BeginsAtAWholeMultipleOfItsLength) {
  EXPECT_EQ(window_of(119'999, 60), (TumblingWindow{.start_ms = 60'000, .end_ms = 120'000}));
  EXPECT_EQ(window_of(120'000, 60), (TumblingWindow{.start_ms = 120'000, .end_ms = 180'000}));
}

TEST(TumblingWindow, ItsEventHasAwsMembers) {
  const TumblingWindow window{.start_ms = 1'600'000'020'000, .end_ms = 1'600'000'080'000, .state = R"({"n":1})"};
  EXPECT_EQ(window_members(window, WindowCall::aggregate, "s-1", "arn"),
            R"(,"window":{"start":"2020-09-13T12:27:00Z","end":"2020-09-13T12:28:00Z"},"state":{"n":1},)"
            R"("shardId":"s-1","eventSourceARN":"arn","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false)");
  EXPECT_TRUE(window_members(window, WindowCall::final, "s", "a")
                  .ends_with(R"("isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false)"));
  EXPECT_TRUE(window_members(window, WindowCall::early_final, "s", "a")
                  .ends_with(R"("isFinalInvokeForWindow":true,"isWindowTerminatedEarly":true)"));
}

TEST(TumblingWindow, TheStateIsTakenAsItStands) {
  EXPECT_EQ(returned_state(R"({"a":[{"state":0}], "state" : {"n": 123456789012345678901234567890, "x":[1,2]} })"),
            R"({"n": 123456789012345678901234567890, "x":[1,2]})");
  EXPECT_EQ(returned_state(R"({"state":7})"), "7");
  EXPECT_EQ(returned_state(R"({"state":"a b"})"), R"("a b")");
  EXPECT_EQ(returned_state(R"({"state":)" + std::string(500, '[') + std::string(500, ']') + "}"),
            std::string(500, '[') + std::string(500, ']'));
}

TEST(TumblingWindow, NoStateIsNone) {
  for (const char* answer : {"", "null", "[]", "7", "{}", R"({"batchItemFailures":[]})", R"({"state":)",
                             R"({"state":{]})", R"({"state":{"a":tru}})", R"({"state":{}} x)", "\"state\""}) {
    EXPECT_EQ(returned_state(answer), std::nullopt) << answer;
  }
}

}  // namespace
}  // namespace lambent::triggers
