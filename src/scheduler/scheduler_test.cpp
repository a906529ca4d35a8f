#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "instance/test_surroundings.h"

namespace lambent::scheduler {
namespace {

using instance::Ending;
using instance::FakeBackend;
using instance::TestSurroundings;
using Outcomes = std::vector<Pool::Outcome>;

class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest() : runtimes_(*instance::RuntimeSet::discover({}, "")) {}

  void make(std::size_t starts_at_once = 8) { scheduler_.emplace(test_.around, runtimes_, starts_at_once); }

  net::Task<Pool::Outcome> call(std::string payload, std::string revision = "r1") {
    instance::CallToRun to_run{.request_id = "id", .payload = std::move(payload)};
    auto function = *TestSurroundings::function("f", std::move(revision));
    function.isolation = isolation_;
    co_return co_await scheduler_->run(std::make_shared<const catalog::Function>(std::move(function)), to_run);
  }
  // `count` calls beside each other; their outcomes in the order of their ends.
  net::Task<> calls_at_once(int count, std::string payload, Outcomes& outcomes) {
    net::Scope scope;
    for (int i = 0; i < count; ++i) scope.spawn(call_into(payload, outcomes));
    co_await scope.join();
  }
  net::Task<> call_into(std::string payload, Outcomes& outcomes) { outcomes.push_back(co_await call(payload)); }
  net::Task<> wait_until_no_instances() {
    net::Timer pause(test_.loop);
    while (scheduler_->instances() > 0) std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
  }
  void run(net::Task<> test) {
    test_.run(whole(std::move(test)));
    scheduler_.reset();
    EXPECT_EQ(test_.backend.alive(), 0U);
  }
  net::Task<> whole(net::Task<> test) {
    co_await std::move(test);
    co_await scheduler_->stop();
  }

  TestSurroundings test_;
  instance::RuntimeSet runtimes_;
  std::optional<Scheduler> scheduler_;
  std::string isolation_;

  net::Task<> one_after_the_other();
  net::Task<> burst(int count, std::string payload, Outcomes& outcomes) {
    return calls_at_once(count, std::move(payload), outcomes);
  }
  net::Task<> brisk_calls_at_once(int count, std::string payload, Outcomes& outcomes);
  net::Task<> brisk_calls_behind_slow_ones(std::optional<Pool::Outcome>& outcome);
  net::Task<> after_a_crash();
  net::Task<> to_zero();
  net::Task<> new_revision();
  net::Task<> kept_ready();
  net::Task<> kept_ready_but_failing();
  net::Task<> background_last();
  net::Task<> stop_with_calls(Outcomes& outcomes);
  net::Task<> unknown_runtime();
  net::Task<> failing_calls(int count, std::vector<Monotonic>& ends);
  net::Task<> failing_then_a_burst();
};

net::Task<> SchedulerTest::one_after_the_other() {
  for (int i = 0; i < 20; ++i) {
    const auto outcome = co_await call("echo");
    EXPECT_TRUE(outcome && outcome->ending == Ending::success);
  }
}

TEST_F(SchedulerTest, CallsOneAfterTheOtherShareOneInstance) {
  make();
  run(one_after_the_other());
  EXPECT_EQ(test_.backend.launched.size(), 1U);
}

TEST_F(SchedulerTest, CallsBesideEachOtherAreAllAnsweredByAtMostAsManyInstances) {
  make();
  Outcomes outcomes;
  run(burst(50, "echo", outcomes));
  EXPECT_EQ(outcomes.size(), 50U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome && outcome->ending == Ending::success);
  EXPECT_LE(test_.backend.launched.size(), 50U);
}

net::Task<> SchedulerTest::brisk_calls_at_once(int count, std::string payload, Outcomes& outcomes) {
  test_.clock.stands_at = Monotonic(std::chrono::hours(1));
  co_await one_after_the_other();
  co_await calls_at_once(count, std::move(payload), outcomes);
}

TEST_F(SchedulerTest, CallsThatTakeNoTimeAreGivenToAsManyInstancesAsThereAreProcessors) {
  make();
  Outcomes outcomes;
  run(brisk_calls_at_once(50, "echo", outcomes));
  EXPECT_EQ(outcomes.size(), 50U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome && outcome->ending == Ending::success);
  EXPECT_LE(test_.backend.launched.size(), std::max(2U, std::thread::hardware_concurrency()));
}

// As many calls hang as there are processors, which none did before.
net::Task<> SchedulerTest::brisk_calls_behind_slow_ones(std::optional<Pool::Outcome>& outcome) {
  test_.clock.stands_at = Monotonic(std::chrono::hours(1));
  co_await one_after_the_other();
  test_.clock.stands_at.reset();
  net::Scope hanging;
  Outcomes ignored;
  const unsigned processors = std::max(2U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < processors; ++i) hanging.spawn(call_into("hang", ignored));
  outcome = co_await call("echo");
  co_await scheduler_->stop();
  co_await hanging.join();
}

TEST_F(SchedulerTest, ACallBehindOnesThatHangGetsAnInstanceOfItsOwn) {
  make();
  std::optional<Pool::Outcome> outcome;
  run(brisk_calls_behind_slow_ones(outcome));
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->ending, Ending::success);
}

