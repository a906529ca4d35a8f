#include "invoke/event.h"

#include <gtest/gtest.h>

namespace lambent::invoke {
namespace {

Event sample() {
  return {.function_name = "f",
          .invoked_arn = "arn:aws:lambda:us-east-1:000000000000:function:f",
          .payload = std::string("{\"a\":\"\0\"}", 9),
          .client_context = "{}",
          .trace_header = "Root=1-x",
          .request_id = "6a1f",
          .accepted_ms = 1'795'412'040'123,
          .attempts = 2};
}

TEST(Event, ComesBackFromItsBytes) {
  const auto back = decode_event(encode(sample()));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->function_name, "f");
  EXPECT_EQ(back->payload, sample().payload);
  EXPECT_EQ(back->request_id, "6a1f");
  EXPECT_EQ(back->accepted_ms, sample().accepted_ms);
  EXPECT_EQ(back->attempts, 2U);
}

TEST(Event, EveryTruncationAndAnyTailIsRefused) {
  const std::string bytes = encode(sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_event(bytes.substr(0, n))) << n;
  EXPECT_FALSE(decode_event(bytes + "x"));
}

TEST(Event, ANewerFormatIsRefused) {
  std::string bytes = encode(sample());
  bytes[0] = 2;
  EXPECT_FALSE(decode_event(bytes));
}

}  // namespace
}  // namespace lambent::invoke
