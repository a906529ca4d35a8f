#include "triggers/event_source_engine.h"

#include "triggers/test_mappings.h"

namespace lambent::triggers {
namespace {

class EventSourceEngineTest : public MappingTest {
 protected:
  EventSourceEngineTest() { engine_.add_source(stream_); }
  EventSourceEngine engine_{parts()};
};

TEST_F(EventSourceEngineTest, RunsWhatIsEnabledAndStopsWhatIsNot) {
  stream_.add("s", {"1"}, clock_.wall_ms());
  engine_.follow(mapping_);
  EXPECT_TRUE(run_until([&] { return position_of("s") == "1"; }));
  EXPECT_EQ(engine_.last_result("m1"), "OK");
  mapping_.is_enabled = false;
  engine_.follow(mapping_);
  EXPECT_TRUE(run_until([&] { return engine_.last_result("m1") == "No records processed"; }));
  stream_.add("s", {"2"}, clock_.wall_ms());
  mapping_.is_enabled = true;
  mapping_.function_name = "g";
  engine_.follow(mapping_);
  EXPECT_TRUE(run_until([&] { return position_of("s") == "2"; }));
  EXPECT_TRUE(function_.arns.back().ends_with(":g"));
  stop(engine_);
}

TEST_F(EventSourceEngineTest, ManyChangesAtOnceEndInTheLast) {
  for (const char* name : {"a", "b", "c"}) {
    mapping_.function_name = name;
    engine_.follow(mapping_);
  }
  stream_.add("s", {"1"}, clock_.wall_ms());
  EXPECT_TRUE(run_until([&] { return position_of("s") == "1"; }));
  ASSERT_EQ(function_.arns.size(), 1U);
  EXPECT_TRUE(function_.arns[0].ends_with(":c"));
  stop(engine_);
}

TEST_F(EventSourceEngineTest, WhatIsForgottenLeavesNothing) {
  stream_.add("s", {"1"}, clock_.wall_ms());
  engine_.follow(mapping_);
  EXPECT_TRUE(run_until([&] { return position_of("s") == "1"; }));
  engine_.forget("m1");
  EXPECT_TRUE(run_until([&] { return position_of("s") == "none"; }));
  stop(engine_);
}

TEST_F(EventSourceEngineTest, PositionsOfMappingsThatAreGoneAreRemovedAtTheStart) {
  positions_->set("m1", "shard", {"7", false});
  positions_->set("gone", "shard", {"9", false});
  restart();
  positions_->keep_only({"m1"});
  EXPECT_EQ(position_of("shard"), "7");
  EXPECT_FALSE(positions_->has_any("gone"));
  restart();
  EXPECT_EQ(position_of("shard"), "7");
  EXPECT_FALSE(positions_->has_any("gone")) << "in the store too";
}

TEST_F(EventSourceEngineTest, KnowsWhichSourcesThereAre) {
  EXPECT_TRUE(engine_.takes("arn:test:other"));
  EXPECT_FALSE(engine_.takes("arn:aws:kinesis:us-east-1:000000000000:stream/x"));
  std::vector<bool> found;
  const auto ask = [](EventSourceEngine& engine, std::vector<bool>& into) -> net::Task<> {
    into.push_back(co_await engine.exists("arn:test:here"));
    into.push_back(co_await engine.exists("arn:test:gone"));
    into.push_back(co_await engine.exists("arn:aws:sqs:us-east-1:000000000000:q"));
  };
  scope_.spawn(ask(engine_, found));
  EXPECT_EQ(found, (std::vector{true, false, false}));
  stop(engine_);
}

}  // namespace
}  // namespace lambent::triggers
