#include "base/time_format.h"

#include <gtest/gtest.h>

namespace lambent {
namespace {

const Wall kMoment = Wall(std::chrono::milliseconds(1'795'412'040'123));

TEST(TimeFormat, WritesEachFormThatAwsUses) {
  EXPECT_EQ(format_lambda_time(kMoment), "2026-11-23T05:34:00.123+0000");
  EXPECT_EQ(format_iso_millis(kMoment), "2026-11-23T05:34:00.123Z");
  EXPECT_EQ(format_amz_date(kMoment), "20261123T053400Z");
  EXPECT_EQ(format_http_date(kMoment), "Mon, 23 Nov 2026 05:34:00 GMT");
  EXPECT_EQ(format_log_stream_date(kMoment), "2026/11/23");
  EXPECT_EQ(format_month(kMoment), "2026-11");
}

TEST(TimeFormat, ReadsBackWhatItWrites) {
  const auto whole_second = std::chrono::floor<std::chrono::seconds>(kMoment);
  EXPECT_EQ(parse_amz_date(format_amz_date(kMoment)), whole_second);
}

TEST(TimeFormat, RefusesDatesThatDoNotExist) {
  for (const char* bad :
       {"", "20261123", "20261323T053400Z", "20260230T000000Z", "20261123T246000Z", "20261123t053400Z",
        "2026112xT053400Z", "20261123T053400Z ", "23581001T123600Z", "19691231T235959Z"}) {
    EXPECT_FALSE(parse_amz_date(bad)) << bad;
  }
}

}  // namespace
}  // namespace lambent
