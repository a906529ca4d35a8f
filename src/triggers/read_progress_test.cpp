#include "triggers/read_progress.h"

#include <gtest/gtest.h>

namespace lambent::triggers {
namespace {

TEST(ReadProgress, MovesOnlyWhenAllBeforeIsDone) {
  ReadProgress progress("9");
  const auto a = progress.add("10");
  const auto b = progress.add("11");
  const auto c = progress.add("12");
  EXPECT_EQ(progress.ahead(), 3U);
  progress.done(b);
  EXPECT_EQ(progress.position(), "9");
  progress.done(a);
  EXPECT_EQ(progress.position(), "11");
  EXPECT_EQ(progress.ahead(), 1U);
  progress.done(c);
  EXPECT_EQ(progress.position(), "12");
  progress.done(progress.add("13"));
  EXPECT_EQ(progress.position(), "13");
  EXPECT_EQ(progress.ahead(), 0U);
}

}  // namespace
}  // namespace lambent::triggers
