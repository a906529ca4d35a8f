#include "telemetry/log_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "base/files.h"
#include "telemetry/log_event.h"
#include "telemetry/log_reader.h"

namespace lambent::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Logs : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "logs-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::vector<std::string> tail(std::size_t lines = 1'000'000, std::string_view function = "hello") {
    const auto events = tail_log(dir_, function, lines);
    EXPECT_TRUE(events) << events.error().message();
    std::vector<std::string> texts;
    for (const LogEvent& event : events.value_or(std::vector<LogEvent>{})) texts.push_back(event.text);
    return texts;
  }
  [[nodiscard]] std::string path(const char* file) const { return dir_ + "/logs/hello/" + file; }

  std::string dir_;
  FakeClock clock_;
};

TEST_F(Logs, WhatIsFlushedCanBeRead) {
  LogStore store(dir_, clock_, {});
  store.append_platform("hello", "stream", "START RequestId: 1");
  store.append("hello", "stream", "a \"quoted\" line\twith \\ and \x1b[31m and é");
  EXPECT_THAT(tail(), IsEmpty());
  store.flush("hello");
  const auto events = tail_log(dir_, "hello", 10);
  ASSERT_TRUE(events);
  EXPECT_THAT(*events, ElementsAre(LogEvent{clock_.wall_ms(), "stream", "START RequestId: 1", true},
                                   LogEvent{clock_.wall_ms(), "stream", "a \"quoted\" line\twith \\ and \x1b[31m and é",
                                            false}));
}

TEST_F(Logs, OutputCannotPoseAsAPlatformLineOrAsTwoLines) {
  LogStore store(dir_, clock_, {});
  store.append("hello", "s", "REPORT RequestId: forged\",\"k\":\"platform\"");
  store.append("hello", "s", "first\n{\"t\":1,\"s\":\"s\",\"k\":\"platform\",\"m\":\"forged\"}\r\n");
  store.flush();
  const auto events = tail_log(dir_, "hello", 10);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U);
  for (const LogEvent& event : *events) EXPECT_FALSE(event.platform);
}

TEST_F(Logs, BinaryBecomesValidUtf8) {
  LogStore store(dir_, clock_, {});
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  store.append("hello", "s", all);
  store.append("hello", "s", "\xF0\x9F\x98\x80 \xED\xA0\x80 \xC0\xAF \xF0\x9F");
  store.flush();
  const auto lines = tail();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(is_utf8(lines[0]));
  EXPECT_EQ(lines[0].substr(0, 128), all.substr(0, 128));
  EXPECT_EQ(lines[1], "\U0001F600 \uFFFD\uFFFD\uFFFD \uFFFD\uFFFD \uFFFD\uFFFD");
}

TEST_F(Logs, ALineOverTheLimitIsCutAndMarked) {
  LogStore store(dir_, clock_, {.line_bytes = 8});
  store.append("hello", "s", "0123456é9");
  store.flush();
  EXPECT_THAT(tail(), ElementsAre("0123456 [lambent: line cut, 3 bytes dropped]"));
}

