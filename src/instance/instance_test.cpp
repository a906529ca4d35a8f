#include "instance/instance.h"

#include <gtest/gtest.h>

#include <optional>

#include "instance/test_surroundings.h"
#include "net/one_shot.h"
#include "net/timer.h"

namespace lambent::instance {
namespace {

class InstanceTest : public testing::Test, public Instance::Observer {
 protected:
  void make(InitPhase phase = InitPhase::ahead) {
    const Runtime runtime{.id = "provided.al2023", .family = RuntimeFamily::provided, .interpreter = {}, .prefix = {}};
    catalog::Function function = *TestSurroundings::function();
    function.timeout_seconds = timeout_seconds_;
    function.network = network_;
    instance_.emplace(test_.around, std::make_shared<const catalog::Function>(std::move(function)), runtime, phase,
                      *this);
    instance_->start();
  }
  net::Task<InvocationResult> call(std::string payload) {
    CallToRun to_run{.request_id = "id-1", .payload = std::move(payload)};
    co_return co_await instance_->run(to_run);
  }

  void on_available(Instance&) override { available_.set(true); }
  void on_init_timeout(Instance&) override { init_timeouts_++; }
  void on_ended(Instance&, const std::string& launch_error) override { ended_.set(launch_error); }

  TestSurroundings test_;
  std::optional<Instance> instance_;
  net::OneShot<bool> available_;
  net::OneShot<std::string> ended_;
  int init_timeouts_ = 0;
  std::uint32_t timeout_seconds_ = 60;
  std::string network_;
  bool is_closed_ = false;  // its policy opens nothing

