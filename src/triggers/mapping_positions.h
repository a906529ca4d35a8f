// How far event source mappings have come in their sources, for good: which records of a shard are done with, and the
// tumbling window that is open there. Both are one value, so that a window's state always counts just the records that
// are done with.
//
// Keys in the space `triggers`: "p/<mapping>/<shard>". Written without a sync: a power cut may have records of the last
// moments come once more, which at-least-once allows; kill -9 loses nothing. On the loop's thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/committer.h"
#include "store/key_value_store.h"
#include "triggers/tumbling_window.h"

namespace lambent::triggers {

struct MappingPosition {
  std::string after;    // a sequence number; empty: from the oldest record
  bool is_end = false;  // the shard has been read to its end
  std::optional<TumblingWindow> window{};
};

class MappingPositions {
 public:
  // Both outlive this.
  MappingPositions(store::KeyValueStore& store, store::Committer& committer) : store_(store), committer_(committer) {}

  // Blocks on the disk: before the loop runs.
  Result<> load();
  [[nodiscard]] std::optional<MappingPosition> find(std::string_view mapping, std::string_view shard) const;
  // Whether the mapping has ever begun with any shard.
  [[nodiscard]] bool has_any(std::string_view mapping) const;
  void set(std::string_view mapping, std::string_view shard, MappingPosition position);
  // All of a mapping that is gone.
  void forget(std::string_view mapping);
  // Those of all other mappings go: of such as were deleted while the server stopped.
  void keep_only(const std::set<std::string, std::less<>>& mappings);

 private:
  void submit(store::WriteBatch batch);

  store::KeyValueStore& store_;
  store::Committer& committer_;
  std::map<std::string, MappingPosition, std::less<>> positions_;  // by key
};

}  // namespace lambent::triggers
