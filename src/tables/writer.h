// The one thread that changes tables. It takes all jobs that wait, evaluates each in order on top of what those before
// it did, commits the whole with one fsync, and only then lets the jobs answer. So every write sees every earlier
// write, conditions and transactions need no locks, and what is answered is on disk.
//
// A commit that fails changes nothing, and every job of its group answers with the failure.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/key_value_store.h"
#include "tables/staging.h"

namespace lambent::tables {

class Writer {
 public:
  // Called on the writer's thread with the commit's outcome; must neither block nor throw.
  using Finish = std::move_only_function<void(const Result<>& committed)>;
  // Evaluates one request against the staging, stages all of its changes or none, and returns what is to happen after
  // the commit.
  using Job = std::move_only_function<Finish(Staging&)>;
  // Background work, a bounded step at a time: while no job waits, and now and then between groups. `committed` is what
  // is to happen after the step's commit.
  struct Step {
    bool more = false;
    std::move_only_function<void()> committed;
  };
  using Chore = std::move_only_function<Step(Staging&)>;

  Writer(store::KeyValueStore& store, const Clock& clock, Chore chore);
  // Does the jobs that were handed in, leaves chores, and ends.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void submit(Job job);
  // There may be something for the chore to do.
  void wake_chore();

 private:
  void run();
  void do_group(std::vector<Job>& jobs);
  void do_chore();

  // Groups after which a step of the chore is done even though jobs wait.
  static constexpr int kGroupsPerStep = 4;
  // A group ends at this many staged bytes, so that one commit stays far below a memtable.
  static constexpr std::size_t kGroupBytes = 4U << 20U;

  store::KeyValueStore& store_;
  const Clock& clock_;
  Chore chore_;
  int groups_since_step_ = 0;
  std::mutex mutex_;  // guards the three below
  std::condition_variable wake_;
  std::vector<Job> queue_;
  bool chore_waits_ = true;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all else stands
};

}  // namespace lambent::tables
