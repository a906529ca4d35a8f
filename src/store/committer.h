// Group commit for callers that must not block: batches handed in while one commit runs share the next one, and so
// one fsync serves them all. They are applied in the order they were handed in.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "store/key_value_store.h"

namespace lambent::store {

// Owns one thread. Thread safety: submit from any thread.
class Committer {
 public:
  // Called on the committer's thread once the batch is durable, or with the error that kept it from being so. Must not
  // block or throw; an event loop posts to itself from here.
  using Done = std::move_only_function<void(Result<>)>;

  // The store outlives the committer.
  explicit Committer(KeyValueStore& store);
  // Commits what was handed in, then ends.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // A batch of nosync may become durable early, as part of a group that syncs.
  void submit(WriteBatch batch, Durability durability, Done done);

 private:
  struct Waiting {
    WriteBatch batch;
    Durability durability;
    Done done;
  };
  void run();
  void commit_group(std::vector<Waiting> group);

  KeyValueStore& store_;
  std::mutex mutex_;  // guards queue_ and stopping_
  std::condition_variable wake_;
  std::vector<Waiting> queue_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all else stands
};

}  // namespace lambent::store
