#include "event_pattern/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace lambent::event_pattern {
namespace {

bool matches(std::string_view pattern, std::string_view event) {
  const auto parsed = Pattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern << ": " << (parsed ? "" : parsed.error().detail);
  return parsed && parsed->matches(event);
}

std::string refusal(std::string_view pattern) {
  const auto parsed = Pattern::parse(pattern);
  return parsed ? "accepted" : parsed.error().detail;
}

// One row: a test of the field "a", an event's value of it, whether it holds.
struct Row {
  const char* test;
  const char* value;
  bool holds;
};

class EventPattern : public testing::TestWithParam<Row> {};

TEST_P(EventPattern, TestsOneValue) {
  const auto& row = GetParam();
  const auto event =
      row.value[0] == '-' && row.value[1] == 0 ? std::string("{}") : std::string("{\"a\":") + row.value + "}";
  EXPECT_EQ(matches(std::string("{\"a\":") + row.test + "}", event), row.holds) << row.test << " of " << event;
}

// "-" is an event without the field.
constexpr Row kRows[] = {
    {R"(["x"])", R"("x")", true},
    {R"(["x"])", R"("X")", false},
    {R"(["x","y"])", R"("y")", true},
    {R"(["x"])", "-", false},
    {R"([""])", R"("")", true},
    {R"([1])", "1", true},
    {R"([1])", "1.0", true},
    {R"([1])", R"("1")", false},
    {R"(["1"])", "1", false},
    {R"([null])", "null", true},
    {R"([null])", "-", false},
    {R"([true])", "true", true},
    {R"([true])", "false", false},
    {R"(["x"])", R"(["y","x"])", true},
    {R"(["x"])", R"([["x"]])", true},
    {R"(["x"])", R"([])", false},
    {R"(["x"])", R"({"x":1})", false},
    {R"([{"prefix":"ab"}])", R"("abc")", true},
    {R"([{"prefix":"ab"}])", R"("a")", false},
    {R"([{"prefix":{"equals-ignore-case":"AB"}}])", R"("aBc")", true},
    {R"([{"suffix":".png"}])", R"("a.png")", true},
    {R"([{"suffix":".png"}])", R"("a.PNG")", false},
    {R"([{"suffix":{"equals-ignore-case":".PNG"}}])", R"("a.pNg")", true},
    {R"([{"equals-ignore-case":"ABC"}])", R"("aBc")", true},
    {R"([{"equals-ignore-case":"ABC"}])", R"("abcd")", false},
    {R"([{"wildcard":"a*c"}])", R"("abbc")", true},
    {R"([{"wildcard":"a*c"}])", R"("ac")", true},
    {R"([{"wildcard":"a*a"}])", R"("a")", false},
    {R"([{"wildcard":"*x*y*"}])", R"("1x2y3")", true},
    {R"([{"wildcard":"*x*y*"}])", R"("1y2x3")", false},
    {R"([{"wildcard":"a\\*c"}])", R"("a*c")", true},
    {R"([{"wildcard":"a\\*c"}])", R"("abc")", false},
    {R"([{"wildcard":"abc"}])", R"("abc")", true},
    {R"([{"cidr":"10.0.0.0/24"}])", R"("10.0.0.255")", true},
    {R"([{"cidr":"10.0.0.0/24"}])", R"("10.0.1.0")", false},
    {R"([{"cidr":"10.0.0.7"}])", R"("10.0.0.7")", true},
    {R"([{"cidr":"0.0.0.0/0"}])", R"("1.2.3.4")", true},
    {R"([{"cidr":"2001:db8::/33"}])", R"("2001:db8:7fff::1")", true},
    {R"([{"cidr":"2001:db8::/33"}])", R"("2001:db8:8000::1")", false},
    {R"([{"cidr":"10.0.0.0/24"}])", R"("word")", false},
    {R"([{"numeric":["=",3.5]}])", "3.5", true},
    {R"([{"numeric":["=",3]}])", R"("3")", false},
    {R"([{"numeric":[">",0]}])", "0", false},
    {R"([{"numeric":[">=",0]}])", "0", true},
    {R"([{"numeric":[">",0,"<=",5]}])", "5", true},
    {R"([{"numeric":["<=",5,">",0]}])", "0", false},
    {R"([{"numeric":["<",-1]}])", "-2", true},
    {R"([{"exists":true}])", "null", true},
    {R"([{"exists":true}])", "-", false},
    {R"([{"exists":true}])", R"({"b":1})", false},
    {R"([{"exists":true}])", "[]", false},
    {R"([{"exists":false}])", "-", true},
    {R"([{"exists":false}])", "[]", true},
    {R"([{"exists":false}])", R"({"b":1})", true},
    {R"([{"exists":false}])", "0", false},
    {R"([{"exists":false},"x"])", R"("x")", true},
    {R"([{"exists":false},"x"])", "-", true},
    {R"([{"exists":false},"x"])", R"("y")", false},
    {R"([{"anything-but":"x"}])", R"("y")", true},
    {R"([{"anything-but":"x"}])", R"("x")", false},
    {R"([{"anything-but":"x"}])", "1", true},
    {R"([{"anything-but":"x"}])", "-", false},
    {R"([{"anything-but":[1,2]}])", "2", false},
    {R"([{"anything-but":["x","y"]}])", R"(["x","z"])", true},
    {R"([{"anything-but":["x","y"]}])", R"(["x","y"])", false},
    {R"([{"anything-but":{"prefix":"a"}}])", R"("ab")", false},
    {R"([{"anything-but":{"prefix":["a","b"]}}])", R"("bc")", false},
    {R"([{"anything-but":{"suffix":"a"}}])", R"("ab")", true},
    {R"([{"anything-but":{"equals-ignore-case":["AB","c"]}}])", R"("aB")", false},
    {R"([{"anything-but":{"wildcard":"*/lib/*"}}])", R"("/x/lib/y")", false},
};
INSTANTIATE_TEST_SUITE_P(Tests, EventPattern, testing::ValuesIn(kRows));

TEST(EventPatternObjects, AllFieldsMustMatchAndMoreMayBeThere) {
  const auto* pattern = R"({"a":{"b":["x"],"c":{"d":[1]}},"e":["y"]})";
  EXPECT_TRUE(matches(pattern, R"({"a":{"b":"x","c":{"d":1,"z":0}},"e":"y","f":[]})"));
  EXPECT_FALSE(matches(pattern, R"({"a":{"b":"x","c":{"d":2}},"e":"y"})"));
  EXPECT_FALSE(matches(pattern, R"({"a":"x","e":"y"})"));
  EXPECT_FALSE(matches(pattern, R"({"e":"y"})"));
}

TEST(EventPatternObjects, OneObjectOfAnArrayMeetsAllThatIsSaidOfIt) {
  const auto* pattern = R"({"people":{"first":["Ann"],"last":["Lee"]}})";
  EXPECT_TRUE(matches(pattern, R"({"people":[{"first":"Bob"},{"first":"Ann","last":"Lee"}]})"));
  EXPECT_FALSE(matches(pattern, R"({"people":[{"first":"Ann","last":"Ray"},{"first":"Bob","last":"Lee"}]})"));
}

TEST(EventPatternObjects, AbsenceHoldsWhereThePathIsNowhere) {
  const auto* pattern = R"({"a":{"b":[{"exists":false}]}})";
  EXPECT_TRUE(matches(pattern, R"({})"));
  EXPECT_TRUE(matches(pattern, R"({"a":{"c":1}})"));
  EXPECT_TRUE(matches(pattern, R"({"a":[{"c":1},{}]})"));
  EXPECT_FALSE(matches(pattern, R"({"a":[{"b":1},{}]})"));
}

TEST(EventPatternObjects, OfEachOrOneAlternativeMatchesBesideAllElse) {
  const auto* pattern = R"({"k":[1],"$or":[{"a":["x"]},{"b":{"c":[{"numeric":[">",3]}]}}]})";
  EXPECT_TRUE(matches(pattern, R"({"k":1,"a":"x"})"));
  EXPECT_TRUE(matches(pattern, R"({"k":1,"b":{"c":4}})"));
  EXPECT_FALSE(matches(pattern, R"({"k":1,"b":{"c":3}})"));
  EXPECT_FALSE(matches(pattern, R"({"k":2,"a":"x"})"));
  EXPECT_TRUE(matches(R"({"a":{"$or":[{"x":[1]},{"y":[2]}]}})", R"({"a":[{"x":0},{"y":2}]})"));
  EXPECT_TRUE(matches(R"({"$or":["x"]})", R"({"$or":"x"})"));
}

TEST(EventPatternObjects, AnEventThatIsNoObjectIsNotWanted) {
  for (const char* event : {"[]", "1", "\"x\"", "", "{", "null"}) {
    EXPECT_FALSE(matches(R"({"a":[{"exists":false}]})", event)) << event;
  }
}

TEST(EventPatternText, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("[]"), "filter is not an object");
  EXPECT_EQ(refusal("{}"), "empty objects are not allowed");
  EXPECT_EQ(refusal(R"({"a":[]})"), "empty arrays are not allowed");
  EXPECT_EQ(refusal(R"({"a":"x"})"), "\"a\" must be an object or an array");
  EXPECT_EQ(refusal(R"({"a":[["x"]]})"), "an array of tests holds no arrays");
  EXPECT_EQ(refusal(R"({"a":[{"like":"x"}]})"), "unrecognized match type like");
  EXPECT_EQ(refusal(R"({"a":[{"prefix":1}]})"), "prefix match pattern must be a string");
  EXPECT_EQ(refusal(R"({"a":[{"prefix":"x","suffix":"y"}]})"), "a match type is an object with one field");
  EXPECT_EQ(refusal(R"({"a":[{"wildcard":"a**b"}]})"), "consecutive wildcard characters");
  EXPECT_EQ(refusal(R"({"a":[{"exists":"x"}]})"), "exists match pattern must be either true or false");
  for (const char* numeric : {R"([">"])", R"([">","x"])", R"(["!",1])", R"([">",1,">",2])", R"([">",5,"<",5])",
                              R"(["=",1,"<",5])", R"(["=",6e9])", "5", "[]"}) {
    EXPECT_NE(refusal(std::string(R"({"a":[{"numeric":)") + numeric + "}]}"), "accepted") << numeric;
  }
  for (const char* cidr : {"10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "::1/129", ""}) {
    EXPECT_NE(refusal(std::string(R"({"a":[{"cidr":")") + cidr + "\"}]}"), "accepted") << cidr;
  }
  for (const char* but : {"[]", "{}", R"({"numeric":["=",1]})", R"([{"prefix":"x"}])", R"({"prefix":[]})"}) {
    EXPECT_NE(refusal(std::string(R"({"a":[{"anything-but":)") + but + "}]}"), "accepted") << but;
  }
  EXPECT_NE(refusal(R"({"a":["x"])"), "accepted");
  EXPECT_NE(refusal("{\"a\":[\"" + std::string(Pattern::kMostBytes, 'x') + "\"]}"), "accepted");
}

}  // namespace
}  // namespace lambent::event_pattern
