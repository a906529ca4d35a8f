#include "triggers/mapping_run.h"

#include "triggers/test_mappings.h"

namespace lambent::triggers {
namespace {

std::string event(const std::vector<std::string>& sequences) {
  std::string text = R"({"Records":[)";
  for (const auto& each : sequences) text += R"({"k":")" + each + R"("},)";
  text.back() = ']';
  return text + "}";
}

class MappingRunTest : public MappingTest {
 protected:
  // Runs the mapping until the condition holds, then stops it.
  template <class Condition>
  void run(Condition condition) {
    const auto with = parts();
    MappingRun mapping(with, stream_, mapping_);
    mapping.start();
    EXPECT_TRUE(run_until(condition));
    last_result_ = mapping.last_result();
    stop(mapping);
  }
  void run_to(const std::string& position) {
    run([&] { return position_of("s") == position; });
  }
  void fail_batches_with(const std::string& poison) {
    function_.answer = [poison](const std::string& payload) -> invoke::InvokeResult<invoke::Answer> {
      if (payload.contains(poison)) return FakeFunction::failure();
      return invoke::Answer{.payload = "null"};
    };
  }
  std::int64_t now() const { return clock_.wall_ms(); }
  std::string last_result_;
};

TEST_F(MappingRunTest, HandsRecordsOverInOrderAndInBatches) {
  mapping_.batch_size = 2;
  stream_.add("s", {"1", "2", "3"}, now());
  run_to("3");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1", "2"}), event({"3"})}));
  EXPECT_EQ(function_.arns.front(), "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_EQ(last_result_, "OK");
}

TEST_F(MappingRunTest, GoesOnAfterARestartWhereItWas) {
  stream_.add("s", {"1", "2"}, now());
  run_to("2");
  restart();
  mapping_.starting_position = "LATEST";  // counts for the first start only
  stream_.add("s", {"3"}, now());
  run_to("3");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1", "2"}), event({"3"})}));
}

TEST_F(MappingRunTest, LatestLeavesOutWhatIsThere) {
  mapping_.starting_position = "LATEST";
  stream_.add("s", {"1"}, now());
  run([&] {
    if (stream_.reads >= 3 && stream_.all["s"].records.size() == 1) stream_.add("s", {"2"}, now());
    return position_of("s") == "2";
  });
  EXPECT_EQ(function_.payloads, (std::vector{event({"2"})}));
}

TEST_F(MappingRunTest, AChildShardFollowsItsParent) {
  stream_.add("b-parent", {"1"}, now());
  stream_.all["b-parent"].is_closed = true;
  stream_.add("a-child", {"2"}, now());
  stream_.all["a-child"].parent = "b-parent";
  run([&] { return position_of("a-child") == "2"; });
  EXPECT_EQ(position_of("b-parent"), "end");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1"}), event({"2"})}));
}

TEST_F(MappingRunTest, AWindowGathersABatch) {
  mapping_.window_seconds = 10;
  stream_.add("s", {"1"}, now());
  int rounds = 0;
  run([&] {
    if (++rounds == 20) stream_.add("s", {"2"}, now());
    if (rounds == 40) {
      EXPECT_TRUE(function_.payloads.empty());
      clock_.advance(std::chrono::seconds(11));
    }
    return position_of("s") == "2";
  });
  EXPECT_EQ(function_.payloads, (std::vector{event({"1", "2"})}));
}

TEST_F(MappingRunTest, AnEventStaysWithinThePayloadLimit) {
  payload_bytes_ = 40;
  stream_.add("s", {"1", "2", "3"}, now());
  run_to("3");
  ASSERT_EQ(function_.payloads.size(), 2U);
  EXPECT_EQ(function_.payloads[0], event({"1", "2"}));
}

TEST_F(MappingRunTest, FiltersLeaveRecordsOut) {
  mapping_.filters = {R"({"k":["2"]})", R"({"k":[{"prefix":"4"}]})"};
  stream_.add("s", {"1", "2", "3", "4", "5"}, now());
  run_to("5");
  EXPECT_EQ(function_.payloads, (std::vector{event({"2", "4"})}));
}

TEST_F(MappingRunTest, WhatNoFilterWantsIsPassedWithoutACall) {
  mapping_.filters = {R"({"k":["9"]})"};
  stream_.add("s", {"1", "2"}, now());
  run_to("2");
  EXPECT_TRUE(function_.payloads.empty());
}

TEST_F(MappingRunTest, AFailingBatchIsTriedAgainUntilItsRetriesAreUsedUp) {
  mapping_.max_retries = 2;
  mapping_.on_failure = "test:bad";
  fail_batches_with("\"1\"");
  mapping_.batch_size = 1;
  stream_.add("s", {"1", "2"}, now());
  run_to("2");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1"}), event({"1"}), event({"1"}), event({"2"})}));
  ASSERT_EQ(target_.told.size(), 1U);
  for (const char* part : {R"("condition":"RetryAttemptsExhausted")", R"("approximateInvokeCount":3)",
                           R"("functionError":"Unhandled")", R"("TestBatchInfo":{"shardId":"s")",
                           R"("startSequenceNumber":"1","endSequenceNumber":"1")", R"("batchSize":1)"}) {
    EXPECT_TRUE(target_.told[0].contains(part)) << part << " in " << target_.told[0];
  }
}

TEST_F(MappingRunTest, HalvesLeaveTheBadRecordAlone) {
  mapping_.max_retries = 0;
  mapping_.bisects = true;
  mapping_.on_failure = "test:bad";
  fail_batches_with("\"3\"");
  stream_.add("s", {"1", "2", "3", "4"}, now());
  run_to("4");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1", "2", "3", "4"}), event({"1", "2"}), event({"3", "4"}),
                                             event({"3"}), event({"4"})}));
  ASSERT_EQ(target_.told.size(), 1U);
  EXPECT_TRUE(target_.told[0].contains(R"("startSequenceNumber":"3","endSequenceNumber":"3")"));
}

