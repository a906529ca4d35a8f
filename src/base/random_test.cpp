#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace lambent {
namespace {

TEST(Random, UuidsHaveVersionFourForm) {
  SystemRandom random;
  const std::string id = random.uuid();
  ASSERT_EQ(id.size(), 36U);
  EXPECT_EQ(id[8], '-');
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
}

TEST(Random, TenThousandUuidsDiffer) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(random.uuid()).second);
}

TEST(Random, BelowCoversItsWholeRangeAndNothingElse) {
  FakeRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(*seen.rbegin(), 6U);
}

TEST(Random, TextUsesOnlyItsAlphabet) {
  SystemRandom random;
  const std::string text = random.text(200, "ab");
  EXPECT_EQ(text.find_first_not_of("ab"), std::string::npos);
  EXPECT_EQ(text.size(), 200U);
}

}  // namespace
}  // namespace lambent
