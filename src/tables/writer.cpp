#include "tables/writer.h"

#include <utility>

#include "base/log.h"

namespace lambent::tables {

Writer::Writer(store::KeyValueStore& store, const Clock& clock, Chore chore)
    : store_(store), clock_(clock), chore_(std::move(chore)), thread_([this] { run(); }) {}

Writer::~Writer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::submit(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Writer::wake_chore() {
  {
    const std::scoped_lock lock(mutex_);
    chore_waits_ = true;
  }
  wake_.notify_one();
}

void Writer::run() {
  for (;;) {
    std::vector<Job> jobs;
    bool chore_due = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || chore_waits_; });
      jobs.swap(queue_);
      if (jobs.empty() && stopping_) return;
      chore_due = chore_waits_ && !stopping_ && (jobs.empty() || ++groups_since_step_ >= kGroupsPerStep);
    }
    if (!jobs.empty()) do_group(jobs);
    if (!chore_due) continue;
    groups_since_step_ = 0;
    do_chore();
  }
}

void Writer::do_group(std::vector<Job>& jobs) {
  auto next = jobs.begin();
  while (next != jobs.end()) {
    Staging staging(store_, clock_.wall_ms());
    std::vector<Finish> finishes;
    for (; next != jobs.end() && staging.size_bytes() < kGroupBytes && !staging.ends_group; ++next) {
      finishes.push_back((*next)(staging));
    }
    const auto committed = staging.empty() ? Result<>() : store_.commit(staging.batch(), store::Durability::sync);
    if (committed) staging.publish_counts();
    for (auto& finish : finishes) finish(committed);
  }
}

void Writer::do_chore() {
  Staging staging(store_, 0);
  auto step = chore_(staging);
  // Not synced: a step that a power cut takes back is done again.
  const auto committed = staging.empty() ? Result<>() : store_.commit(staging.batch(), store::Durability::nosync);
  if (!committed) log::warning("background work on tables stops: {}", committed.error().message());
  if (committed) {
    staging.publish_counts();
    if (step.committed) step.committed();
    if (step.more) return;
  }
  const std::scoped_lock lock(mutex_);
  chore_waits_ = false;
}

}  // namespace lambent::tables
