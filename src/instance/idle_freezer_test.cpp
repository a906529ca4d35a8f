#include "instance/idle_freezer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace lambent::instance {
namespace {

using std::chrono::milliseconds;

// Stands in for the kernel's file: what was written last is what holds.
class IdleFreezerTest : public testing::Test {
 protected:
  static constexpr milliseconds kAfter{5};

  void SetUp() override { freezer_.adopt(sandbox::Freezer(UniqueFd(dup(file_.get())), 2)); }
  [[nodiscard]] std::string state() const {
    char text[16] = {};
    return pread(file_.get(), text, sizeof text - 1, 0) >= 0 ? text : "unreadable";
  }
  // Lets timers expire, if they are armed.
  void turn(milliseconds time = kAfter * 4) {
    net::Timer end(loop_);
    end.arm(time, [this] { loop_.stop(); });
    loop_.run();
  }

  net::Loop loop_;
  FakeClock clock_;
  UniqueFd file_{memfd_create("freezer", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  IdleFreezer freezer_{loop_, clock_, kAfter};
};

TEST_F(IdleFreezerTest, FreezesWhatIsIdleLongEnoughAndThawsItForTheNextCall) {
  freezer_.idle();
  clock_.advance(kAfter);
  turn();
  EXPECT_TRUE(freezer_.is_frozen());
  EXPECT_EQ(state(), "1");
  EXPECT_TRUE(freezer_.wake());
  EXPECT_FALSE(freezer_.is_frozen());
  EXPECT_EQ(state(), "0");
  turn();
  EXPECT_EQ(state(), "0") << "at work";
}

TEST_F(IdleFreezerTest, CallsThatFollowOneAnotherTouchNothing) {
  for (int call = 0; call < 20; ++call) {
    freezer_.idle();
    clock_.advance(kAfter - milliseconds(1));
    turn(milliseconds(1));
    EXPECT_TRUE(freezer_.wake());
    clock_.advance(kAfter * 10);  // a call may last
    turn(milliseconds(1));
  }
  EXPECT_EQ(state(), "");
  freezer_.idle();
  turn();
  EXPECT_EQ(state(), "") << "the time since the last call counts, not since the first";
  clock_.advance(kAfter);
  turn();
  EXPECT_EQ(state(), "1");
}

TEST_F(IdleFreezerTest, ASteppedHostClockFreezesNothingEarlier) {
  freezer_.idle();
  clock_.jump_wall(std::chrono::hours(24));
  turn();
  EXPECT_EQ(state(), "");
}

TEST_F(IdleFreezerTest, WhatEndsIsThawedAndNeverFrozenAgain) {
  freezer_.idle();
  clock_.advance(kAfter);
  turn();
  freezer_.release();
  EXPECT_EQ(state(), "0");
  freezer_.idle();
  clock_.advance(kAfter);
  turn();
  EXPECT_EQ(state(), "0");
}

TEST_F(IdleFreezerTest, WithoutAFreezerNothingIsDone) {
  freezer_.adopt({});
  freezer_.idle();
  clock_.advance(kAfter);
  turn();
  EXPECT_FALSE(freezer_.is_frozen());
  EXPECT_TRUE(freezer_.wake());
}

TEST_F(IdleFreezerTest, WhatTheKernelRefusesToFreezeIsNotTakenForFrozen) {
  freezer_.adopt(sandbox::Freezer(UniqueFd(open("/dev/full", O_WRONLY | O_CLOEXEC)), 1));
  freezer_.idle();
  clock_.advance(kAfter);
  turn();
  EXPECT_FALSE(freezer_.is_frozen()) << "it was refused";
  EXPECT_TRUE(freezer_.wake());
}

TEST_F(IdleFreezerTest, AFailureToThawIsTold) {
  freezer_.idle();
  clock_.advance(kAfter);
  turn();
  ASSERT_EQ(fcntl(file_.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_FALSE(freezer_.wake());
}

}  // namespace
}  // namespace lambent::instance
