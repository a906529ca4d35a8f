#include "base/json_text.h"

#include <gtest/gtest.h>

namespace lambent {
namespace {

TEST(JsonString, EscapesWhatJsonDemandsAndNothingElse) {
  EXPECT_EQ(json_string("plain / é"), "\"plain / é\"");
  EXPECT_EQ(json_string("\"\\\n\r\t\b\x1f"), R"("\"\\\n\r\t\u0008\u001f")");
  EXPECT_EQ(json_string(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonString, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(json_string("\xC3"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"") << "a surrogate";
}

TEST(JsonString, EscapesDelForToml) {
  EXPECT_EQ(json_string("\x7f"), R"("\u007f")");
}

TEST(JsonString, KeepsCharactersOfAllLengths) {
  EXPECT_EQ(json_string("a\u00e9\u20ac\U0001F600"), "\"a\u00e9\u20ac\U0001F600\"");
  EXPECT_EQ(json_string("\xF4\x90\x80\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"")
      << "above U+10FFFF";
  EXPECT_EQ(json_string("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"") << "overlong";
}

TEST(JsonString, IsPutTogetherOfPiecesWithoutQuotes) {
  std::string out = "{";
  append_json_escaped(out, "a\"");
  append_json_escaped(out, "b");
  EXPECT_EQ(out, R"({a\"b)");
}

}  // namespace
}  // namespace lambent
