// Hands batches of one shard to the function, one after the other, until each record is done with.
//
// A batch that fails is tried again, whole, in halves or from the first record that the function says failed, until it
// succeeds, its records are too old or its retries are used up; then the on-failure destination has a record of it.
// Throttled calls and a function that is not ready are waited for, and cost no retry.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
//
// On the loop's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "triggers/mapping_parts.h"
#include "triggers/tumbling_window.h"

namespace lambent::triggers {

class BatchDelivery {
 public:
  // Called from within hand_over() and end_window().
  class Observer {
   public:
    virtual ~Observer() = default;
    // These are done with, for good; the window's state, where there is one, counts them.
    virtual void on_done(std::span<const StreamRecord> records) = 0;
    // Its state is fresh again, before its end.
    virtual void on_window_restarted() = 0;
  };

  // All outlive it.
  BatchDelivery(MappingContext& context, const std::string& shard, Observer& observer)
      : context_(context), shard_(shard), observer_(observer), timer_(context) {}

  // One at a time. `records` and `window` stay until then; null: the mapping has no tumbling windows. False where the
  // mapping stops before all are done with.
  net::Task<bool> hand_over(std::span<const StreamRecord> records, TumblingWindow* window);
  // The final call of a window, tried until it succeeds. False where the mapping stops before.
  net::Task<bool> end_window(const TumblingWindow& window, WindowCall call = WindowCall::final);

 private:
  // A part of a batch that is not done with.
  struct Piece {
    std::span<const StreamRecord> records;
    std::uint32_t attempts = 0;
  };
  enum class Outcome { done, failed, not_called, too_large };
  struct Attempt {
    Outcome outcome = Outcome::not_called;
    std::size_t done = 0;  // records, from the first on
    invoke::Answer answer{};
  };
  // Waits that double from one to the next.
  class Backoff {
   public:
    explicit Backoff(const MappingPolicy& policy) : policy_(policy), next_(policy.shortest_backoff) {}
    void reset() { next_ = policy_.shortest_backoff; }
    std::chrono::milliseconds next();

   private:
    const MappingPolicy& policy_;
    std::chrono::milliseconds next_;
  };

  net::Task<bool> restart_large_window(TumblingWindow* window);
  net::Task<bool> drop_old(Piece& piece);
  net::Task<Attempt> try_batch(Piece piece, TumblingWindow* window);
  net::Task<Attempt> call(std::string event);
  net::Task<bool> give_up(Piece piece, std::string_view condition, const invoke::Answer* answer);

  MappingContext& context_;
  const std::string& shard_;
  Observer& observer_;
  MappingTimer timer_;
};

}  // namespace lambent::triggers
