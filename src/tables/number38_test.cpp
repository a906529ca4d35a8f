#include "tables/number38.h"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_dec_float.hpp>
#include <random>

namespace lambent::tables {
namespace {

using Fault = Number38::Fault;
// Enough digits for every sum of two numbers of the range to be exact.
using Oracle = boost::multiprecision::number<boost::multiprecision::cpp_dec_float<320>>;

Number38 number(std::string_view text) {
  const auto parsed = Number38::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Number38());
}

TEST(Number38, PrintsPlainDigitsWithoutSuperfluousZeros) {
  const std::pair<const char*, const char*> cases[] = {{"0", "0"},
                                                       {"-0", "0"},
                                                       {"+0.000", "0"},
                                                       {"1", "1"},
                                                       {"-1", "-1"},
                                                       {"1.50", "1.5"},
                                                       {"007", "7"},
                                                       {"100", "100"},
                                                       {"1e3", "1000"},
                                                       {"1E-3", "0.001"},
                                                       {"12.34E1", "123.4"},
                                                       {".5", "0.5"},
                                                       {"5.", "5"},
                                                       {"-12.5e-1", "-1.25"},
                                                       {"0e999999999999", "0"},
                                                       {"123456789.0123456789", "123456789.0123456789"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(number(text).to_string(), expected) << text;
}

TEST(Number38, KeepsAllThirtyEightDigits) {
  const std::string digits = "12345678901234567890123456789012345678";
  EXPECT_EQ(number(digits).to_string(), digits);
  EXPECT_EQ(number("-" + digits + "E-38").to_string(), "-0." + digits);
  EXPECT_EQ(number("99999999999999999999999999999999999999E88").to_string(),
            std::string(38, '9') + std::string(88, '0'));
}

TEST(Number38, RefusesThirtyNineDigitsAndWhatIsOutOfRange) {
  EXPECT_EQ(Number38::parse("123456789012345678901234567890123456789").error(), Fault::too_many_digits);
  EXPECT_EQ(Number38::parse("1.00000000000000000000000000000000000001").error(), Fault::too_many_digits);
  EXPECT_EQ(Number38::parse("1" + std::string(60, '0') + "1").error(), Fault::too_many_digits);
  EXPECT_TRUE(Number38::parse("123456789012345678901234567890123456780"));  // the last zero does not count
  EXPECT_TRUE(Number38::parse("9.9999999999999999999999999999999999999E125"));
  EXPECT_EQ(Number38::parse("1E126").error(), Fault::overflow);
  EXPECT_EQ(Number38::parse("-1E126").error(), Fault::overflow);
  EXPECT_EQ(Number38::parse("1E99999999999999999999").error(), Fault::overflow);
  EXPECT_TRUE(Number38::parse("1E-130"));
  EXPECT_EQ(Number38::parse("1E-131").error(), Fault::underflow);
  EXPECT_EQ(Number38::parse("0." + std::string(300, '0') + "1").error(), Fault::underflow);
}

TEST(Number38, RefusesWhatIsNoNumber) {
  for (const auto* text : {"", "-", "+", ".", "e5", "1e", "1e+", "1 ", " 1", "1_0", "NaN", "Infinity", "0x10", "1,5",
                           "--1", "1.2.3", "1e5.0"}) {
    const auto parsed = Number38::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), Fault::not_a_number) << text;
  }
}

// Numbers of every length and magnitude, with many zeros and nines at the ends, where carries happen.
std::string random_number(std::mt19937& random) {
  const int length = 1 + static_cast<int>(random() % 38);
  std::string digits;
  for (int i = 0; i < length; ++i) {
    const auto kind = random() % 4;
    digits += kind == 0 ? '9' : kind == 1 ? '0' : static_cast<char>('0' + random() % 10);
  }
  const int spread = random() % 2 == 0 ? 10 : 160;
  const int exponent = static_cast<int>(random() % static_cast<unsigned>(spread)) - spread / 2 - length / 2;
  return (random() % 2 == 0 ? "-" : "") + digits + "E" + std::to_string(exponent);
}

TEST(Number38, AgreesWithTheOracleInOrderSumAndDifference) {
  std::mt19937 random(11);
  int exact_sums = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto left_text = random_number(random);
    const auto right_text = random_number(random);
    const auto left = Number38::parse(left_text);
    const auto right = Number38::parse(right_text);
    if (!left || !right) continue;
    const Oracle a(left_text), b(right_text);
    ASSERT_EQ(*left < *right, a < b) << left_text << " " << right_text;
    ASSERT_EQ(*left == *right, a == b) << left_text << " " << right_text;
    ASSERT_EQ(Oracle(left->to_string()), a) << left_text;
    std::string left_key, right_key;
    left->append_ordered(left_key);
    right->append_ordered(right_key);
    ASSERT_EQ(left_key < right_key, a < b) << left_text << " " << right_text;
    for (const bool plus : {true, false}) {
      const auto result = plus ? left->plus(*right) : left->minus(*right);
      const Oracle expected = plus ? Oracle(a + b) : Oracle(a - b);
      // What the oracle's digits say is what may be refused.
      const auto reparsed = Number38::parse(expected.str(0, std::ios_base::scientific));
      ASSERT_EQ(result.has_value(), reparsed.has_value()) << left_text << (plus ? " + " : " - ") << right_text;
      if (!result) continue;
      ++exact_sums;
      ASSERT_EQ(*result, *reparsed) << left_text << (plus ? " + " : " - ") << right_text;
    }
  }
  EXPECT_GT(exact_sums, 5'000);
}

TEST(Number38, EncodingsReadBackAndEndByThemselves) {
  std::mt19937 random(13);
  for (int i = 0; i < 5'000; ++i) {
    const auto parsed = Number38::parse(random_number(random));
    if (!parsed) continue;
    std::string ordered, compact;
    parsed->append_ordered(ordered);
    parsed->append_compact(compact);
    ordered += "tail";
    compact += "tail";
    std::string_view in = ordered;
    ASSERT_EQ(Number38::read_ordered(in), *parsed);
    ASSERT_EQ(in, "tail");
    in = compact;
    ASSERT_EQ(Number38::read_compact(in), *parsed);
    ASSERT_EQ(in, "tail");
  }
}

TEST(Number38, ConvertsIntegers) {
  for (const std::int64_t value : {INT64_MIN, INT64_MAX, std::int64_t{0}, std::int64_t{-1}, std::int64_t{1200}}) {
    EXPECT_EQ(Number38(value).to_string(), std::to_string(value));
    if (value != INT64_MIN) EXPECT_EQ(Number38(value).as_int64(), value);
  }
  EXPECT_FALSE(number("1.5").as_int64());
  EXPECT_FALSE(number("1E30").as_int64());
}

}  // namespace
}  // namespace lambent::tables
