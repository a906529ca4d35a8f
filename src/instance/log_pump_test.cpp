#include "instance/log_pump.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "net/scope.h"

namespace lambent::instance {
namespace {

class LogPumpTest : public testing::Test {
 protected:
  LogPumpTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    write_end_ = UniqueFd(ends[1]);
    pump_.emplace(loop_, UniqueFd(ends[0]), 1000, [this](std::string_view line) { lines_.emplace_back(line); });
  }
  void say(std::string_view text) {
    ASSERT_EQ(write(write_end_.get(), text.data(), text.size()), ssize_t(text.size()));
  }

  net::Loop loop_;
  UniqueFd write_end_;
  std::optional<LogPump> pump_;
  std::vector<std::string> lines_;
};

using Lines = std::vector<std::string>;

TEST_F(LogPumpTest, GivesLinesAndTheUnfinishedLastOneAtTheEnd) {
  net::Scope scope;
  scope.spawn(pump_->run());
  say("one\ntwo\n\nthree");
  write_end_.reset();
  loop_.run_until_idle();
  EXPECT_EQ(lines_, (Lines{"one", "two", "", "three"}));
}

TEST_F(LogPumpTest, DrainTakesWhatIsThereAndTheUnfinishedLine) {
  say("half");
  pump_->drain(1000);
  say(" more\n");
  pump_->drain(1000);
  EXPECT_EQ(lines_, (Lines{"half", " more"}));
}

TEST_F(LogPumpTest, StopEndsTheReadingWhileWritersLive) {
  net::Scope scope;
  scope.spawn(pump_->run());
  loop_.post([this] { pump_->stop(); });
  loop_.run_until_idle();
  EXPECT_EQ(scope.running(), 0U);
}

}  // namespace
}  // namespace lambent::instance
