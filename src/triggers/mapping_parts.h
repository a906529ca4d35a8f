// What event source mappings at work are made with, and what the parts of one of them share.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/event_source_mapping.h"
#include "catalog/function_name.h"
#include "event_pattern/pattern.h"
#include "invoke/destination.h"
#include "invoke/invoker.h"
#include "net/loop.h"
#include "net/task.h"
#include "net/timer.h"
#include "triggers/mapping_positions.h"
#include "triggers/stream_source.h"

namespace lambent::triggers {

struct MappingPolicy {
  std::chrono::milliseconds poll{250};  // of a shard that had nothing new: four times a second, as on AWS
  std::chrono::milliseconds look_for_shards{4'000};
  std::chrono::milliseconds shortest_backoff{500};
  std::chrono::milliseconds longest_backoff{60'000};
  invoke::Destinations::Backoff delivery;
  std::size_t payload_bytes = 6UL * 1024 * 1024;  // of one event
  // Records of a shard that are read before all that came before them are done with: what a crash may repeat where
  // batches run at the same time, and what one of them that fails again and again holds up. At least two batches for
  // each that may run.
  std::size_t read_ahead = 1'000;
  std::size_t window_state_bytes = 1024UL * 1024;  // of a tumbling window, as on AWS
  // A read that finds nothing this long after a tumbling window's end has seen all of it.
  std::chrono::milliseconds window_grace{1'000};
};

// What all mappings work with; outlives them.
struct MappingParts {
  using FindFunction = std::function<catalog::FunctionPtr(const std::string& name, const std::string& qualifier)>;
  net::Loop& loop;
  const Clock& clock;
  invoke::Invoker& invoker;
  FindFunction find_function;
  catalog::Home home;
  MappingPositions& positions;
  const invoke::Destinations& destinations;
  MappingPolicy policy;
};

// Of one mapping; outlives its parts.
struct MappingContext {
  const MappingParts& parts;
  StreamSource& source;
  const catalog::EventSourceMapping mapping;
  std::vector<event_pattern::Pattern> filters;
  std::list<net::Timer> timers{};  // what sleeps by one of them wakes when the mapping stops
  std::string last_result = "No records processed";
  bool stopping = false;

  // False where the mapping stops. cancel() of the timer ends it early.
  net::Task<bool> pause(net::Timer& timer, std::chrono::nanoseconds time) const {
    if (stopping) co_return false;
    std::ignore = co_await timer.sleep(time);
    co_return !stopping;
  }
};

// One of MappingContext::timers.
class MappingTimer {
 public:
  explicit MappingTimer(MappingContext& context)
      : timers_(context.timers), place_(timers_.emplace(timers_.end(), context.parts.loop)) {}
  ~MappingTimer() { timers_.erase(place_); }
  MappingTimer(const MappingTimer&) = delete;
  MappingTimer& operator=(const MappingTimer&) = delete;
  [[nodiscard]] net::Timer& get() const { return *place_; }

 private:
  std::list<net::Timer>& timers_;
  std::list<net::Timer>::iterator place_;
};

}  // namespace lambent::triggers
