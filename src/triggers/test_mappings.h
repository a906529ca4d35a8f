// What an event source mapping works with, made of fakes and a store in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "net/scope.h"
#include "store/memory_store.h"
#include "triggers/mapping_run.h"
#include "triggers/test_stream.h"

namespace lambent::triggers {

class MappingTest : public testing::Test {
 protected:
  MappingTest() {
    destinations_.add(target_);
    mapping_.id = "m1";
    mapping_.source_arn = "arn:test:here";
    mapping_.function_name = "f";
    mapping_.starting_position = "TRIM_HORIZON";
    open();
  }
  ~MappingTest() override { committer_.reset(); }

  // As the server does at its start, from what is in the store.
  void open() {
    committer_.emplace(store_);
    positions_.emplace(store_, *committer_);
    ASSERT_TRUE(positions_->load());
  }
  void restart() {
    positions_.reset();
    committer_.reset();  // after what was handed in is written
    open();
  }

  MappingParts parts() {
    using namespace std::chrono_literals;
    return {.loop = loop_,
            .clock = clock_,
            .invoker = function_,
            .find_function = [this](const std::string&, const std::string&) { return record_; },
            .home = {},
            .positions = *positions_,
            .destinations = destinations_,
            .policy = {.poll = 1ms,
                       .look_for_shards = 1ms,
                       .shortest_backoff = 1ms,
                       .longest_backoff = 2ms,
                       .delivery = {1ms, 2ms},
                       .payload_bytes = payload_bytes_,
                       .read_ahead = 100,
                       .window_state_bytes = 100,
                       .window_grace = 1s}};
  }

  // Runs until the condition holds, at most some thousand rounds.
  template <class Condition>
  bool run_until(Condition condition) {
    bool held = false;
    scope_.spawn(watch(loop_, condition, held));
    loop_.run();
    return held;
  }
  template <class Stoppable>
  void stop(Stoppable& stoppable) {
    scope_.spawn(end(loop_, stoppable.stop()));
    loop_.run();
  }
  [[nodiscard]] std::string position_of(const std::string& shard) const {
    const auto position = positions_->find(mapping_.id, shard);
    return !position ? "none" : position->is_end ? "end" : position->after;
  }

  net::Loop loop_;
  FakeClock clock_;
  store::MemoryStore store_;
  FakeStream stream_;
  FakeFunction function_{loop_};
  FakeTarget target_;
  invoke::Destinations destinations_;
  std::optional<store::Committer> committer_;
  std::optional<MappingPositions> positions_;
  catalog::FunctionPtr record_ = std::make_shared<const catalog::Function>();
  catalog::EventSourceMapping mapping_;
  std::size_t payload_bytes_ = 6UL * 1024 * 1024;
  net::Scope scope_;

 private:
  template <class Condition>
  static net::Task<> watch(net::Loop& loop, Condition condition, bool& held) {
    using namespace std::chrono_literals;
    net::Timer timer(loop);
    for (int i = 0; i < 5000 && !held; ++i) {
      held = condition();
      if (!held) std::ignore = co_await timer.sleep(1ms);
    }
    loop.post([&loop] { loop.stop(); });
  }
  static net::Task<> end(net::Loop& loop, net::Task<> stopping) {
    co_await std::move(stopping);
    loop.post([&loop] { loop.stop(); });
  }
};

}  // namespace lambent::triggers
