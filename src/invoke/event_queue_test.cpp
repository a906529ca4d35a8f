#include "invoke/event_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "store/memory_store.h"

namespace lambent::invoke {
namespace {

using namespace std::chrono_literals;

catalog::FunctionPtr function_f() {
  catalog::Function function;
  function.name = "f";
  function.state = "Active";
  return std::make_shared<const catalog::Function>(std::move(function));
}

InvokeResult<Answer> success() {
  return Answer{.payload = "null"};
}
InvokeResult<Answer> function_error() {
  return Answer{.payload = "{}", .function_error = "Unhandled"};
}
InvokeResult<Answer> throttled() {
  return std::unexpected(InvokeError{InvokeError::Kind::throttled, "Rate Exceeded."});
}

// Answers from a script, the last entry for ever; stops the loop once it was called `until` times.
class ScriptedInvoker final : public Invoker {
 public:
  explicit ScriptedInvoker(net::Loop& loop) : loop_(loop) {}
  net::Task<InvokeResult<Answer>> invoke(Call call) override {
    calls.push_back(std::move(call));
    auto answer = script.front();
    if (script.size() > 1) script.pop_front();
    if (calls.size() == until) loop_.post([this] { loop_.stop(); });
    co_return answer;
  }
  net::Task<InvokeResult<std::string>> enqueue(Call) override { co_return std::string(); }
  InvokeResult<void> check(const Call&) override { return {}; }
  void retire(const catalog::Function&) override {}
  void follow(const catalog::Entry&) override {}
  void forget(const std::string&) override {}
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr) override {
    co_return instance::SnapshotOutcome{};
  }
  [[nodiscard]] scheduler::Readiness readiness(const catalog::Function&) const override { return {}; }

  std::deque<InvokeResult<Answer>> script;
  std::vector<Call> calls;
  std::size_t until = 1;

 private:
  net::Loop& loop_;
};

class RecordingDestination final : public Destination {
 public:
  [[nodiscard]] bool takes(std::string_view arn) const override { return arn.starts_with("test:"); }
  net::Task<InvokeResult<void>> send(std::string arn, std::string payload, std::string) override {
    if (refusals > 0) {
      refusals--;
      co_return std::unexpected(InvokeError{InvokeError::Kind::throttled, "not now"});
    }
    sent.emplace_back(std::move(arn), std::move(payload));
    co_return InvokeResult<void>();
  }
  std::vector<std::pair<std::string, std::string>> sent;
  int refusals = 0;
};

class EventQueueTest : public testing::Test {
 protected:
  EventQueueTest() : invoker_(loop_) { open(); }

  void open() {
    RetryPolicy fast{.retries = 2,
                     .first_wait = 1ms,
                     .second_wait = 1ms,
                     .shortest_backoff = 1ms,
                     .longest_backoff = 4ms,
                     .max_age = 3'600'000ms,
                     .at_once = at_once_,
                     .pending_bytes = may_wait_};
    committer_.emplace(store_);
    queue_.emplace(
        loop_, clock_, store_, *committer_, invoker_,
        [this](const std::string&, const std::string&) { return EventTarget{function_, config_}; }, fast);
    queue_->add_destination(destination_);
  }

  // Adds one call and runs until the script has been asked `calls` times.
  void add_and_run(std::size_t calls) {
    invoker_.until = calls;
    scope_.spawn(add());
    loop_.run();
    settle();
  }
  void settle() {
    scope_.spawn(stop());
    loop_.run();
    queue_.reset();
    committer_.reset();
  }
  net::Task<> add() {
    Call call;
    call.function = function_;
    call.payload = "{}";
    call.request_id = "id-1";
    accepted_ = co_await queue_->add(std::move(call));
    if (!accepted_->has_value()) loop_.post([this] { loop_.stop(); });
  }
  net::Task<> stop_when_told() {
    net::Timer pause(loop_);
    while (destination_.sent.empty()) std::ignore = co_await pause.sleep(1ms);
    loop_.post([this] { loop_.stop(); });
  }
  net::Task<> stop() {
    co_await queue_->stop();
    loop_.post([this] { loop_.stop(); });
  }
  std::size_t on_disk() {
    const auto snapshot = store_.snapshot();
    const auto cursor = snapshot->cursor(store::Space::async_queue, "", "");
    std::size_t count = 0;
    for (cursor->seek_first(); cursor->valid(); cursor->next()) ++count;
    return count;
  }

