#include "instance/snapshots.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "instance/test_surroundings.h"

namespace lambent::instance {
namespace {

constexpr std::chrono::milliseconds kMoment{5};

class SnapshotsTest : public testing::Test {
 protected:
  using Sources = std::vector<std::optional<Snapshots::Source>>;

  static Runtime python() {
    Runtime runtime;
    runtime.id = "python3.11";
    runtime.family = RuntimeFamily::python;
    runtime.interpreter = "/usr/bin/python3";
    return runtime;
  }
  void make(SnapshotSettings settings = {}) {
    snapshots_.emplace(test_.around, settings, [this] { return std::optional(free_percent_); });
  }
  net::Task<> source_into(std::string revision, Sources& sources) {
    sources.push_back(co_await snapshots_->source_of(TestSurroundings::function("f", std::move(revision)), python()));
  }
  net::Task<> at_once(int count, Sources& sources) {
    net::Scope scope;
    for (int i = 0; i < count; ++i) scope.spawn(source_into("r1", sources));
    co_await scope.join();
  }
  net::Task<> until(std::size_t count) {
    net::Timer pause(test_.loop);
    while (snapshots_->size() != count) std::ignore = co_await pause.sleep(kMoment);
  }
  void run(net::Task<> test) {
    test_.run(whole(std::move(test)));
    snapshots_.reset();
    EXPECT_EQ(test_.backend.alive(), 0U);
  }
  net::Task<> whole(net::Task<> test) {
    co_await std::move(test);
    co_await snapshots_->stop();
  }

  TestSurroundings test_;
  unsigned free_percent_ = 50;
  std::optional<Snapshots> snapshots_;

  net::Task<> idle_ones_end(Sources& sources);
  net::Task<> leased_ones_stay();
  net::Task<> three_of_two(Sources& sources);
  net::Task<> tried_twice(Sources& sources);
};

TEST_F(SnapshotsTest, ABurstMakesOneTemplate) {
  make();
  Sources sources;
  run(at_once(200, sources));
  ASSERT_EQ(sources.size(), 200U);
  for (const auto& source : sources) EXPECT_TRUE(source && source->id == sources.front()->id);
  ASSERT_EQ(test_.backend.launched.size(), 1U);
  EXPECT_TRUE(test_.backend.launched.front().is_template);
}

net::Task<> SnapshotsTest::idle_ones_end(Sources& sources) {
  co_await source_into("r1", sources);
  sources.clear();
  co_await until(0);
  co_await source_into("r1", sources);
}

TEST_F(SnapshotsTest, AnIdleTemplateEndsAndIsMadeAgain) {
  test_.limits.idle_timeout = std::chrono::milliseconds(20);
  make();
  Sources sources;
  run(idle_ones_end(sources));
  EXPECT_TRUE(sources.front());
  EXPECT_EQ(test_.backend.launched.size(), 2U);
}

TEST_F(SnapshotsTest, WhereMemoryIsScarceIdleTemplatesEndEarly) {
  free_percent_ = 3;
  test_.limits.idle_timeout = std::chrono::minutes(10);
  make();
  Sources sources;
  run(idle_ones_end(sources));
  EXPECT_EQ(test_.backend.launched.size(), 2U);
}

net::Task<> SnapshotsTest::leased_ones_stay() {
  Sources sources;
  co_await source_into("r1", sources);
  net::Timer pause(test_.loop);
  std::ignore = co_await pause.sleep(std::chrono::milliseconds(100));
  EXPECT_EQ(snapshots_->size(), 1U);
  snapshots_->retire(*TestSurroundings::function("f", "r1"));
  std::ignore = co_await pause.sleep(std::chrono::milliseconds(50));
  EXPECT_EQ(snapshots_->size(), 1U);
  sources.clear();
  co_await until(0);
}

TEST_F(SnapshotsTest, ATemplateStaysWhileItsForksLive) {
  test_.limits.idle_timeout = std::chrono::milliseconds(20);
  make();
  run(leased_ones_stay());
}

net::Task<> SnapshotsTest::three_of_two(Sources& sources) {
  co_await source_into("r1", sources);
  co_await source_into("r2", sources);
  co_await source_into("r3", sources);
  sources[0].reset();
  sources[1].reset();
  co_await source_into("r4", sources);
}

TEST_F(SnapshotsTest, BeyondTheBoundTheOldestIdleOneMakesRoom) {
  make({.templates = 2});
  Sources sources;
  run(three_of_two(sources));
  EXPECT_FALSE(sources[2]) << "both were in use";
  EXPECT_TRUE(sources[3]);
}

net::Task<> SnapshotsTest::tried_twice(Sources& sources) {
  co_await source_into("r1", sources);
  co_await source_into("r1", sources);
}

TEST_F(SnapshotsTest, AnInitThatFailsIsNotTriedForEachInstance) {
  test_.backend.first_inits = {FakeBackend::Init::error};
  make();
  Sources sources;
  run(tried_twice(sources));
  EXPECT_FALSE(sources[0] || sources[1]);
  EXPECT_EQ(test_.backend.launched.size(), 1U);
}

TEST_F(SnapshotsTest, AnInitThatTakesTooLongGivesNoTemplate) {
  test_.backend.first_inits = {FakeBackend::Init::hangs};
  test_.limits.init_timeout = std::chrono::milliseconds(20);
  make();
  Sources sources;
  run(tried_twice(sources));
  EXPECT_FALSE(sources[0] || sources[1]);
}

}  // namespace
}  // namespace lambent::instance