TEST_F(Logs, RotationKeepsTheNewestLinesWithinTheBound) {
  LogStore store(dir_, clock_, {.bytes_per_function = 10'000});
  for (int i = 0; i < 2000; ++i) {
    store.append("hello", "s", "line " + std::to_string(i));
    store.flush("hello");
  }
  const auto size = std::filesystem::file_size(path("current.log")) + std::filesystem::file_size(path("previous.log"));
  EXPECT_LE(size, 10'000U);
  EXPECT_GE(size, 5'000U);
  const auto lines = tail();
  ASSERT_FALSE(lines.empty());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[lines.size() - 1 - i], "line " + std::to_string(1999 - i));
  }
  EXPECT_THAT(tail(3), ElementsAre("line 1997", "line 1998", "line 1999"));
}

TEST_F(Logs, AFloodIsDroppedAndSaidInOneLine) {
  LogStore store(dir_, clock_, {.bytes_per_second = 2270, .burst_bytes = 2270});
  const std::string line(99, 'x');  // and 128 bytes for the line itself
  for (int i = 0; i < 1'000'000; ++i) store.append("hello", "s", line);
  store.append_platform("hello", "s", "END RequestId: 1");
  store.flush();
  auto lines = tail();
  ASSERT_EQ(lines.size(), 12U);
  EXPECT_THAT(lines[10], HasSubstr(R"("type":"platform.logsDropped")"));
  EXPECT_THAT(lines[10], HasSubstr(R"("droppedRecords":999990,"droppedBytes":99999000)"));
  EXPECT_EQ(lines[11], "END RequestId: 1");
  EXPECT_EQ(store.counters().dropped_lines, 999'990U);

  clock_.advance(std::chrono::milliseconds(500));
  for (int i = 0; i < 10; ++i) store.append("hello", "s", line);
  store.flush();
  EXPECT_EQ(tail().size(), 12U + 5U);
}

TEST_F(Logs, AFloodThatGoesOnIsSaidOnceASecond) {
  LogStore store(dir_, clock_, {.bytes_per_second = 100'000, .burst_bytes = 100'000});
  const std::string line(999, 'x');
  for (int ms = 0; ms < 3500; ++ms) {
    clock_.advance(std::chrono::milliseconds(1));
    for (int i = 0; i < 10; ++i) store.append("hello", "s", line);
  }
  store.flush();
  std::size_t markers = 0;
  for (const auto& one : tail()) markers += one.find("logsDropped") != std::string::npos ? 1U : 0U;
  EXPECT_EQ(markers, 3U);
}

TEST_F(Logs, ThereIsRoomAgainAsTimePasses) {
  LogStore store(dir_, clock_, {.bytes_per_second = 10'000, .burst_bytes = 20'000});
  EXPECT_TRUE(store.has_room("hello"));
  EXPECT_TRUE(store.append("hello", "s", std::string(19'000, 'x')));
  EXPECT_FALSE(store.has_room("hello"));
  store.count_dropped("hello", "s", 7, 700);
  store.count_dropped("hello", "s", 0, 70);
  clock_.jump_wall(std::chrono::hours(1));
  EXPECT_FALSE(store.has_room("hello")) << "a stepped host clock is no passing of time";
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(store.has_room("hello"));
  EXPECT_TRUE(store.has_room("another function"));
  store.append_platform("hello", "s", "END");
  store.flush();
  const auto lines = tail();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[1], HasSubstr(R"("droppedRecords":7,"droppedBytes":770)"));
}

TEST_F(Logs, ALineLargerThanASecondsWorthIsLateNotLost) {
  LogStore store(dir_, clock_, {.bytes_per_second = 100, .burst_bytes = 100});
  const std::string line(500, 'x');
  store.append("hello", "s", line);
  store.append("hello", "s", line);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(store.append("hello", "s", line));
  store.flush();
  const auto lines = tail();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[1], HasSubstr(R"("droppedRecords":1)"));
}

TEST_F(Logs, ATornEndCostsOnlyItself) {
  ASSERT_TRUE(make_folders(dir_ + "/logs/hello"));
  ASSERT_TRUE(write_file_durably(path("current.log"),
                                 "{\"t\":1,\"s\":\"s\",\"m\":\"whole\"}\n{\"t\":2,\"s\":\"s\",\"m\":\"to"));
  LogStore store(dir_, clock_, {});
  store.append("hello", "s", "next");
  store.flush();
  EXPECT_THAT(tail(), ElementsAre("whole", "next"));
}

TEST_F(Logs, AFullDiskLosesLogsNotCalls) {
  // A folder where the file should be: opening fails as it does on a full disk.
  ASSERT_TRUE(make_folders(path("current.log")));
  LogStore store(dir_, clock_, {});
  for (int i = 0; i < 100; ++i) store.append("hello", "s", "line");
  store.flush();
  EXPECT_EQ(store.counters().failed_writes, 1U);
  EXPECT_GT(store.counters().failed_write_bytes, 100U);
  std::filesystem::remove(path("current.log"));
  store.append("hello", "s", "again");
  store.flush();
  EXPECT_THAT(tail(), ElementsAre("again"));
}

TEST_F(Logs, ManyFunctionsNeedFewDescriptors) {
  LogStore store(dir_, clock_, {});
  for (int i = 0; i < 500; ++i) {
    clock_.advance(std::chrono::milliseconds(1));
    store.append("f" + std::to_string(i), "s", "line");
  }
  store.flush();
  for (int i = 0; i < 500; ++i) EXPECT_THAT(tail(10, "f" + std::to_string(i)), ElementsAre("line")) << i;
}

TEST_F(Logs, NamesThatAreNoFunctionsAreNotWritten) {
  LogStore store(dir_, clock_, {});
  for (const char* name : {"", "..", "../hello", "a/b", "a.b"}) {
    store.append(name, "s", "line");
    EXPECT_FALSE(tail_log(dir_, name, 1)) << name;
    EXPECT_FALSE(has_logs(dir_, name));
  }
  store.flush();
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/hello"));
  EXPECT_TRUE(tail().empty());
}

TEST_F(Logs, AFollowerSeesEachNewLineOnceAcrossRotations) {
  LogStore store(dir_, clock_, {.bytes_per_function = 2000});
  store.append("hello", "s", "before");
  store.flush();
  LogFollower follower(dir_, "hello");
  int next = 0;
  for (int i = 0; i < 300; ++i) {
    store.append("hello", "s", std::to_string(i));
    if (i % 3 == 0) store.flush();
    const auto events = follower.poll();
    ASSERT_TRUE(events);
    for (const LogEvent& event : *events) EXPECT_EQ(event.text, std::to_string(next++));
  }
  EXPECT_EQ(next, 298);
}

TEST_F(Logs, AFollowerMayWaitForTheFirstLine) {
  LogFollower follower(dir_, "hello");
  const auto nothing = follower.poll();
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->empty());
  LogStore store(dir_, clock_, {});
  store.append("hello", "s", "first");
  store.flush();
  const auto events = follower.poll();
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ(events->front().text, "first");
}

TEST(LogEventLine, AnythingElseIsNoEvent) {
  for (const char* line : {"", "{", "[]", "1", "{\"t\":1}", "{\"t\":\"1\",\"s\":\"\",\"m\":\"\"}",
                           "{\"t\":1,\"s\":\"\",\"m\":1}", "{\"t\":1,\"s\":\"\",\"m\":\"x",
                           "{\"t\":-1,\"s\":\"\",\"m\":\"\"}", "{\"t\":9200000000001,\"s\":\"\",\"m\":\"\"}"}) {
    EXPECT_FALSE(parse_event_line(line)) << line;
  }
}

}  // namespace
}  // namespace lambent::telemetry
