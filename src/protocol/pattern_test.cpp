// The automata that the generator makes of the models' regular expressions.
#include "protocol/pattern.h"

#include <gtest/gtest.h>

#include "protocol/dynamodb/tables.h"
#include "protocol/lambda/tables.h"
#include "protocol/sts/tables.h"

namespace lambent::protocol {
namespace {

const Pattern& of(const Shape& shape) {
  return *shape.constraints->pattern;
}

TEST(Pattern, FunctionNamesAreNamesPartialAndWholeArns) {
  const auto& pattern = of(lambda::tables::shape_FunctionName);
  for (const auto* good : {"f", "a-b_C9", "function:f", "000000000000:function:f", "f:PROD", "f:$LATEST",
                           "arn:aws:lambda:us-east-1:000000000000:function:f:1",
                           "arn:aws-us-gov:lambda:us-gov-west-1:000000000000:function:f"}) {
    EXPECT_TRUE(matches(pattern, good)) << good;
  }
  for (const auto* bad :
       {"", "a b", "f:", "a.b", "f:$LATES", "arn:aws:lambda:us-east-1:00000000000:function:f:1:2", "f\n"}) {
    EXPECT_FALSE(matches(pattern, bad)) << bad;
  }
}

TEST(Pattern, LookAheadIsPartOfTheAutomaton) {
  const auto& alias = of(lambda::tables::shape_Alias);  // (?!^[0-9]+$)([a-zA-Z0-9-_]+): any name but a number
  EXPECT_TRUE(matches(alias, "PROD"));
  EXPECT_TRUE(matches(alias, "1a"));
  EXPECT_TRUE(matches(alias, "-1"));
  EXPECT_FALSE(matches(alias, "1"));
  EXPECT_FALSE(matches(alias, "123456"));
  EXPECT_FALSE(matches(alias, ""));
}

TEST(Pattern, CharacterClassesAreOfCodePoints) {
  const auto& tag = of(sts::tables::shape_tagKeyType);  // [\p{L}\p{Z}\p{N}_.:/=+\-@]+
  EXPECT_TRUE(matches(tag, "Größe 日本 ٣"));
  EXPECT_FALSE(matches(tag, "a\tb"));
  EXPECT_FALSE(matches(tag, "\xF0\x9F\x98\x80")) << "a symbol is no letter";
}

TEST(Pattern, TheWholeTextMustMatch) {
  const auto& table = of(dynamodb::tables::shape_TableName);
  EXPECT_TRUE(matches(table, "My.table_1-x"));
  EXPECT_FALSE(matches(table, "My table"));
  EXPECT_FALSE(matches(table, "table\n"));
}

TEST(Pattern, LongTextsTakeOnePass) {
  // Backtracking engines need exponential time for nested repetitions on such texts.
  const auto& handler = of(lambda::tables::shape_FunctionName);
  EXPECT_TRUE(matches(handler, std::string(5'000'000, 'a')));
  EXPECT_FALSE(matches(handler, std::string(5'000'000, 'a') + "!"));
}

}  // namespace
}  // namespace lambent::protocol