  net::Task<> two_calls();
  net::Task<> one_call_to_the_end(std::string payload, InvocationResult& result);
  net::Task<> failed_init(InvocationResult& result);
  net::Task<> launch_fails(std::string& message);
  net::Task<> init_hangs();
  net::Task<> run_with_network();
  net::Task<> ended_while_busy(InvocationResult& result);
  net::Task<> bound_init(InvocationResult& result);
};

net::Task<> InstanceTest::two_calls() {
  make();
  co_await available_;
  const InvocationResult first = co_await call("print hello");
  EXPECT_EQ(first.ending, Ending::success);
  EXPECT_EQ(first.payload, "print hello");
  EXPECT_TRUE(first.init.has_value());
  EXPECT_TRUE(first.cold_start.has_value());
  EXPECT_NE(first.log_tail.find("\tCold Start: spawn, queue "), std::string::npos) << first.log_tail;
  EXPECT_NE(first.log_tail.find("START RequestId: id-1"), std::string::npos);
  EXPECT_NE(first.log_tail.find("\nhello\n"), std::string::npos);
  EXPECT_NE(first.log_tail.find("REPORT RequestId: id-1"), std::string::npos);
  EXPECT_EQ(instance_->state(), Instance::State::finishing);
  available_ = {};
  co_await available_;
  EXPECT_EQ(instance_->state(), Instance::State::idle);
  const InvocationResult second = co_await call("error");
  EXPECT_EQ(second.ending, Ending::function_error);
  EXPECT_EQ(second.function_error, "Unhandled");
  EXPECT_EQ(second.error_type, "Oops");
  EXPECT_FALSE(second.init.has_value()) << "INIT is reported once";
  EXPECT_FALSE(second.cold_start.has_value()) << "so is the start";
  EXPECT_EQ(second.log_tail.find("Cold Start"), std::string::npos);
  EXPECT_EQ(second.log_tail.find("hello"), std::string::npos) << "the tail is of one call";
  instance_->end();
  co_await ended_;
}

TEST_F(InstanceTest, RunsCallsOneAfterTheOther) {
  test_.run(two_calls());
  ASSERT_EQ(test_.backend.launched.size(), 1U);
  EXPECT_NE(test_.cold_starts.text().find(R"(_count{level="spawn",phase="total"} 1)"), std::string::npos);
  EXPECT_EQ(test_.backend.launched[0].cpu_millicores, 1000U) << "INIT has a whole core";
  EXPECT_EQ(test_.backend.cpu_shares[1], 73U) << "calls have what 128 MB buy";
  EXPECT_EQ(test_.credentials.temporary_count(), 0U) << "its credentials end with it";
}

net::Task<> InstanceTest::one_call_to_the_end(std::string payload, InvocationResult& result) {
  make();
  co_await available_;
  result = co_await call(std::move(payload));
  co_await ended_;
}

TEST_F(InstanceTest, AnExitBeforeTheAnswerIsACrash) {
  InvocationResult result;
  test_.run(one_call_to_the_end("exit 3", result));
  EXPECT_EQ(result.ending, Ending::crash);
  EXPECT_EQ(result.error_type, "Runtime.ExitError");
  EXPECT_NE(result.payload.find("RequestId: id-1 Error: Runtime exited with error: exit status 3"), std::string::npos);
  EXPECT_TRUE(result.delivered);
}

TEST_F(InstanceTest, AMemoryKillIsToldApartFromACrash) {
  InvocationResult result;
  test_.run(one_call_to_the_end("oom", result));
  EXPECT_EQ(result.ending, Ending::out_of_memory);
  EXPECT_EQ(result.error_type, "Runtime.OutOfMemory");
}

TEST_F(InstanceTest, AnInstanceThatAnswersAndNeverAsksForMoreEndsAtTheCallsDeadline) {
  timeout_seconds_ = 1;
  InvocationResult result;
  test_.run(one_call_to_the_end("last", result));
  EXPECT_EQ(result.ending, Ending::success);
  EXPECT_EQ(test_.backend.killed.size(), 1U);
}

TEST_F(InstanceTest, ACallThatOutlastsItsTimeoutEndsTheInstance) {
  // The function's shortest timeout is one second: a real wait, as in the test before.
  timeout_seconds_ = 1;
  InvocationResult result;
  test_.run(one_call_to_the_end("hang", result));
  EXPECT_EQ(result.ending, Ending::timeout);
  EXPECT_EQ(result.error_type, "Sandbox.Timedout");
  EXPECT_NE(result.payload.find("Task timed out after 1.00 seconds"), std::string::npos);
  EXPECT_EQ(test_.backend.killed.size(), 1U);
}

TEST_F(InstanceTest, ACallWhoseSpawnerIsLostIsNoFaultOfTheFunctions) {
  InvocationResult result;
  test_.run(one_call_to_the_end("lose the spawner", result));
  EXPECT_EQ(result.ending, Ending::stopped);
  EXPECT_TRUE(result.delivered);
}

TEST_F(InstanceTest, ASteppedHostClockChangesNoTimeoutAndNoDuration) {
  timeout_seconds_ = 1;
  InvocationResult result;
  net::Timer forward(test_.loop);
  net::Timer backward(test_.loop);
  forward.arm(std::chrono::milliseconds(300), [this] { test_.clock.step = std::chrono::hours(24); });
  backward.arm(std::chrono::milliseconds(600), [this] { test_.clock.step = std::chrono::hours(-24); });
  test_.run(one_call_to_the_end("hang", result));
  EXPECT_EQ(result.ending, Ending::timeout);
  EXPECT_GE(result.duration, std::chrono::milliseconds(999));
  EXPECT_LT(result.duration, std::chrono::hours(1));
  EXPECT_LT(result.billed_ms, 3'600'000U);
}

net::Task<> InstanceTest::failed_init(InvocationResult& result) {
  make();
  co_await available_;
  EXPECT_EQ(instance_->state(), Instance::State::failed);
  result = co_await call("echo");
  const InvocationResult another = co_await call("echo");
  EXPECT_EQ(another.payload, result.payload);
  EXPECT_FALSE(another.init) << "INIT is billed once";
  instance_->end();
  co_await ended_;
}

TEST_F(InstanceTest, AnInitErrorGoesToEachCallUntilTheInstanceIsEnded) {
  test_.backend.init = FakeBackend::Init::error;
  InvocationResult result;
  test_.run(failed_init(result));
  EXPECT_EQ(result.ending, Ending::init_error);
  EXPECT_EQ(result.error_type, "Runtime.ImportModuleError");
  EXPECT_EQ(result.payload, R"({"errorType":"Runtime.ImportModuleError"})");
}

TEST_F(InstanceTest, AnExitInInitGoesToTheNextCallUnderItsOwnId) {
  test_.backend.init = FakeBackend::Init::exits;
  InvocationResult result;
  test_.run(failed_init(result));
  EXPECT_EQ(result.ending, Ending::init_error);
  EXPECT_NE(result.payload.find("RequestId: id-1 Error: Runtime exited with error: exit status 7"), std::string::npos);
}

net::Task<> InstanceTest::launch_fails(std::string& message) {
  make();
  message = co_await ended_;
}

TEST_F(InstanceTest, ASandboxThatCannotBeMadeIsReportedWithItsStep) {
  test_.backend.fail_launches = 1;
  std::string message;
  test_.run(launch_fails(message));
  EXPECT_NE(message.find("mount /var/task"), std::string::npos);
  EXPECT_EQ(test_.credentials.temporary_count(), 0U);
}

net::Task<> InstanceTest::run_with_network() {
  make();
  co_await available_;
  for (auto& [id, gate] : test_.egress.gates) {
    EXPECT_EQ(gate.policy, is_closed_ ? "" : network_);
    gate.on_notice({egress::NoticeKind::refused, "10.0.0.1:80", "a private address"});
  }
  EXPECT_EQ((co_await call("echo")).ending, Ending::success);
  instance_->end();
  co_await ended_;
}

TEST_F(InstanceTest, ItsGateIsServedByItsPolicyForAsLongAsItLives) {
  network_ = "internet,a.com";
  test_.run(run_with_network());
  EXPECT_EQ(test_.backend.launched.front().network, sandbox::NetworkMode::open);
  EXPECT_NE(test_.backend.launched.front().platform_port, 0);
  EXPECT_TRUE(test_.egress.gates.empty());
}

TEST(ServerLines, AreBoundedAndTheRestIsCounted) {
  FakeClock clock;
  egress::ServerLines lines(clock);
  int written = 0;
  for (int i = 0; i < 1000; ++i) written += lines.take() ? 1 : 0;
  EXPECT_EQ(written, 200);
  EXPECT_EQ(lines.left_out(), 800U);
  EXPECT_EQ(lines.left_out(), 0U);
  clock.advance(std::chrono::seconds(1));
  written = 0;
  for (int i = 0; i < 1000; ++i) written += lines.take() ? 1 : 0;
  EXPECT_EQ(written, 20);
}

TEST_F(InstanceTest, WhatAPolicyThatOpensNothingRefusesIsToldForAsLongAsItLives) {
  is_closed_ = true;
  network_ = "none";
  test_.run(run_with_network());
  EXPECT_EQ(test_.backend.launched.front().network, sandbox::NetworkMode::none);
}

TEST_F(InstanceTest, APolicyThatCannotBeKeptToMeansNoInstance) {
  std::string message;
  network_ = "10.0.0.0/8";
  test_.run(launch_fails(message));
  EXPECT_NE(message.find("network policy: the range '10.0.0.0/8' is not granted"), std::string::npos) << message;
  EXPECT_TRUE(test_.backend.launched.empty());
}

TEST_F(InstanceTest, WithoutTheEgressProcessOnlyFunctionsThatNeedItDoNotStart) {
  std::string message;
  network_ = "internet";
  test_.egress.unavailable = "it has ended";
  test_.run(launch_fails(message));
  EXPECT_NE(message.find("network policy: it has ended"), std::string::npos) << message;
  EXPECT_TRUE(test_.backend.launched.empty());
}

net::Task<> InstanceTest::init_hangs() {
  make();
  co_await ended_;
}

TEST_F(InstanceTest, InitThatOutlastsItsLimitEndsTheInstance) {
  test_.backend.init = FakeBackend::Init::hangs;
  test_.limits.init_timeout = std::chrono::milliseconds(10);
  test_.run(init_hangs());
  EXPECT_EQ(init_timeouts_, 1);
  EXPECT_EQ(test_.backend.alive(), 0U);
}

net::Task<> InstanceTest::bound_init(InvocationResult& result) {
  make(InitPhase::within_a_call);
  result = co_await call("echo");
  instance_->end();
  co_await ended_;
}

TEST_F(InstanceTest, ACallBoundToAStartingInstanceIsDeliveredWhenItIsReady) {
  test_.limits.init_timeout = std::chrono::milliseconds(0);  // does not hold within a call
  InvocationResult result;
  test_.run(bound_init(result));
  EXPECT_EQ(result.ending, Ending::success);
}

net::Task<> InstanceTest::ended_while_busy(InvocationResult& result) {
  make();
  co_await available_;
  test_.loop.post([this] { test_.loop.post([this] { instance_->end(); }); });
  result = co_await call("hang");
  co_await ended_;
}

TEST_F(InstanceTest, EndingABusyInstanceAnswersItsCall) {
  InvocationResult result;
  test_.run(ended_while_busy(result));
  EXPECT_EQ(result.ending, Ending::stopped);
}

}  // namespace
}  // namespace lambent::instance