TEST_F(MappingRunTest, AReportedFailureBeginsAgainAtThatRecord) {
  mapping_.reports_item_failures = true;
  function_.answer = [this](const std::string&) -> invoke::InvokeResult<invoke::Answer> {
    const bool is_first = function_.payloads.size() == 1;
    return invoke::Answer{.payload = is_first
                                         ? R"({"batchItemFailures":[{"itemIdentifier":"3"},{"itemIdentifier":"2"}]})"
                                         : R"({"batchItemFailures":[]})"};
  };
  stream_.add("s", {"1", "2", "3"}, now());
  run_to("3");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1", "2", "3"}), event({"2", "3"})}));
}

TEST_F(MappingRunTest, AThrottledCallCostsNoRetry) {
  mapping_.max_retries = 0;
  function_.answer = [this](const std::string&) -> invoke::InvokeResult<invoke::Answer> {
    if (function_.payloads.size() > 3) return invoke::Answer{.payload = "null"};
    return std::unexpected(invoke::InvokeError{invoke::InvokeError::Kind::throttled, "Rate Exceeded."});
  };
  stream_.add("s", {"1"}, now());
  run_to("1");
  EXPECT_EQ(function_.payloads.size(), 4U);
  EXPECT_TRUE(target_.told.empty());
}

