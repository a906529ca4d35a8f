#include "catalog/function_name.h"

#include <gtest/gtest.h>

namespace lambent::catalog {
namespace {

using Kind = NameError::Kind;

TEST(FunctionName, TakesABareName) {
  const auto parsed = parse_function_name("hello_World-1");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->name, "hello_World-1");
  EXPECT_EQ(parsed->qualifier, "");
}

TEST(FunctionName, TakesEveryFormWithAQualifier) {
  for (const char* text : {"hello:$LATEST", "function:hello:$LATEST", "123456789012:function:hello:$LATEST",
                           "arn:aws:lambda:us-east-1:123456789012:function:hello:$LATEST"}) {
    const auto parsed = parse_function_name(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->name, "hello") << text;
    EXPECT_EQ(parsed->qualifier, "$LATEST") << text;
  }
}

TEST(FunctionName, TakesAFullArnApart) {
  const auto parsed = parse_function_name("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:hello:live");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->region, "us-gov-west-1");
  EXPECT_EQ(parsed->account, "123456789012");
  EXPECT_EQ(parsed->qualifier, "live");
}

TEST(FunctionName, LetsAFunctionBeCalledArnOrFunction) {
  EXPECT_EQ(parse_function_name("arn")->name, "arn");
  EXPECT_EQ(parse_function_name("function")->name, "function");
}

TEST(FunctionName, RefusesWhatNoFormAllows) {
  for (const char* text : {"",
                           " ",
                           "a b",
                           "a/b",
                           "../x",
                           "hello:",
                           ":hello",
                           "hello:a:b",
                           "hello:$OTHER",
                           "a.b",
                           "a:b:c:d:e:f:g:h:i:j:k",
                           "arn:aws:lambda:us-east-1:123456789012:function:",
                           "arn:aws:lambda:us-east-1:12345:function:hello",
                           "arn:aws:s3:us-east-1:123456789012:function:hello",
                           "arn:aws:lambda:nowhere:123456789012:function:hello",
                           "arn:aws:lambda:us-east-1:123456789012:layer:hello",
                           "arn:aws:lambda:us-east-1:123456789012:function:h:q:more",
                           "12345:function:hello",
                           "h\xc3\xa9llo",
                           "h\nello"}) {
    const auto parsed = parse_function_name(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, Kind::malformed) << text;
  }
  EXPECT_FALSE(parse_function_name(std::string_view("a\0b", 3)));
}

TEST(FunctionName, TakesSixtyFourCharactersAndNoMore) {
  EXPECT_TRUE(parse_function_name(std::string(64, 'a')));
  const auto parsed = parse_function_name(std::string(65, 'a'));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, Kind::too_long);
  EXPECT_TRUE(parsed.error().message.ends_with("Member must have length less than or equal to 64"));
}

TEST(FunctionName, RefusesAnotherRegionAsNotReachable) {
  const auto resolved = resolve_function_name(Home{}, "arn:aws:lambda:eu-west-1:000000000000:function:hello");
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().kind, Kind::other_region);
  EXPECT_EQ(resolved.error().message, "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
}

TEST(FunctionName, RefusesAnotherAccount) {
  const auto resolved = resolve_function_name(Home{}, "123456789012:function:hello");
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().kind, Kind::other_account);
}

TEST(FunctionName, TakesTheQualifierFromEitherPlaceAndRefusesTwoThatDiffer) {
  EXPECT_EQ(resolve_function_name(Home{}, "hello", "$LATEST")->qualifier, "$LATEST");
  EXPECT_EQ(resolve_function_name(Home{}, "hello:$LATEST", "$LATEST")->qualifier, "$LATEST");
  EXPECT_EQ(resolve_function_name(Home{}, "hello:live")->qualifier, "live");
  const auto resolved = resolve_function_name(Home{}, "hello:live", "$LATEST");
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().kind, Kind::qualifier_mismatch);
  EXPECT_EQ(resolved.error().message,
            "The derived qualifier from the function name does not match the specified qualifier.");
}

TEST(Home, WritesArns) {
  EXPECT_EQ(Home{}.function_arn("hello"), "arn:aws:lambda:us-east-1:000000000000:function:hello");
  EXPECT_EQ(Home{}.function_arn("hello", "3"), "arn:aws:lambda:us-east-1:000000000000:function:hello:3");
}

}  // namespace
}  // namespace lambent::catalog
