#include "edge/http.h"

#include <gtest/gtest.h>

namespace lambent::edge {
namespace {

using namespace std::string_literals;

TEST(Headers, FindsFieldsWithoutRegardToCase) {
  Headers headers{{"Content-Type", "a/b"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(headers.get("content-type"), "a/b");
  EXPECT_EQ(headers.get_all("X"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_FALSE(headers.get("Y"));
  EXPECT_EQ(headers.get_or("Y", "z"), "z");
}

TEST(Headers, ReplacesAllFieldsOfAName) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}};
  EXPECT_TRUE(headers.set("a", *headers.get("B")));
  EXPECT_EQ(headers.wire(), "B: 2\r\na: 2\r\n");
  headers.remove("b");
  EXPECT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].value, "2");
}

TEST(Headers, TakeNothingThatWouldSplitAMessage) {
  Headers headers{{"A", "kept"}};
  EXPECT_FALSE(headers.add("B", "x\r\nC: d"));
  EXPECT_FALSE(headers.add("B", "x\ny"));
  EXPECT_FALSE(headers.add("B", "x\0y"s));
  EXPECT_FALSE(headers.add("B: c", "x"));
  EXPECT_FALSE(headers.add("", "x"));
  EXPECT_FALSE(headers.set("A", "x\r"));
  EXPECT_EQ(headers.wire(), "A: kept\r\n");
  EXPECT_TRUE(headers.add("B", "\t trimmed "));
  EXPECT_EQ(headers.get("B"), "trimmed");
}

TEST(RequestHead, SplitsItsTargetAtTheFirstQuestionMark) {
  RequestHead head;
  head.target = "/a/b%2F?c=d?e";
  EXPECT_EQ(head.path(), "/a/b%2F");
  EXPECT_EQ(head.query(), "c=d?e");
  head.target = "/a";
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "");
}

}  // namespace
}  // namespace lambent::edge