  std::size_t may_wait_ = 100'000;
  std::size_t at_once_ = 10;
  catalog::EventInvokeConfig config_;
  RecordingDestination destination_;
  net::Loop loop_;
  FakeClock clock_;
  store::MemoryStore store_;
  ScriptedInvoker invoker_;
  catalog::FunctionPtr function_ = function_f();
  std::optional<store::Committer> committer_;
  std::optional<EventQueue> queue_;
  std::optional<InvokeResult<std::string>> accepted_;
  net::Scope scope_;
};

TEST_F(EventQueueTest, ASuccessfulCallRunsOnceAndLeavesTheDisk) {
  invoker_.script = {success()};
  add_and_run(1);
  EXPECT_EQ(accepted_->value(), "id-1");
  EXPECT_EQ(invoker_.calls.size(), 1U);
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, AFailingFunctionIsTriedTwiceMoreUnderTheSameRequestId) {
  invoker_.script = {function_error()};
  add_and_run(3);
  ASSERT_EQ(invoker_.calls.size(), 3U);
  EXPECT_EQ(invoker_.calls[2].request_id, "id-1");
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, ThrottlingCostsNoAttempt) {
  invoker_.script = {throttled(), throttled(), throttled(), throttled(), success()};
  add_and_run(5);
  EXPECT_EQ(invoker_.calls.size(), 5U);
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, AFunctionMaySayHowOftenItIsTried) {
  config_.max_retries = 0;
  invoker_.script = {function_error()};
  add_and_run(1);
  EXPECT_EQ(invoker_.calls.size(), 1U);
  EXPECT_TRUE(invoker_.calls[0].is_background);
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, DestinationsHearOfSuccess) {
  config_.on_success = "test:good";
  config_.on_failure = "test:bad";
  destination_.refusals = 2;
  invoker_.script = {Answer{.executed_version = "$LATEST", .payload = "[1]"}};
  invoker_.until = 0;
  scope_.spawn(stop_when_told());
  scope_.spawn(add());
  loop_.run();
  settle();
  EXPECT_EQ(destination_.refusals, 0);
  ASSERT_EQ(destination_.sent.size(), 1U);
  EXPECT_EQ(destination_.sent[0].first, "test:good");
  const auto& record = destination_.sent[0].second;
  EXPECT_TRUE(record.contains(R"("condition":"Success","approximateInvokeCount":1)")) << record;
  EXPECT_TRUE(record.contains(R"("requestPayload":{})")) << record;
  EXPECT_TRUE(record.contains(R"("responsePayload":[1])")) << record;
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, DestinationsAndDeadLettersHearOfTheLastFailure) {
  config_.on_failure = "test:bad";
  auto function = *function_;
  function.echoed = {{"DeadLetterConfig", R"({"TargetArn":"test:dead"})"}};
  function_ = std::make_shared<const catalog::Function>(function);
  invoker_.script = {function_error()};
  add_and_run(3);
  ASSERT_EQ(destination_.sent.size(), 2U);
  const auto& [to, record] = destination_.sent[0];
  EXPECT_EQ(to, "test:bad");
  EXPECT_TRUE(record.contains(R"("condition":"RetriesExhausted","approximateInvokeCount":3)")) << record;
  EXPECT_TRUE(record.contains(R"("functionError":"Unhandled")")) << record;
  EXPECT_EQ(destination_.sent[1], (std::pair<std::string, std::string>("test:dead", "{}")));
}

TEST_F(EventQueueTest, ALoopIsEndedAtOnce) {
  config_.on_failure = "test:bad";
  invoker_.script = {std::unexpected(InvokeError{InvokeError::Kind::recursive_loop, "loop"})};
  add_and_run(1);
  ASSERT_EQ(destination_.sent.size(), 1U);
  EXPECT_EQ(invoker_.calls.size(), 1U);
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, AnEventThatIsTooOldIsNotRun) {
  config_.on_failure = "test:bad";
  config_.max_age_seconds = 60;
  invoker_.script = {throttled()};
  add_and_run(1);
  EXPECT_EQ(on_disk(), 1U);
  clock_.advance(std::chrono::seconds(61));
  open();
  invoker_.calls.clear();
  EXPECT_EQ(queue_->resume().value(), 1U);
  scope_.spawn(stop_when_told());
  loop_.run();
  settle();
  EXPECT_TRUE(invoker_.calls.empty());
  ASSERT_EQ(destination_.sent.size(), 1U);
  EXPECT_TRUE(destination_.sent[0].second.contains("EventAgeExceeded"));
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, WhatIsOnDiskAfterAStopRunsAgainAfterARestart) {
  invoker_.script = {throttled()};
  add_and_run(1);
  EXPECT_EQ(on_disk(), 1U);
  open();
  invoker_.script = {success()};
  invoker_.calls.clear();
  EXPECT_EQ(queue_->resume().value(), 1U);
  loop_.run();
  settle();
  EXPECT_EQ(invoker_.calls.size(), 1U);
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, ACallOverWhatMayWaitIsThrottledAndNotRun) {
  may_wait_ = 1;
  queue_.reset();
  open();
  invoker_.script = {success()};
  scope_.spawn(add());
  loop_.run();
  settle();
  ASSERT_FALSE(accepted_->has_value());
  EXPECT_EQ(accepted_->error().kind, InvokeError::Kind::throttled);
  EXPECT_TRUE(invoker_.calls.empty());
  EXPECT_EQ(on_disk(), 0U);
}

TEST_F(EventQueueTest, ACallThatCannotBeMadeDurableIsNotAcknowledgedAndNotRun) {
  store_.fail_commit(1, ENOSPC);
  invoker_.script = {success()};
  scope_.spawn(add());
  loop_.run();
  settle();
  ASSERT_FALSE(accepted_->has_value());
  EXPECT_EQ(accepted_->error().kind, InvokeError::Kind::queue_failed);
  EXPECT_TRUE(invoker_.calls.empty());
}

}  // namespace
}  // namespace lambent::invoke