TEST_F(SchedulerTest, ABoundOnStartsStillServesABurst) {
  make(1);
  Outcomes outcomes;
  run(burst(20, "echo", outcomes));
  EXPECT_EQ(outcomes.size(), 20U);
}

TEST_F(SchedulerTest, AnInstancePerRequestTakesOneCall) {
  isolation_ = catalog::kIsolationRequest;
  make();
  run(one_after_the_other());
  EXPECT_EQ(test_.backend.launched.size(), 20U);
}

TEST_F(SchedulerTest, ABurstOnInstancesPerRequestIsAnsweredByOneEach) {
  isolation_ = catalog::kIsolationRequest;
  make(2);
  Outcomes outcomes;
  run(burst(30, "echo", outcomes));
  EXPECT_EQ(outcomes.size(), 30U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome && outcome->ending == Ending::success);
  EXPECT_GE(test_.backend.launched.size(), 30U);
}

TEST_F(SchedulerTest, AnInitThatKeepsFailingIsTriedOnceForAllThatWait) {
  make(1);
  test_.backend.init = FakeBackend::Init::exits;
  Outcomes outcomes;
  run(burst(100, "echo", outcomes));
  EXPECT_EQ(outcomes.size(), 100U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome && outcome->ending == Ending::init_error);
  EXPECT_LE(test_.backend.launched.size(), 4U);
}

net::Task<> SchedulerTest::failing_calls(int count, std::vector<Monotonic>& ends) {
  for (int i = 0; i < count; ++i) {
    const auto outcome = co_await call("echo");
    EXPECT_TRUE(outcome && outcome->ending == Ending::init_error);
    ends.push_back(test_.clock.monotonic());
  }
}

TEST_F(SchedulerTest, PausesBetweenStartsThatFailDoubleUpToTheirLimit) {
  make();
  test_.backend.init = FakeBackend::Init::exits;
  test_.limits.init_backoff = std::chrono::milliseconds(150);
  std::vector<Monotonic> ends;
  run(failing_calls(6, ends));
  EXPECT_EQ(test_.backend.launched.size(), 6U);
  EXPECT_GE(ends[3] - ends[2], std::chrono::milliseconds(99));
  EXPECT_GE(ends[4] - ends[3], std::chrono::milliseconds(149));
  EXPECT_GE(ends[5] - ends[4], std::chrono::milliseconds(149));
}

net::Task<> SchedulerTest::failing_then_a_burst() {
  std::vector<Monotonic> ends;
  co_await failing_calls(4, ends);
  Outcomes outcomes;
  co_await burst(20, "echo", outcomes);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome && outcome->ending == Ending::success);
}

TEST_F(SchedulerTest, OneInitThatSucceedsEndsThePauses) {
  make();
  for (int i = 0; i < 4; ++i) test_.backend.first_inits.push_back(FakeBackend::Init::error);
  test_.limits.init_backoff = std::chrono::milliseconds(20);
  run(failing_then_a_burst());
  EXPECT_GT(test_.backend.launched.size(), 5U) << "as many as there are calls, again";
}

// Which asker was let in stands in `order`, and its start in `starts`.
class StartGateTest : public testing::Test {
 protected:
  StartGateTest() { clock_.stands_at = Monotonic(std::chrono::hours(1)); }

  void ask(char asker, int times = 1) {
    for (int i = 0; i < times; ++i) {
      gate_->ask(&names_[static_cast<std::size_t>(asker - 'a')], [this, asker](StartGate::Start start) {
        order_ += asker;
        starts_[asker].push_back(start);
      });
    }
  }
  void end_first_of(char asker) {
    const auto start = starts_[asker].front();
    starts_[asker].pop_front();
    gate_->done(start);
  }
  void pass(std::chrono::milliseconds time) { *clock_.stands_at += time; }

  net::Loop loop_;
  instance::SteppedClock clock_;
  std::optional<BoundedStartGate> gate_;
  std::array<char, 26> names_{};
  std::map<char, std::deque<StartGate::Start>> starts_;
  std::string order_;
};

