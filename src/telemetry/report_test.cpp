#include "telemetry/report.h"

#include <gtest/gtest.h>

namespace lambent::telemetry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Report, IsAwsLineForAColdCall) {
  InvocationReport report{.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                          .duration = microseconds(395'990),
                          .init_duration = microseconds(265'720),
                          .memory_size_mb = 512,
                          .max_memory_used_mb = 301};
  EXPECT_EQ(report_line(report),
            "REPORT RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\tDuration: 395.99 ms\tBilled Duration: 662 ms\t"
            "Memory Size: 512 MB\tMax Memory Used: 301 MB\tInit Duration: 265.72 ms\t");
}

TEST(Report, NamesWhatTheStartWasMadeOfBehindAwsFields) {
  InvocationReport report{.request_id = "id", .init_duration = milliseconds(2)};
  report.cold_start.emplace();
  EXPECT_TRUE(report_line(report).ends_with(
      "Init Duration: 2.00 ms\tCold Start: spawn, queue 0.00 ms, shell 0.00 ms, fork 0.00 ms, init 0.00 ms, "
      "first byte 0.00 ms\t"))
      << report_line(report);
}

TEST(Report, LeavesOutInitWhenWarmAndNamesFailures) {
  InvocationReport report{.request_id = "id", .duration = milliseconds(3000), .max_memory_used_mb = 30};
  EXPECT_EQ(report_line(report),
            "REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 30 MB\t");
  report.status = ReportStatus::timeout;
  EXPECT_TRUE(report_line(report).ends_with("Max Memory Used: 30 MB\tStatus: timeout\t"));
  report.status = ReportStatus::error;
  report.error_type = "Runtime.ExitError";
  EXPECT_TRUE(report_line(report).ends_with("\tStatus: error\tError Type: Runtime.ExitError\t"));
}

TEST(Report, BillsRoundedUpToTheMillisecondWithInit) {
  EXPECT_EQ(billed_ms(nanoseconds(0)), 1U);
  EXPECT_EQ(billed_ms(milliseconds(1)), 1U);
  EXPECT_EQ(billed_ms(milliseconds(1) + nanoseconds(1)), 2U);
  EXPECT_EQ(billed_ms(microseconds(1'600), microseconds(1'600)), 4U);
  EXPECT_EQ(billed_ms(milliseconds(900'000), milliseconds(10'000)), 910'000U);
}

TEST(Report, OtherLinesAreAwsToo) {
  EXPECT_EQ(start_line("id", "$LATEST"), "START RequestId: id Version: $LATEST");
  EXPECT_EQ(end_line("id"), "END RequestId: id");
  EXPECT_EQ(init_start_line("python:3.11", "v1"), "INIT_START Runtime Version: python:3.11:v1");
  EXPECT_EQ(init_start_line("provided.al2023", ""), "INIT_START Runtime Version: provided.al2023");
  EXPECT_EQ(init_report_line({.duration = microseconds(10'008'900), .status = ReportStatus::timeout}),
            "INIT_REPORT Init Duration: 10008.90 ms\tPhase: init\tStatus: timeout");
  EXPECT_EQ(init_report_line({.duration = milliseconds(5), .phase = "invoke", .error_type = "Runtime.ExitError"}),
            "INIT_REPORT Init Duration: 5.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError");
  EXPECT_EQ(log_stream_name("2026/11/23", "$LATEST", "0123"), "2026/11/23/[$LATEST]0123");
  EXPECT_EQ(log_group_name("hello"), "/aws/lambda/hello");
}

}  // namespace
}  // namespace lambent::telemetry
