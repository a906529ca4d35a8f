// One shard of a mapping's source at work: read in order, its records handed to the function in batches, and what is
// done with remembered.
//
// Records go into as many lanes as the mapping's ParallelizationFactor says, by the hash of their key. A lane hands
// over one batch at a time; lanes run at the same time. So records of one key are never in two batches at once, and
// come in their order. The position that is kept moves only when all before it is done with: after a crash records
// behind it come again, though some were done with by faster lanes.
//
// With tumbling windows there is one lane; its batches keep to the windows in which their records arrived.
//
// On the loop's thread only.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>

#include "net/scope.h"
#include "triggers/batch_delivery.h"
#include "triggers/mapping_parts.h"
#include "triggers/read_progress.h"
#include "triggers/record_queue.h"

namespace lambent::triggers {

class ShardRun final : BatchDelivery::Observer {
 public:
  // The context outlives it.
  ShardRun(MappingContext& context, std::string shard);
  ~ShardRun() override = default;
  ShardRun(const ShardRun&) = delete;
  ShardRun& operator=(const ShardRun&) = delete;

  // To the shard's end, or until the mapping stops. `start`: where a shard of which nothing is known is begun. Once.
  net::Task<> run(StreamStart start);

 private:
  struct Lane {
    Lane(MappingContext& context, const std::string& shard, RecordQueue::Batches batches, BatchDelivery::Observer& run)
        : queue(batches), delivery(context, shard, run), wake(context) {}
    RecordQueue queue;
    BatchDelivery delivery;
    MappingTimer wake;
  };

  net::Task<bool> begin(StreamStart start);
  net::Task<> read();
  void take(StreamRead read, std::int64_t asked_ms);
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool wants(const StreamRecord& record) const;
  void wake_lanes();
  void wake_reader();

  net::Task<> run_lane(Lane& lane);
  net::Task<bool> hand_over(Lane& lane);
  net::Task<bool> end_window(Lane& lane);
  // Of the next batch: the end of the window that is open or would be opened.
  [[nodiscard]] std::int64_t border(const Lane& lane) const;
  [[nodiscard]] bool is_window_over(const Lane& lane) const;

  void on_done(std::span<const StreamRecord> records) override;
  void on_window_restarted() override { keep(); }
  void keep();

  MappingContext& context_;
  const std::string shard_;
  std::list<Lane> lanes_;
  std::optional<ReadProgress> progress_;
  std::optional<TumblingWindow> window_;
  std::string read_to_;           // a sequence number, or empty
  std::int64_t complete_ms_ = 0;  // all that arrived before has been read
  std::size_t held_bytes_ = 0;    // of records in lanes and with the function
  bool is_end_ = false;           // read to the shard's end
  bool is_full_ = false;          // nothing is read until some are done with
  MappingTimer wake_;
  net::Scope scope_;
};

}  // namespace lambent::triggers