TEST_F(StartGateTest, AsksOfOneAskerDoNotKeepTheOthersWaiting) {
  gate_.emplace(loop_, clock_, 1);
  ask('a', 4);
  ask('b');
  for (const char done : {'a', 'a', 'b', 'a', 'a'}) end_first_of(done);
  EXPECT_EQ(order_, "aabaa");
  EXPECT_EQ(gate_->inside(), 0U);
}

TEST_F(StartGateTest, StartsOfOneAskerTakeHalfOfThePlaces) {
  gate_.emplace(loop_, clock_, 4);
  ask('h', 10);
  ask('o', 3);
  EXPECT_EQ(order_, "hhoo");
  end_first_of('o');
  EXPECT_EQ(order_, "hhooo");
  end_first_of('o');
  end_first_of('o');
  EXPECT_EQ(order_, "hhooo");
  end_first_of('h');
  EXPECT_EQ(order_, "hhoooh");
  EXPECT_EQ(gate_->inside(), 2U);
}

TEST_F(StartGateTest, StartsThatAreSlowGiveTheirPlacesToOtherAskers) {
  gate_.emplace(loop_, clock_, 4);
  ask('a', 10);
  ask('b', 10);
  pass(kUsualStart - std::chrono::milliseconds(1));
  ask('c', 3);
  EXPECT_EQ(order_, "aabb");
  pass(std::chrono::milliseconds(1));
  ask('d');
  EXPECT_EQ(order_, "aabbcdc") << "of a and b none, which have their part";
  end_first_of('a');
  EXPECT_EQ(order_, "aabbcdca") << "and c has its own";
}

TEST_F(StartGateTest, ThereIsABoundOnSlowStartsOfAllAskers) {
  gate_.emplace(loop_, clock_, 2);
  for (char asker = 'a'; asker < 'a' + 12; ++asker) {
    ask(asker);
    pass(kUsualStart);
  }
  EXPECT_EQ(order_, "abcdefgh");
  end_first_of('c');
  EXPECT_EQ(order_, "abcdefghi");
}

TEST_F(StartGateTest, WhoWaitsIsLetInWhenAStartBecomesSlowWithoutAnythingElse) {
  clock_.stands_at.reset();
  gate_.emplace(loop_, clock_, 1);
  ask('a');
  gate_->ask(&names_[1], [this](StartGate::Start start) {
    gate_->done(start);
    loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(gate_->inside(), 1U) << "the slow one";
}

TEST_F(SchedulerTest, EachCallHearsOfASandboxThatCannotBeMade) {
  make();
  test_.backend.fail_launches = 3;
  Outcomes outcomes;
  run(burst(3, "echo", outcomes));
  ASSERT_EQ(outcomes.size(), 3U);
  for (const auto& outcome : outcomes) {
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().find("mount /var/task"), std::string::npos);
  }
}

TEST_F(SchedulerTest, EachCallGetsTheInitErrorOfAnInstanceOfItsOwn) {
  make();
  test_.backend.init = FakeBackend::Init::error;
  Outcomes outcomes;
  run(burst(5, "echo", outcomes));
  ASSERT_EQ(outcomes.size(), 5U);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome && outcome->ending == Ending::init_error);
  EXPECT_EQ(test_.backend.launched.size(), 5U);
}

net::Task<> SchedulerTest::after_a_crash() {
  EXPECT_EQ((co_await call("exit 1"))->ending, Ending::crash);
  EXPECT_EQ((co_await call("echo"))->ending, Ending::success);
}

TEST_F(SchedulerTest, AfterACrashTheNextCallGetsAnotherInstance) {
  make();
  run(after_a_crash());
  EXPECT_EQ(test_.backend.launched.size(), 2U);
}

net::Task<> SchedulerTest::to_zero() {
  std::ignore = co_await call("echo");
  EXPECT_EQ(scheduler_->instances("f"), 1U);
  co_await wait_until_no_instances();
  EXPECT_EQ((co_await call("echo"))->ending, Ending::success);
}

TEST_F(SchedulerTest, IdleInstancesGoToZeroAndComeBack) {
  test_.limits.idle_timeout = std::chrono::milliseconds(20);
  make();
  run(to_zero());
  EXPECT_EQ(test_.backend.launched.size(), 2U);
}

net::Task<> SchedulerTest::new_revision() {
  std::ignore = co_await call("echo", "r1");
  scheduler_->retire(*TestSurroundings::function("f", "r1"));
  EXPECT_EQ((co_await call("echo", "r2"))->ending, Ending::success);
  net::Timer pause(test_.loop);
  while (scheduler_->instances("f") > 1) std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
}

TEST_F(SchedulerTest, ANewRevisionGetsNewInstancesAndTheOldOnesEnd) {
  make();
  run(new_revision());
  EXPECT_EQ(test_.backend.launched.size(), 2U);
}

