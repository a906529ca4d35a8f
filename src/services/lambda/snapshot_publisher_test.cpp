#include "services/lambda/snapshot_publisher.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

using Kind = instance::SnapshotOutcome::Kind;

class PublishedSnapshots : public ServiceTest {
 protected:
  PublishedSnapshots() {
    auto request = new_function();
    request.snap_start.emplace().apply_on = "PublishedVersions";
    EXPECT_TRUE(create(std::move(request)));
    invoker.holds_snapshots = true;
  }

  auto publish() { return *t.run(service.publish_version(call, {.function_name = "hello"})); }
  // INIT of the one that has waited for longest ends.
  void release(Kind kind) {
    invoker.snapshot = {kind, "because"};
    const auto first = invoker.held_snapshots.front();
    invoker.held_snapshots.pop_front();
    first.set(true);
  }
  // And what came of it is written.
  void end_init(Kind kind) {
    release(kind);
    t.run(snapshots.settled("hello"));
  }
  // What is shown of the first version once its INIT has ended so.
  std::string shown_after(Kind kind) {
    publish();
    end_init(kind);
    return shown();
  }
  // "<State> <LastUpdateStatus> <OptimizationStatus>"
  std::string shown(const std::string& version = "1") {
    const auto configuration = *this->configuration("hello:" + version);
    return *configuration.state + " " + *configuration.last_update_status + " " +
           *configuration.snap_start->optimization_status;
  }
};

TEST_F(PublishedSnapshots, AreMadeWhileTheVersionIsPending) {
  const auto published = publish();
  EXPECT_EQ(published.state, "Pending");
  EXPECT_EQ(published.state_reason_code, "Creating");
  EXPECT_EQ(invoker.made_snapshots, std::vector<std::string>{"hello:1"});
  EXPECT_EQ(shown(), "Pending InProgress On");
  EXPECT_EQ(*configuration()->state, "Active") << "$LATEST has none";
  end_init(Kind::made);
  EXPECT_EQ(shown(), "Active Successful On");
}

TEST_F(PublishedSnapshots, FailWhereInitFailsInTheWordsOfAws) {
  EXPECT_EQ(shown_after(Kind::init_failed), "Failed Failed On");
  const auto failed = *configuration("hello:1");
  EXPECT_EQ(failed.state_reason_code, "FunctionError");
  EXPECT_EQ(failed.state_reason, "An error occurred during function initialization.");
}

TEST_F(PublishedSnapshots, AreOffWhereInitCannotBeForked) {
  EXPECT_EQ(shown_after(Kind::unsuitable), "Active Successful Off");
}

TEST_F(PublishedSnapshots, AreMadeLaterWhereTheHostCannotNow) {
  EXPECT_EQ(shown_after(Kind::unavailable), "Active Successful On");
}

TEST_F(PublishedSnapshots, GoOnAfterTheServersEnd) {
  EXPECT_EQ(shown_after(Kind::stopped), "Pending InProgress On");
  snapshots.resume();
  end_init(Kind::made);
  EXPECT_EQ(shown(), "Active Successful On");
  EXPECT_EQ(invoker.made_snapshots.size(), 2U);
}

TEST_F(PublishedSnapshots, TheSameContentIsTheSameVersionWhateverBecameOfIt) {
  publish();
  EXPECT_EQ(*publish().version, "1");
  end_init(Kind::init_failed);
  EXPECT_EQ(*publish().version, "1");
  EXPECT_EQ(invoker.made_snapshots.size(), 1U);
}

TEST_F(PublishedSnapshots, ADeletedVersionStaysDeleted) {
  publish();
  ASSERT_TRUE(t.run(service.delete_function(call, {.function_name = "hello", .qualifier = "1"})));
  end_init(Kind::made);
  EXPECT_EQ(outcome(configuration("hello:1")), kNotFound + kArn + ":1");
}

TEST_F(PublishedSnapshots, AChangeWaitsWhileTheOutcomeIsWritten) {
  publish();
  release(Kind::made);  // this outcome is on its way to the disk now
  const auto changed = t.run(service.update_function_configuration(call, {.function_name = "hello", .timeout = 9}));
  EXPECT_TRUE(changed) << outcome(changed);
  EXPECT_EQ(shown(), "Active Successful On");
}

TEST_F(PublishedSnapshots, AFewAreMadeAtATime) {
  std::vector<catalog::FunctionPtr> versions;
  for (std::size_t i = 0; i < SnapshotPublisher::kAtOnce + 2; ++i) {
    auto version = *t.catalog->find("hello");
    version.version = std::to_string(i + 1);
    SnapshotPublisher::begin(version);
    versions.push_back(std::make_shared<const catalog::Function>(std::move(version)));
  }
  for (const auto& version : versions) snapshots.publish(version);
  EXPECT_EQ(invoker.made_snapshots.size(), SnapshotPublisher::kAtOnce);
  while (!invoker.held_snapshots.empty()) end_init(Kind::made);
  EXPECT_EQ(invoker.made_snapshots.size(), versions.size());
}

}  // namespace
}  // namespace lambent::services::lambda
