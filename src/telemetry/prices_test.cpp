#include "telemetry/prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace lambent::telemetry {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kNovember = 1'795'412'040'000;  // 2026-11-23T05:34:00Z
constexpr std::uint64_t kGbSecond = 1'024'000;         // in MB times ms

TEST(Prices, TheBuiltInFileHoldsThePublishedPrices) {
  const Prices prices = built_in_prices();
  EXPECT_EQ(prices.per_request, 200'000);
  EXPECT_EQ(prices.per_gb_second[0], 16'666'700);
  EXPECT_EQ(prices.per_gb_second[1], 13'333'400);
  EXPECT_EQ(prices.tmp_per_gb_second, 30'900);
  EXPECT_EQ(prices.tmp_free_mb, 512U);
  EXPECT_EQ(prices.free_requests, 1'000'000U);
  EXPECT_EQ(prices.free_gb_seconds, 400'000U);
  EXPECT_THAT(prices.source, HasSubstr("https://"));
  EXPECT_FALSE(prices.date.empty());
}

TEST(Prices, AmountsAreReadAndWrittenExactly) {
  EXPECT_EQ(parse_dollars("0.20"), 200'000'000'000);
  EXPECT_EQ(parse_dollars("1"), 1'000'000'000'000);
  EXPECT_EQ(parse_dollars(".000000000001"), 1);
  for (const char* bad : {"", ".", "-1", "1e3", "1.2.3", "0.0000000000001", "10000000", "99999999999999999999999999"}) {
    EXPECT_FALSE(parse_dollars(bad)) << bad;
  }
  EXPECT_EQ(format_dollars(200'000'000'000), "0.200000");
  EXPECT_EQ(format_dollars(16'666'700, 12), "0.000016666700");
  EXPECT_EQ(format_dollars(499'999, 6), "0.000000");
  EXPECT_EQ(format_dollars(500'000, 6), "0.000001");
  EXPECT_EQ(format_dollars(-1'500'000'000'000, 2), "-1.50");
  EXPECT_EQ(format_dollars(1'500'000'000'000, 0), "2");
}

TEST(Prices, WhatIsWrongWithAFileIsNamed) {
  const auto message = [](std::string_view toml) {
    const auto prices = parse_prices(toml, "my.toml");
    return prices ? std::string("accepted") : prices.error().message();
  };
  EXPECT_THAT(message("name = "), HasSubstr("my.toml: line 1"));
  EXPECT_THAT(message(""), HasSubstr("name must be a text"));
  EXPECT_THAT(message("name='n'\nsource='s'\ndate='d'\n[requests]\nper_million=0.2\n"),
              HasSubstr("requests.per_million must be a text"));
  EXPECT_THAT(message("name='n'\nsource='s'\ndate='d'\n[requests]\nper_million='x'\n"),
              HasSubstr("requests.per_million must be an amount"));
  EXPECT_THAT(message("name='n'\nsource='s'\ndate='d'\n[requests]\nper_million='0.0000001'\n"),
              HasSubstr("at most six decimals"));
}

TEST(Cost, IsExactWhereFloatsWouldDrift) {
  const Prices prices = built_in_prices();
  Usage usage;
  usage.requests = 3;
  usage.mb_ms[0] = kGbSecond * 1'000'000'007ULL;
  const Cost cost = cost_of(usage, prices);
  EXPECT_EQ(cost.requests, 600'000);
  EXPECT_EQ(cost.duration, 16'666'700LL * 1'000'000'007LL);
}

TEST(Cost, RoundsHalfUpOnceForTheWholeMonth) {
  Prices prices;
  prices.per_gb_second = {1, 1};
  Usage usage;
  usage.mb_ms[0] = kGbSecond / 2;
  EXPECT_EQ(cost_of(usage, prices).duration, 1);
  usage.mb_ms[0] -= 1;
  EXPECT_EQ(cost_of(usage, prices).duration, 0);
}

TEST(Cost, TheFreeTierTakesTheDearerArchitectureFirst) {
  const Prices prices = built_in_prices();
  Usage usage;
  usage.requests = 1'000'001;
  usage.mb_ms = {300'000 * kGbSecond, 200'000 * kGbSecond};
  const Cost gross = cost_of(usage, prices);
  const Cost free = free_tier_of(usage, prices);
  EXPECT_EQ(gross.requests - free.requests, prices.per_request);
  EXPECT_EQ(gross.duration - free.duration, 100'000 * prices.per_gb_second[1]);
}

TEST(Bill, SumsTheMonthByFunction) {
  std::string dir = testing::TempDir() + "bill-XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  auto ledger = UsageLedger::open(dir);
  ASSERT_TRUE(ledger);
  const auto call = [&](const char* function, std::uint32_t ms, CallResult result, std::uint32_t tmp = 512) {
    ASSERT_TRUE((*ledger)->append({.time_ms = kNovember,
                                   .function = function,
                                   .billed_ms = ms,
                                   .memory_mb = 1024,
                                   .tmp_mb = tmp,
                                   .result = result}));
  };
  call("small", 1000, CallResult::ok);
  call("large", 5000, CallResult::timeout, 1536);
  call("large", 1000, CallResult::ok, 1536);
  call("ours", 1000, CallResult::platform_error);

  Prices prices = built_in_prices();
  prices.free_requests = 1;
  prices.free_gb_seconds = 2;
  const auto result = bill(dir, "2026-11", prices);
  std::filesystem::remove_all(dir);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->functions.size(), 2U);
  EXPECT_EQ(result->functions[0].function, "large");
  EXPECT_EQ(result->functions[0].usage.requests, 2U);
  EXPECT_EQ(result->functions[0].usage.errors, 1U);
  EXPECT_EQ(result->functions[0].cost.duration, 6 * 16'666'700);
  EXPECT_EQ(result->functions[0].cost.tmp, 6 * 30'900);
  EXPECT_EQ(result->functions[1].cost.total(), 16'666'700 + 200'000);
  EXPECT_EQ(result->usage.requests, 3U);
  EXPECT_EQ(result->usage.billed_ms, 7000U);
  EXPECT_EQ(result->net, 2 * 200'000 + 5 * 16'666'700 + 6 * 30'900);
}

TEST(Bill, WhatExtensionsTakeAfterAnAnswerIsTimeOfThatCall) {
  Usage usage;
  UsageRecord record{.billed_ms = 10, .memory_mb = 128, .result = CallResult::function_error};
  usage.add(record, 512);
  record.billed_ms = 32;
  record.result = CallResult::after_answer;
  usage.add(record, 512);
  EXPECT_EQ(usage.requests, 1U);
  EXPECT_EQ(usage.errors, 1U);
  EXPECT_EQ(usage.billed_ms, 42U);
  EXPECT_EQ(usage.mb_ms[0], 42U * 128U);
}

TEST(Bill, AMonthWithoutCallsCostsNothing) {
  const auto result = bill("/nonexistent", "2026-11", built_in_prices());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->net, 0);
  EXPECT_TRUE(result->functions.empty());
}

}  // namespace
}  // namespace lambent::telemetry