net::Task<> SchedulerTest::stop_with_calls(Outcomes& outcomes) {
  net::Scope scope;
  scope.spawn(calls_at_once(3, "hang", outcomes));
  net::Timer pause(test_.loop);
  while (test_.backend.alive() < 3) std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
  co_await scheduler_->stop();
  co_await scope.join();
  EXPECT_FALSE((co_await call("echo")).has_value()) << "nothing starts after stop()";
}

TEST_F(SchedulerTest, StoppingAnswersEveryCall) {
  make();
  Outcomes outcomes;
  run(stop_with_calls(outcomes));
  EXPECT_EQ(outcomes.size(), 3U);
}

net::Task<> SchedulerTest::kept_ready() {
  const auto function = TestSurroundings::function("f", "r1");
  scheduler_->keep_ready("f", {{function, 2}});
  EXPECT_EQ(scheduler_->readiness(*function).allocated, 0U);
  net::Timer pause(test_.loop);
  while (scheduler_->readiness(*function).available < 2)
    std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
  std::ignore = co_await pause.sleep(std::chrono::milliseconds(100));
  EXPECT_EQ(scheduler_->instances("f"), 2U) << "idle ones stay";
  EXPECT_EQ((co_await call("exit 1"))->ending, Ending::crash);
  while (scheduler_->readiness(*function).available < 2)
    std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
  EXPECT_EQ(test_.backend.launched.size(), 3U) << "one that ended is made again";
  scheduler_->keep_ready("f", {});
  co_await wait_until_no_instances();
}

TEST_F(SchedulerTest, ProvisionedInstancesAreReadyBeforeCallsAndStay) {
  test_.limits.idle_timeout = std::chrono::milliseconds(20);
  make();
  run(kept_ready());
  bool found = false;
  for (const auto& variable : test_.backend.launched.front().environment) {
    found |= variable == "AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency";
  }
  EXPECT_TRUE(found);
}

net::Task<> SchedulerTest::kept_ready_but_failing() {
  const auto function = TestSurroundings::function("f", "r1");
  scheduler_->keep_ready("f", {{function, 2}});
  net::Timer pause(test_.loop);
  while (!scheduler_->readiness(*function).failed) std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
  std::ignore = co_await pause.sleep(std::chrono::milliseconds(200));
  EXPECT_LE(test_.backend.launched.size(), 2U) << "not again and again";
  EXPECT_EQ(scheduler_->readiness(*function).allocated, 0U);
}

TEST_F(SchedulerTest, ProvisionedInstancesThatFailAreNotMadeAgainAtOnce) {
  test_.backend.init = FakeBackend::Init::error;
  make();
  run(kept_ready_but_failing());
}

net::Task<> SchedulerTest::background_last() {
  std::string order;
  const auto one = [](SchedulerTest& self, std::string& seen, char mark, bool is_background) -> net::Task<> {
    instance::CallToRun to_run{.request_id = "id", .payload = "echo", .is_background = is_background};
    std::ignore = co_await self.scheduler_->run(TestSurroundings::function(), to_run);
    seen += mark;
  };
  net::Scope scope;
  for (const char mark : {'1', '2', '3'}) scope.spawn(one(*this, order, mark, true));
  scope.spawn(one(*this, order, 'a', false));
  co_await scope.join();
  EXPECT_EQ(order.front(), 'a');
}

TEST_F(SchedulerTest, CallsThatSomebodyWaitsForGoBeforeAsynchronousOnes) {
  make(1);
  run(background_last());
}

net::Task<> SchedulerTest::unknown_runtime() {
  catalog::Function function = *TestSurroundings::function();
  function.runtime = "python3.99";
  instance::CallToRun to_run{.request_id = "id", .payload = "echo"};
  const auto outcome = co_await scheduler_->run(std::make_shared<const catalog::Function>(std::move(function)), to_run);
  EXPECT_FALSE(outcome);
  EXPECT_NE(outcome.error().find("python3.99"), std::string::npos);
}

TEST_F(SchedulerTest, ARuntimeThatIsNotThereIsNamed) {
  make();
  run(unknown_runtime());
}

TEST_F(SchedulerTest, InitOverItsLimitRunsAgainWithinTheCall) {
  test_.limits.init_timeout = std::chrono::milliseconds(20);
  test_.backend.first_inits = {FakeBackend::Init::hangs};
  make();
  Outcomes outcomes;
  run(burst(1, "echo", outcomes));
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0] && outcomes[0]->ending == Ending::success);
  EXPECT_EQ(test_.backend.launched.size(), 2U);
}

}  // namespace
}  // namespace lambent::scheduler
