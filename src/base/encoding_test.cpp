#include "base/encoding.h"

#include <gtest/gtest.h>

namespace lambent {
namespace {

TEST(Encoding, Base64RoundTripsEveryLength) {
  for (std::size_t n = 0; n < 64; ++n) {
    std::string bytes;
    for (std::size_t i = 0; i < n; ++i) bytes += static_cast<char>(i * 37 + n);
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes) << n;
  }
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
}

TEST(Encoding, Base64RefusesWhatIsNotBase64) {
  for (const char* bad : {"Zg", "Zg=", "Z===", "Zm9v\n", "Zm 9", "=AAA", "Zm9v=AAA"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Encoding, HexRoundTripsAndRefusesOddLengths) {
  EXPECT_EQ(hex_encode(bytes_of("\x01\xfe")), "01fe");
  EXPECT_EQ(hex_decode("01FE"), "\x01\xfe");
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
}

TEST(Encoding, PercentEncodingFollowsSigV4) {
  EXPECT_EQ(percent_encode("a b/c~é"), "a%20b%2Fc~%C3%A9");
  EXPECT_EQ(percent_encode("a/b", true), "a/b");
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("a+c", true), "a c");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%4"));
  EXPECT_FALSE(percent_decode("%zz"));
}

TEST(Encoding, Utf8RefusesSurrogatesAndOverlongForms) {
  EXPECT_TRUE(is_utf8("plain, é, 漢, 😀"));
  for (const char* bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace lambent
