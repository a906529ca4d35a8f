#include "tables/item_codec.h"

#include <gtest/gtest.h>

#include "tables/test_items.h"

namespace lambent::tables {
namespace {

TEST(ItemCodec, EveryTypeReadsBack) {
  const Item item = {{"s", S("text")},
                     {"empty", S("")},
                     {"n", N("-12.5")},
                     {"b", B(std::string("\0\xff", 2))},
                     {"yes", Bool(true)},
                     {"no", Bool(false)},
                     {"null", AttributeValue()},
                     {"l", L({S("a"), N("1"), L({})})},
                     {"m", M({{"x", M({{"y", N("0")}})}})},
                     {"ss", SS({"b", "a"})},
                     {"ns", NS({"1", "2.50"})}};
  const auto decoded = decode_item(encode_item(item));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, item);
}

TEST(ItemCodec, EveryTruncationIsRefused) {
  const Item item = {{"a", L({S("x"), NS({"1", "2"}), M({{"k", B("v")}})})}, {"b", N("1234567890")}};
  const std::string whole = encode_item(item);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(decode_item(std::string_view(whole).substr(0, length))) << length;
  }
  EXPECT_FALSE(decode_item(whole + "x"));
}

TEST(ItemCodec, EveryChangedByteIsRefusedOrReadsAsSomeItem) {
  const std::string whole = encode_item({{"a", L({S("x"), NS({"1", "2"}), M({{"k", B("v")}})})}});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      if (const auto item = decode_item(changed)) EXPECT_LE(item->size(), whole.size());
    }
  }
}

TEST(SizeOf, CountsAsDynamoDbDoes) {
  EXPECT_EQ(size_of(Item{{"id", S("abc")}}), 5U);
  EXPECT_EQ(size_of(Item{{"n", N("1")}}), 1U + 2U);
  EXPECT_EQ(size_of(Item{{"n", N("-123")}}), 1U + 4U);
  EXPECT_EQ(size_of(Item{{"b", Bool(true)}, {"x", AttributeValue()}}), 4U);
  EXPECT_EQ(size_of(Item{{"l", L({S("ab"), S("c")})}}), 1U + 3U + 3U + 2U);
  EXPECT_EQ(size_of(Item{{"ss", SS({"ab", "c"})}}), 2U + 3U);
}

}  // namespace
}  // namespace lambent::tables
