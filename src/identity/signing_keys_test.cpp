#include "identity/signing_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace lambent::identity {
namespace {

Digest digest_of(int number) {
  Digest digest{};
  digest.front() = static_cast<std::byte>(number);
  return digest;
}

TEST(SigningKeys, AreFoundByDateRegionAndServiceTogether) {
  SigningKeys keys;
  keys.keep({"20261123", "us-east-1", "lambda"}, digest_of(1));
  keys.keep({"20261123", "us-east-1", "dynamodb"}, digest_of(2));
  EXPECT_EQ(*keys.find({"20261123", "us-east-1", "lambda"}), digest_of(1));
  EXPECT_EQ(*keys.find({"20261123", "us-east-1", "dynamodb"}), digest_of(2));
  EXPECT_EQ(keys.find({"20261124", "us-east-1", "lambda"}), nullptr);
  EXPECT_EQ(keys.find({"20261123", "us-east-2", "lambda"}), nullptr);
  EXPECT_EQ(keys.find({"20261123", "us-east-1", "sts"}), nullptr);
}

TEST(SigningKeys, TheOneUsedLongestAgoGoesFirst) {
  SigningKeys keys;
  for (std::size_t i = 0; i < SigningKeys::kMax; ++i) {
    keys.keep({"20261123", "region-" + std::to_string(i), "lambda"}, digest_of(static_cast<int>(i)));
  }
  ASSERT_NE(keys.find({"20261123", "region-0", "lambda"}), nullptr);
  keys.keep({"20261123", "another", "lambda"}, digest_of(99));
  EXPECT_EQ(keys.size(), SigningKeys::kMax);
  EXPECT_EQ(keys.find({"20261123", "region-1", "lambda"}), nullptr);
  EXPECT_EQ(*keys.find({"20261123", "region-0", "lambda"}), digest_of(0));
  EXPECT_EQ(*keys.find({"20261123", "another", "lambda"}), digest_of(99));
}

TEST(SigningKeys, ACopyStartsEmpty) {
  SigningKeys keys;
  keys.keep({"20261123", "us-east-1", "lambda"}, digest_of(1));
  SigningKeys copy(keys);
  EXPECT_EQ(copy.size(), 0U);
  copy = keys;
  EXPECT_EQ(copy.size(), 0U);
  EXPECT_EQ(keys.size(), 1U);
}

}  // namespace
}  // namespace lambent::identity