TEST_F(MappingRunTest, OldRecordsAreGivenUpWithoutACall) {
  mapping_.max_age_seconds = 60;
  mapping_.on_failure = "test:bad";
  stream_.add("s", {"1", "2"}, now() - 61'000);
  stream_.add("s", {"3"}, now());
  run_to("3");
  EXPECT_EQ(function_.payloads, (std::vector{event({"3"})}));
  ASSERT_EQ(target_.told.size(), 1U);
  EXPECT_TRUE(target_.told[0].contains(R"("condition":"RecordAgeExceeded")"));
  EXPECT_TRUE(target_.told[0].contains(R"("batchSize":2)"));
}

TEST_F(MappingRunTest, StopsInTheMiddleOfRetriesAndKeepsItsPlace) {
  fail_batches_with("\"1\"");
  stream_.add("s", {"1"}, now());
  run([&] { return function_.payloads.size() > 3; });
  EXPECT_EQ(position_of("s"), "");
  EXPECT_EQ(last_result_, "PROBLEM: Function call failed");
}

TEST_F(MappingRunTest, WaitsForAFunctionThatIsNotThere) {
  const auto function = std::exchange(record_, nullptr);
  stream_.add("s", {"1"}, now());
  int rounds = 0;
  run([&] {
    if (++rounds == 10) record_ = function;
    return position_of("s") == "1";
  });
  EXPECT_EQ(function_.payloads.size(), 1U);
}

TEST_F(MappingRunTest, SaysThatTheStreamIsGone) {
  mapping_.source_arn = "arn:test:gone";
  int rounds = 0;
  run([&] { return ++rounds > 10; });
  EXPECT_EQ(last_result_, "PROBLEM: Stream not found");
}

// ---- several batches of one shard at the same time ----

TEST_F(MappingRunTest, LanesRunAtTheSameTimeAndKeepTheOrderOfEachKey) {
  mapping_.parallelization = 2;
  mapping_.batch_size = 1;
  function_.held = {"\"1\""};
  stream_.add("s", {"1", "2"}, now(), 0);
  stream_.add("s", {"3", "4"}, now(), 1);
  run([&] {
    if (function_.payloads.size() == 3 && function_.running == 1) {
      EXPECT_EQ(position_of("s"), "") << "the first is not done with";
      EXPECT_EQ(function_.payloads, (std::vector{event({"1"}), event({"3"}), event({"4"})}));
      function_.held.clear();
    }
    return position_of("s") == "4";
  });
  EXPECT_EQ(function_.payloads, (std::vector{event({"1"}), event({"3"}), event({"4"}), event({"2"})}));
  EXPECT_EQ(function_.most_running, 2);
}

TEST_F(MappingRunTest, OneLaneRunsOneBatchAtATime) {
  mapping_.batch_size = 1;
  for (std::uint64_t key = 0; key < 5; ++key) stream_.add("s", {std::to_string(key)}, now(), key);
  run_to("4");
  EXPECT_EQ(function_.most_running, 1);
}

TEST_F(MappingRunTest, WhatFasterLanesDidComesAgainAfterARestart) {
  mapping_.parallelization = 2;
  mapping_.batch_size = 1;
  fail_batches_with("\"1\"");
  stream_.add("s", {"1"}, now(), 0);
  stream_.add("s", {"2"}, now(), 1);
  run([&] { return function_.payloads.size() > 4; });
  EXPECT_EQ(position_of("s"), "");
  restart();
  function_.payloads.clear();
  function_.answer = {};
  run_to("2");
  EXPECT_EQ(function_.payloads, (std::vector{event({"1"}), event({"2"})}));
}

TEST_F(MappingRunTest, ALaneThatIsStuckStopsTheReadingAfterAWhile) {
  mapping_.parallelization = 2;
  mapping_.batch_size = 10;
  function_.held = {"\"1000\""};
  stream_.add("s", {"1000"}, now(), 0);
  for (int i = 1001; i < 1500; ++i) stream_.add("s", {std::to_string(i)}, now(), 1);
  int rounds = 0;
  run([&] {
    if (++rounds == 100) {
      EXPECT_TRUE(function_.payloads.back().contains("\"1099\"")) << "a hundred are read ahead";
      EXPECT_EQ(position_of("s"), "");
      function_.held.clear();
    }
    return position_of("s") == "1499";
  });
}

TEST_F(MappingRunTest, AnEndedShardIsDoneWithWhenAllLanesAre) {
  mapping_.parallelization = 3;
  function_.held = {"\"1\""};
  for (std::uint64_t key = 1; key < 4; ++key) stream_.add("s", {std::to_string(key)}, now(), key);
  stream_.all["s"].is_closed = true;
  int rounds = 0;
  run([&] {
    if (++rounds == 50) {
      EXPECT_EQ(position_of("s"), "");
      function_.held.clear();
    }
    return position_of("s") == "end";
  });
  EXPECT_EQ(function_.payloads.size(), 3U);
}

// ---- tumbling windows ----

class TumblingRunTest : public MappingRunTest {
 protected:
  TumblingRunTest() {
    mapping_.tumbling_seconds = 60;
    // The state of each window: how many records it has had.
    function_.answer = count;
    begin_ = now() - now() % 60'000;
  }
  static int number_in(const std::string& payload, const std::string& before) {
    const auto at = payload.find(before);
    return at == std::string::npos ? 0 : std::stoi(payload.substr(at + before.size()));
  }
  static int records_in(const std::string& payload) {
    const auto list = payload.substr(0, payload.find(']'));
    return static_cast<int>(std::ranges::count(list, 'k'));
  }
  static invoke::InvokeResult<invoke::Answer> count(const std::string& payload) {
    const int had = number_in(payload, R"("state":{"n":)");
    return invoke::Answer{.payload = R"({"state":{"n":)" + std::to_string(had + records_in(payload)) + "}}"};
  }
  static bool is_final(const std::string& payload) { return payload.contains(R"("isFinalInvokeForWindow":true)"); }
  std::vector<int> final_counts() const {
    std::vector<int> counts;
    for (const auto& each : function_.payloads) {
      if (is_final(each)) counts.push_back(number_in(each, R"("state":{"n":)"));
    }
    return counts;
  }
  std::int64_t begin_ = 0;
};

TEST_F(TumblingRunTest, StateIsHandedOnAndTheNextWindowsRecordEndsTheFormer) {
  mapping_.batch_size = 2;
  stream_.add("s", {"1", "2", "3"}, begin_);
  stream_.add("s", {"4"}, begin_ + 60'000);
  run_to("4");
  ASSERT_EQ(function_.payloads.size(), 4U);
  EXPECT_TRUE(function_.payloads[0].contains(R"({"k":"2"}],"window":{"start":")")) << function_.payloads[0];
  EXPECT_TRUE(function_.payloads[0].contains(R"("state":{},"shardId":"s","eventSourceARN":"arn:test:here")"));
  EXPECT_TRUE(function_.payloads[1].contains(R"("state":{"n":2},)"));
  EXPECT_TRUE(function_.payloads[2].starts_with(R"({"Records":[],"window":)"));
  EXPECT_TRUE(is_final(function_.payloads[2]));
  EXPECT_EQ(final_counts(), std::vector{3});
  EXPECT_TRUE(function_.payloads[3].contains(R"("state":{},)")) << "a fresh one";
}

TEST_F(TumblingRunTest, TimeEndsAWindowThatNothingFollows) {
  stream_.add("s", {"1"}, begin_);
  run([&] {
    if (position_of("s") == "1") clock_.advance(std::chrono::seconds(1));
    return !final_counts().empty();
  });
  EXPECT_EQ(final_counts(), std::vector{1});
}

TEST_F(TumblingRunTest, TheStateOutlivesTheServer) {
  stream_.add("s", {"1", "2"}, begin_);
  run_to("2");
  restart();
  EXPECT_EQ(positions_->find("m1", "s")->window,
            (TumblingWindow{.start_ms = begin_, .end_ms = begin_ + 60'000, .state = R"({"n":2})"}));
  stream_.add("s", {"3"}, begin_ + 1);
  stream_.add("s", {"4"}, begin_ + 60'001);
  run_to("4");
  EXPECT_EQ(final_counts(), std::vector{3});
  clock_.advance(std::chrono::minutes(3));
  restart();
  run([&] { return final_counts().size() == 2; });
  EXPECT_EQ(final_counts(), (std::vector{3, 1}));
}

TEST_F(TumblingRunTest, TheFinalCallIsTriedUntilItSucceeds) {
  mapping_.max_retries = 0;
  int failures = 3;
  function_.answer = [&](const std::string& payload) {
    if (is_final(payload) && failures-- > 0) return FakeFunction::failure();
    return count(payload);
  };
  stream_.add("s", {"1"}, begin_);
  stream_.add("s", {"2"}, begin_ + 60'000);
  run_to("2");
  EXPECT_EQ(final_counts(), (std::vector{1, 1, 1, 1}));
}

TEST_F(TumblingRunTest, AnAnswerWithoutAStateIsAFailedOne) {
  mapping_.max_retries = 1;
  function_.answer = [&](const std::string& payload) -> invoke::InvokeResult<invoke::Answer> {
    if (payload.contains(R"("k":"1")")) return invoke::Answer{.payload = "{}"};
    return count(payload);
  };
  mapping_.batch_size = 1;
  stream_.add("s", {"1", "2"}, begin_);
  stream_.add("s", {"3"}, begin_ + 60'000);
  run_to("3");
  EXPECT_EQ(function_.payloads.size(), 5U) << "twice the first, the second, the final one, the third";
  EXPECT_EQ(final_counts(), std::vector{1});
}

TEST_F(TumblingRunTest, AStateThatIsTooLargeEndsTheWindowEarly) {
  mapping_.batch_size = 1;
  function_.answer = [&](const std::string& payload) -> invoke::InvokeResult<invoke::Answer> {
    if (payload.contains(R"("k":"1")")) {
      return invoke::Answer{.payload = R"({"state":{"n":1,"x":")" + std::string(200, 'x') + R"("}})"};
    }
    return count(payload);
  };
  stream_.add("s", {"1", "2"}, begin_);
  stream_.add("s", {"3"}, begin_ + 60'000);
  run_to("3");
  ASSERT_EQ(function_.payloads.size(), 5U);
  EXPECT_TRUE(function_.payloads[1].contains(R"("isFinalInvokeForWindow":true,"isWindowTerminatedEarly":true)"));
  EXPECT_TRUE(function_.payloads[1].contains(R"("state":{"n":1,"x":)"));
  EXPECT_TRUE(function_.payloads[2].contains(R"("state":{},)"));
  EXPECT_TRUE(function_.payloads[3].contains(R"("isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false)"));
  EXPECT_EQ(final_counts(), (std::vector{1, 1}));
}

TEST_F(TumblingRunTest, TheEndOfAShardEndsItsWindow) {
  stream_.add("s", {"1"}, begin_);
  stream_.all["s"].is_closed = true;
  run([&] { return position_of("s") == "end"; });
  EXPECT_EQ(final_counts(), std::vector{1});
}

}  // namespace
}  // namespace lambent::triggers
