#include "telemetry/cold_start.h"

#include <gtest/gtest.h>

#include "telemetry/cold_start_histogram.h"
#include "telemetry/cold_start_timer.h"

namespace lambent::telemetry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// One start, each of whose phases takes another time.
ColdStart a_start(StartLevel level) {
  FakeClock clock;
  ColdStartTimer timer(clock);
  timer.begin(milliseconds(1));
  clock.advance(milliseconds(2 + 4));
  timer.launched(milliseconds(2), level);
  clock.advance(milliseconds(8));
  timer.ready();
  clock.advance(milliseconds(1000));  // idle
  timer.called();
  clock.advance(milliseconds(16));
  return timer.answered().value();
}

TEST(ColdStart, EachMarkEndsAPhaseAndIdlenessBeforeTheFirstCallIsNone) {
  const ColdStart start = a_start(StartLevel::blank);
  EXPECT_EQ(start.of(StartPhase::queue), milliseconds(1));
  EXPECT_EQ(start.of(StartPhase::shell), milliseconds(2));
  EXPECT_EQ(start.of(StartPhase::fork), milliseconds(4));
  EXPECT_EQ(start.of(StartPhase::restore), nanoseconds(0));
  EXPECT_EQ(start.of(StartPhase::init), milliseconds(8));
  EXPECT_EQ(start.of(StartPhase::first_byte), milliseconds(16));
  EXPECT_EQ(start.total(), milliseconds(31));
}

TEST(ColdStart, ASnapshotIsRestoredInPlaceOfItsInit) {
  const ColdStart start = a_start(StartLevel::snapshot);
  EXPECT_EQ(start.of(StartPhase::restore), milliseconds(8));
  EXPECT_EQ(start.of(StartPhase::init), nanoseconds(0));
}

TEST(ColdStart, WhatItWaitsForATemplateIsInit) {
  FakeClock clock;
  ColdStartTimer timer(clock);
  timer.begin({});
  clock.advance(milliseconds(100));
  timer.has_template();
  clock.advance(milliseconds(3));
  timer.launched(milliseconds(1), StartLevel::snapshot);
  clock.advance(milliseconds(5));
  timer.ready();
  timer.called();
  const ColdStart start = *timer.answered();
  EXPECT_EQ(start.of(StartPhase::init), milliseconds(100));
  EXPECT_EQ(start.of(StartPhase::shell), milliseconds(1));
  EXPECT_EQ(start.of(StartPhase::fork), milliseconds(2));
  EXPECT_EQ(start.of(StartPhase::restore), milliseconds(5));
}

TEST(ColdStart, IsToldOnce) {
  FakeClock clock;
  ColdStartTimer timer(clock);
  EXPECT_FALSE(timer.answered()) << "it was never begun";
  timer.begin({});
  EXPECT_TRUE(timer.answered());
  timer.called();
  EXPECT_FALSE(timer.answered());
}

TEST(ColdStart, TheSpawnersMeasureNeverExceedsTheServers) {
  FakeClock clock;
  ColdStartTimer timer(clock);
  timer.begin({});
  clock.advance(milliseconds(3));
  timer.launched(milliseconds(5), StartLevel::spawn);
  const ColdStart start = timer.answered().value();
  EXPECT_EQ(start.of(StartPhase::shell), milliseconds(3));
  EXPECT_EQ(start.of(StartPhase::fork), nanoseconds(0));
}

TEST(ColdStart, TextNamesThePhasesThatTheLevelHas) {
  EXPECT_EQ(cold_start_text(a_start(StartLevel::blank)),
            "Cold Start: blank, queue 1.00 ms, shell 2.00 ms, fork 4.00 ms, init 8.00 ms, first byte 16.00 ms");
  EXPECT_EQ(cold_start_text(a_start(StartLevel::snapshot)),
            "Cold Start: snapshot, queue 1.00 ms, shell 2.00 ms, fork 4.00 ms, restore 8.00 ms, init 0.00 ms, "
            "first byte 16.00 ms");
}

TEST(ColdStartHistogram, CountsInBucketsThatContainEachOther) {
  ColdStartHistogram histogram;
  histogram.record(a_start(StartLevel::blank));
  ColdStart slow;
  slow.level = StartLevel::blank;
  slow.of(StartPhase::init) = std::chrono::seconds(60);
  histogram.record(slow);
  const std::string text = histogram.text();
  const auto has = [&](const std::string& line) { return text.find("\n" + line + "\n") != std::string::npos; };
  EXPECT_TRUE(text.starts_with("# HELP lambent_cold_start_seconds ")) << text;
  EXPECT_TRUE(has("# TYPE lambent_cold_start_seconds histogram")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_bucket{level="blank",phase="init",le="0.005"} 0)")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_bucket{level="blank",phase="init",le="0.01"} 1)")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_bucket{level="blank",phase="init",le="10"} 1)")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_bucket{level="blank",phase="init",le="+Inf"} 2)")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_sum{level="blank",phase="init"} 60.008000000)")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_count{level="blank",phase="total"} 2)")) << text;
  EXPECT_TRUE(has(R"(lambent_cold_start_seconds_sum{level="blank",phase="total"} 60.031000000)")) << text;
  EXPECT_EQ(text.find("spawn"), std::string::npos) << "no start of that level";
}

TEST(ColdStartHistogram, ABoundBelongsToItsBucket) {
  ColdStartHistogram histogram;
  ColdStart start;
  start.of(StartPhase::fork) = microseconds(100);
  histogram.record(start);
  EXPECT_NE(histogram.text().find(R"(level="spawn",phase="fork",le="0.0001"} 1)"), std::string::npos);
}

}  // namespace
}  // namespace lambent::telemetry
