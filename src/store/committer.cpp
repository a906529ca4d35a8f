#include "store/committer.h"

#include <utility>

namespace lambent::store {

Committer::Committer(KeyValueStore& store) : store_(store), thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::submit(WriteBatch batch, Durability durability, Done done) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back({std::move(batch), durability, std::move(done)});
  }
  wake_.notify_one();
}

void Committer::run() {
  for (;;) {
    std::vector<Waiting> group;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      group.swap(queue_);
    }
    commit_group(std::move(group));
  }
}

void Committer::commit_group(std::vector<Waiting> group) {
  WriteBatch all;
  Durability durability = Durability::nosync;
  for (auto& waiting : group) {
    all.append(std::move(waiting.batch));
    if (waiting.durability == Durability::sync) durability = Durability::sync;
  }
  const auto committed = store_.commit(all, durability);
  for (auto& waiting : group) waiting.done(committed);
}

}  // namespace lambent::store
