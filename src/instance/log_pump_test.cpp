#include "instance/log_pump.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/scope.h"
#include "net/timer.h"

namespace lambent::instance {
namespace {

struct Sink final : LineSink {
  bool has_room() override { return room; }
  bool line(std::string_view text) override {
    lines.emplace_back(text);
    return true;
  }
  void dropped(std::uint64_t count, std::uint64_t bytes) override {
    dropped_lines += count;
    dropped_bytes += bytes;
  }

  bool room = true;
  std::vector<std::string> lines;
  std::uint64_t dropped_lines = 0;
  std::uint64_t dropped_bytes = 0;
};

class LogPumpTest : public testing::Test {
 protected:
  LogPumpTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    write_end_ = UniqueFd(ends[1]);
    pump_.emplace(loop_, UniqueFd(ends[0]), 1000, sink_);
  }
  void say(std::string_view text) {
    ASSERT_EQ(write(write_end_.get(), text.data(), text.size()), ssize_t(text.size()));
  }

  net::Loop loop_;
  UniqueFd write_end_;
  Sink sink_;
  std::optional<LogPump> pump_;
};

using Lines = std::vector<std::string>;

TEST_F(LogPumpTest, GivesLinesAndTheUnfinishedLastOneAtTheEnd) {
  net::Scope scope;
  scope.spawn(pump_->run());
  say("one\ntwo\n\nthree");
  write_end_.reset();
  loop_.run_until_idle();
  EXPECT_EQ(sink_.lines, (Lines{"one", "two", "", "three"}));
}

TEST_F(LogPumpTest, DrainTakesWhatIsThereAndTheUnfinishedLine) {
  say("half");
  pump_->drain(1000);
  say(" more\n");
  pump_->drain(1000);
  EXPECT_EQ(sink_.lines, (Lines{"half", " more"}));
}

TEST_F(LogPumpTest, StopEndsTheReadingWhileWritersLive) {
  net::Scope scope;
  scope.spawn(pump_->run());
  loop_.post([this] { pump_->stop(); });
  loop_.run_until_idle();
  EXPECT_EQ(scope.running(), 0U);
}

TEST_F(LogPumpTest, WhatFindsNoRoomIsCountedByWholeLines) {
  say("before\nkept half ");
  pump_->drain(1000);
  sink_.room = false;
  say("a\nb\nlong ");
  pump_->drain(1000);
  EXPECT_EQ(sink_.dropped_lines, 3U);
  say("line without end");
  pump_->drain(1000);
  EXPECT_EQ(sink_.dropped_lines, 3U) << "the rest of a line that was counted";
  sink_.room = true;
  say(" ends here\nafter\n");
  pump_->drain(1000);
  EXPECT_EQ(sink_.lines, (Lines{"before", "kept half ", "after"}));
  EXPECT_EQ(sink_.dropped_lines, 3U);
  EXPECT_EQ(sink_.dropped_bytes, std::string("a\nb\nlong line without end ends here\n").size());
}

TEST_F(LogPumpTest, AFloodOfShortLinesLeavesTheLoopToOthersInBetween) {
  std::string flood;
  for (int i = 0; i < 10'000; ++i) flood += "x\n";
  say(flood);
  std::size_t first = 0;
  net::Scope scope;
  scope.spawn(pump_->run());
  // Two turns later: one in which the pipe was found readable, and one more.
  loop_.post([&] { loop_.post([&] { loop_.post([&] { first = sink_.lines.size(); }); }); });
  write_end_.reset();
  loop_.run_until_idle();
  EXPECT_LT(first, 1000U);
  EXPECT_EQ(sink_.lines.size(), 10'000U);
}

TEST_F(LogPumpTest, DrainCountsLinesAndLeavesTheRestForLater) {
  std::string flood;
  for (int i = 0; i < 10'000; ++i) flood += "x\n";
  say(flood);
  pump_->drain(1000 * (2 + LogPump::kLineCost));
  EXPECT_GE(sink_.lines.size(), 1000U);
  EXPECT_LT(sink_.lines.size(), 1500U);
  net::Scope scope;
  scope.spawn(pump_->run());
  write_end_.reset();
  loop_.run_until_idle();
  EXPECT_EQ(sink_.lines.size(), 10'000U) << "what was read and not given away is not lost";
}

class LogFlood : public LogPumpTest, public testing::WithParamInterface<bool> {};

TEST_P(LogFlood, WaitsInItsWrite) {
  sink_.room = GetParam();  // where there is room, what is over a line's limit is thrown away
  net::Scope scope;
  scope.spawn(pump_->run());
  const std::string much(64 * 1024, 'x');
  std::size_t written = 0;
  // As fast as the pipe takes it, for as long as ten reads without a rest could take.
  net::Timer end(loop_);
  bool over = false;
  end.arm(std::chrono::milliseconds(50), [&] {
    over = true;
    loop_.stop();
  });
  std::function<void()> flood = [&] {
    const ssize_t n = write(write_end_.get(), much.data(), much.size());
    if (n > 0) written += static_cast<std::size_t>(n);
    if (!over) loop_.post(flood);
  };
  flood();
  loop_.run();
  pump_->stop();
  loop_.run_until_idle();
  // One read in 10 ms, and what the pipe holds; a thousand times as much goes through a pipe that is read at once.
  EXPECT_LE(written, (50 / 10 + 3) * much.size());
}

INSTANTIATE_TEST_SUITE_P(OfLog, LogFlood, testing::Bool(), [](const auto& room) {
  return room.param ? std::string("WithoutNewline") : std::string("WithoutRoom");
});

}  // namespace
}  // namespace lambent::instance
