// One enabled event source mapping at work: reads its source's shards, each in order, hands batches to the function,
// and remembers what is done with.
//
// A shard's records are handed over in order, and one batch at a time. A batch that fails is tried again, whole, in
// halves or from the first record that the function says failed, until it succeeds, its records are too old or its
// retries are used up; then the on-failure destination has a record of it, and the shard goes on. Throttled calls and
// a function that is not ready are waited for, and cost no retry.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
//
// On the loop's thread only.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/event_source_mapping.h"
#include "catalog/function_name.h"
#include "event_pattern/pattern.h"
#include "invoke/destination.h"
#include "invoke/invoker.h"
#include "net/loop.h"
#include "net/scope.h"
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

class MappingRun {
 public:
  // The patterns of the mapping are valid: the API checks them.
  MappingRun(const MappingParts& parts, StreamSource& source, catalog::EventSourceMapping mapping);
  // stop() must have been awaited.
  ~MappingRun() = default;
  MappingRun(const MappingRun&) = delete;
  MappingRun& operator=(const MappingRun&) = delete;

  void start();
  // Starts nothing more.
  void hold();
  // Calls hold(), and waits for a batch that is with the function; it is not handed over again if it succeeds.
  net::Task<> stop();
  [[nodiscard]] const std::string& last_result() const { return last_result_; }

 private:
  using Records = std::vector<StreamRecord>;
  using Timers = std::list<net::Timer>;

  // Records that were read together and passed the filters, and the last that was read at all.
  struct Batch {
    Records records;
    std::size_t bytes = 0;
    std::string read_to;
    bool is_end = false;
  };
  // A part of a batch that is not done with.
  struct Piece {
    std::span<const StreamRecord> records;
    std::uint32_t attempts = 0;
  };
  enum class Outcome { done, failed, not_called };
  struct Attempt {
    Outcome outcome = Outcome::not_called;
    std::size_t done = 0;  // records, from the first on
    invoke::Answer answer;
  };

  net::Task<> watch_shards();
  [[nodiscard]] std::vector<StreamShard> shards_to_start(const std::vector<StreamShard>& shards) const;
  net::Task<> run_shard(StreamShard shard, bool is_first_look);
  net::Task<StreamResult<std::string>> first_position(const StreamShard& shard, bool is_first_look);
  net::Task<StreamResult<Batch>> gather(const std::string& shard, std::string after, net::Timer& timer);
  void take(StreamRead read, Batch& into) const;
  [[nodiscard]] bool wants(const StreamRecord& record) const;
  // False where the mapping stops before all are done with.
  net::Task<bool> hand_over(const std::string& shard, const Records& records, net::Timer& timer);
  net::Task<bool> drop_old(const std::string& shard, Piece& piece, net::Timer& timer);
  net::Task<Attempt> call(Piece piece);
  net::Task<bool> give_up(const std::string& shard, Piece piece, std::string_view condition,
                          const invoke::Answer* answer, net::Timer& timer);
  void note(const std::string& shard, const StreamRecord& last);
  // False where the mapping stops.
  net::Task<bool> pause(net::Timer& timer, std::chrono::milliseconds time) const;

  const MappingParts& parts_;
  StreamSource& source_;
  const catalog::EventSourceMapping mapping_;
  std::vector<event_pattern::Pattern> filters_;
  net::Scope scope_;
  Timers timers_;
  std::set<std::string> running_;  // shards
  std::string last_result_ = "No records processed";
  bool stopping_ = false;
};

}  // namespace lambent::triggers
