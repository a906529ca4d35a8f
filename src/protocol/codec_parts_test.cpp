// The small parts under the codecs: JSON and XML text, dates, maps, patterns.
#include <gtest/gtest.h>

#include "protocol/json_encode.h"
#include "protocol/json_writer.h"
#include "protocol/map.h"
#include "protocol/pattern.h"
#include "protocol/time_text.h"
#include "protocol/utf8.h"
#include "protocol/xml_writer.h"

namespace lambent::protocol {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("a");
  json.begin_array();
  json.integer(-1);
  json.floating(2);
  json.floating(0.1);
  json.begin_object();
  json.end_object();
  json.end_array();
  json.key("b");
  json.boolean(true);
  json.end_object();
  EXPECT_EQ(out, R"({"a":[-1,2.0,0.1,{}],"b":true})");
}

TEST(XmlText, HoldsOnlyWhatXmlCan) {
  std::string out;
  append_xml_text(out, "a<b>&\"\r\n\x02");
  EXPECT_EQ(out, "a&lt;b&gt;&amp;&quot;&#13;\n\xEF\xBF\xBD");
}

TEST(MapOfStrings, KeepsTheLastOfEqualKeysInOrder) {
  Map<int> map;
  for (int i = 0; i < 100; ++i) map.push_back("k" + std::to_string((i * 7) % 10), i);
  map.sort();
  ASSERT_EQ(map.size(), 10U);
  for (int key = 0; key < 10; ++key) {
    EXPECT_GE(*map.find("k" + std::to_string(key)), 90);
    EXPECT_EQ(map.at_index(static_cast<std::size_t>(key)).key, "k" + std::to_string(key));
  }
  map["k5x"] = 1;
  map.erase("k0");
  EXPECT_EQ(map.at_index(0).key, "k1");
  EXPECT_TRUE(map.contains("k5x"));
  EXPECT_FALSE(map.contains("k0"));
}

Timestamp at(std::int64_t ms) {
  return Timestamp(std::chrono::milliseconds(ms));
}

TEST(TimeText, GoesBothWaysInEveryFormat) {
  EXPECT_EQ(format_iso8601(at(1'421'866'952'508)), "2015-01-21T19:02:32.508Z");
  EXPECT_EQ(parse_iso8601("2015-01-21T19:02:32.508Z"), at(1'421'866'952'508));
  EXPECT_EQ(parse_iso8601("2015-01-21T20:02:32+01:00"), at(1'421'866'952'000));
  EXPECT_EQ(parse_iso8601("2015-01-21T18:32:32.5-0030"), at(1'421'866'952'500));
  EXPECT_EQ(format_http_date(at(1'421'866'952'508)), "Wed, 21 Jan 2015 19:02:32 GMT");
  EXPECT_EQ(parse_http_date("Wed, 21 Jan 2015 19:02:32 GMT"), at(1'421'866'952'000));
  EXPECT_EQ(format_epoch(at(1'421'866'952'508)), "1421866952.508");
  EXPECT_EQ(format_epoch(at(-1)), "-0.001");
  EXPECT_EQ(epoch_time(1421866952.508), at(1'421'866'952'508));
}

TEST(TimeText, RefusesWhatIsNoDate) {
  for (const auto* text : {"", "2015", "2015-02-30T00:00:00Z", "2015-01-21T24:00:00Z", "2015-01-21T19:02:32",
                           "2015-01-21T19:02:32ZZ", "2015-01-21T19:02:32+99:00", "2015-01-21 19:02:32Z"}) {
    EXPECT_FALSE(parse_iso8601(text)) << text;
  }
  for (const auto* text : {"", "Wed, ", "Wed, 21 Foo 2015 19:02:32 GMT", "Wed, 21 Jan 2015 19:02:32 UTC"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
  EXPECT_FALSE(epoch_time(1e300));
  EXPECT_FALSE(epoch_time(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(parse_time("12x", TimeFormat::epoch_seconds));
}

TEST(Utf16Length, CountsPairsTwice) {
  EXPECT_EQ(utf16_length(""), 0U);
  EXPECT_EQ(utf16_length("aé€"), 3U);
  EXPECT_EQ(utf16_length("\xF0\x9F\x98\x80"), 2U);
}

TEST(NextCodePoint, NeverReadsPastTheEnd) {
  for (const std::string_view text : {"\xF0", "\xE2\x82", "\xC3"}) {
    std::size_t position = 0;
    next_code_point(text, position);
    EXPECT_GE(position, text.size());
  }
}

}  // namespace
}  // namespace lambent::protocol
