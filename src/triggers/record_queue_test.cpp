#include "triggers/record_queue.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace lambent::triggers {
namespace {

constexpr std::int64_t kNoBorder = std::numeric_limits<std::int64_t>::max();
constexpr Monotonic kStart{};

StreamRecord record(std::int64_t arrived_ms, std::size_t bytes = 9) {
  return {.sequence = "1", .json = std::string(bytes, 'x'), .arrived_ms = arrived_ms};
}

TEST(RecordQueue, WithoutAWindowWhatThereIsMakesABatch) {
  RecordQueue queue({.records = 2, .bytes = 1000});
  EXPECT_FALSE(queue.is_ready(kStart, kNoBorder, true));
  for (int i = 0; i < 3; ++i) queue.push(record(i), kStart);
  EXPECT_TRUE(queue.is_ready(kStart, kNoBorder, false));
  EXPECT_EQ(queue.take(kNoBorder).size(), 2U);
  EXPECT_EQ(queue.take(kNoBorder).size(), 1U);
  EXPECT_TRUE(queue.is_empty());
}

TEST(RecordQueue, ABatchThatIsNotFullWaitsForItsWindow) {
  RecordQueue queue({.records = 2, .bytes = 1000, .window = std::chrono::seconds(5)});
  queue.push(record(0), kStart);
  EXPECT_FALSE(queue.is_ready(kStart + std::chrono::seconds(4), kNoBorder, false));
  EXPECT_TRUE(queue.is_ready(kStart + std::chrono::seconds(5), kNoBorder, false));
  EXPECT_EQ(queue.ready_at(), kStart + std::chrono::seconds(5));
  EXPECT_TRUE(queue.is_ready(kStart, kNoBorder, true)) << "nothing more can come";
  queue.push(record(0), kStart);
  EXPECT_TRUE(queue.is_ready(kStart, kNoBorder, false)) << "full";
  queue.take(kNoBorder);
  queue.push(record(0), kStart);
  queue.close();
  EXPECT_TRUE(queue.is_ready(kStart, kNoBorder, false));
}

TEST(RecordQueue, BytesEndABatchButNotBeforeItsFirstRecord) {
  RecordQueue queue({.records = 10, .bytes = 25, .window = std::chrono::seconds(5)});
  queue.push(record(0, 100), kStart);
  queue.push(record(0), kStart);
  EXPECT_TRUE(queue.is_ready(kStart, kNoBorder, false));
  EXPECT_EQ(queue.take(kNoBorder).size(), 1U);
  queue.push(record(0), kStart);
  queue.push(record(0), kStart);
  EXPECT_EQ(queue.take(kNoBorder).size(), 2U) << "ten bytes each with its comma";
}

TEST(RecordQueue, ABorderEndsABatch) {
  RecordQueue queue({.records = 10, .bytes = 1000, .window = std::chrono::seconds(5)});
  queue.push(record(999), kStart);
  EXPECT_FALSE(queue.is_ready(kStart, 1000, false));
  queue.push(record(1000), kStart);
  EXPECT_TRUE(queue.is_ready(kStart, 1000, false));
  EXPECT_EQ(queue.take(1000).size(), 1U);
  EXPECT_EQ(queue.front_arrived_ms(), 1000);
}

}  // namespace
}  // namespace lambent::triggers
