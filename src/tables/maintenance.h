// What the writer's thread does in the background, a bounded step at a time, between the groups of writes: new indexes
// filled, old ones cleared, expired items removed, stream records trimmed, backups copied.
//
// A piece of work changes the store only through the staging it is given, and is alone in it: what it reads from the
// store is the newest state, and no write comes between its read and its commit. Steps are not synced: where a power
// cut takes one back, it is done again. All of it is for the writer's thread.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "tables/staging.h"
#include "tables/table.h"
#include "tables/writer.h"

namespace lambent::tables {

struct WorkStep {
  bool done = false;
  std::move_only_function<void()> committed;  // after the step's commit; may be empty
};
using Work = std::move_only_function<WorkStep(Staging&)>;

// Works in turns, one step each.
class Maintenance {
 public:
  void add(Work work) { works_.push_back(std::move(work)); }
  [[nodiscard]] Writer::Step step(Staging& staging);

 private:
  std::deque<Work> works_;
};

// Bounds of one step: what a write may have to wait for.
inline constexpr std::size_t kItemsAtOnce = 500;
inline constexpr std::size_t kBytesAtOnce = 1U << 20U;

// Fills the view (an index, or kExpiryView) from the items, going on where an earlier run ended, then makes it active.
Work fill_view(const store::KeyValueStore& store, TablePtr table, std::uint8_t view);
// Removes the view's entries, then the view from the definition.
Work clear_view(const store::KeyValueStore& store, TablePtr table, std::uint8_t view);
// Removes what is under the prefix of the space `tables`, then the key of tables_meta that remembers it.
Work remove_all(const store::KeyValueStore& store, std::string prefix, std::string meta_key);
// Removes items that have expired at `now_ms`. `finished` runs on the way out, whatever the way.
Work remove_expired(const store::KeyValueStore& store, TablePtr table, std::int64_t now_ms,
                    std::move_only_function<void()> finished);
// Removes records that are older than a stream keeps them; all of a stream that was closed that long ago. `finished`
// runs at the end, with whether the stream is gone.
Work trim_stream(const store::KeyValueStore& store, StreamPtr stream, std::int64_t now_ms,
                 std::move_only_function<void(bool gone)> finished);

// Stages the table's definition; the function publishes it after the commit.
std::move_only_function<void()> stage_definition(const TablePtr& table, TableDefinition definition, Staging& staging);

}  // namespace lambent::tables
