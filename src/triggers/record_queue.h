// Records of a shard that wait for the function, in their order, and when they make a batch.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/clock.h"
#include "triggers/stream_source.h"

namespace lambent::triggers {

class RecordQueue {
 public:
  struct Batches {
    std::size_t records = 100;
    std::size_t bytes = 0;           // of their JSON texts, with a comma each
    std::chrono::seconds window{0};  // to gather a batch that is not full
  };
  explicit RecordQueue(Batches batches) : batches_(batches) {}

  void push(StreamRecord record, Monotonic now) { waiting_.push_back({std::move(record), now}); }
  // Nothing more comes: what there is makes the last batches.
  void close() { is_closed_ = true; }
  [[nodiscard]] bool is_closed() const { return is_closed_; }
  [[nodiscard]] bool is_empty() const { return waiting_.empty(); }
  // Of the first record; there is one.
  [[nodiscard]] std::int64_t front_arrived_ms() const { return waiting_.front().record.arrived_ms; }

  // Whether the first records make a batch by now. Those that arrived at `border_ms` or later are none of it; where
  // `is_complete`, no more come before these.
  [[nodiscard]] bool is_ready(Monotonic now, std::int64_t border_ms, bool is_complete) const;
  // When it is, at the latest. There is a record.
  [[nodiscard]] Monotonic ready_at() const { return waiting_.front().since + batches_.window; }
  // The batch: at least one record, where there is one.
  std::vector<StreamRecord> take(std::int64_t border_ms);

 private:
  struct Waiting {
    StreamRecord record;
    Monotonic since;
  };
  [[nodiscard]] std::size_t next_size(std::int64_t border_ms) const;

  const Batches batches_;
  std::deque<Waiting> waiting_;
  bool is_closed_ = false;
};

}  // namespace lambent::triggers
