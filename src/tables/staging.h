// What one group commit will change: the newest state is the store with this on top. Writer's thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/key_value_store.h"
#include "tables/table.h"

namespace lambent::tables {

class Staging {
 public:
  Staging(const store::KeyValueStore& store, std::int64_t now_ms) : store_(store), now_ms_(now_ms) {}

  // Wall time of the group.
  [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }
  void set_now_ms(std::int64_t now_ms) { now_ms_ = now_ms; }

  // The item (or index entry) at a key of the space `tables`.
  [[nodiscard]] Result<std::optional<Item>> get(const std::string& key) const;
  // Whatever is at a key of it.
  [[nodiscard]] Result<std::optional<std::string>> get_bytes(const std::string& key) const;
  // Whether the group puts or removes the key.
  [[nodiscard]] bool is_changed(const std::string& key) const { return items_.contains(key); }
  // As it is without the group's changes.
  [[nodiscard]] const store::KeyValueStore& store() const { return store_; }
  void put(const std::string& key, std::string value);
  void remove(const std::string& key);

  // The next record of the stream, with the change it tells of.
  void record(Stream& stream, const StreamRecord& record);
  // Of the space `streams`.
  void remove_record(std::string key) { records_.emplace_back(std::move(key), std::nullopt); }

  // Of the space `tables_meta`.
  void put_meta(const std::string& key, std::string value);
  void remove_meta(const std::string& key);

  void count(const TablePtr& table, std::int64_t items, std::int64_t bytes);

  // The group ends with the job that sets this: what comes after it has to see it committed (definitions of tables).
  bool ends_group = false;

  // Tables made or dropped by this group.
  std::set<std::string> created;
  std::set<std::uint64_t> dropped;

  [[nodiscard]] bool empty() const { return items_.empty() && meta_.empty() && records_.empty(); }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }
  // Everything as one batch, the tables' new counters included.
  [[nodiscard]] store::WriteBatch batch() const;
  // After the commit: the counters of the tables in memory.
  void publish_counts();

 private:
  struct Counts {
    std::int64_t items = 0;
    std::int64_t bytes = 0;
  };

  const store::KeyValueStore& store_;
  std::map<std::string, std::optional<std::string>> items_;
  std::map<std::string, std::optional<std::string>> meta_;
  std::map<TablePtr, Counts> counts_;
  std::vector<std::pair<std::string, std::optional<std::string>>> records_;
  std::int64_t now_ms_ = 0;
  std::size_t size_bytes_ = 0;
};

// Keys in tables_meta.
std::string definition_key(const std::string& table_name);
std::string counts_key(std::uint64_t table_id);
std::string dropped_key(std::uint64_t table_id);
inline constexpr std::string_view kDefinitions = "t/";
inline constexpr std::string_view kDropped = "d/";
// How far a view of a table is filled: the last key of the table that was.
std::string progress_key(std::uint64_t table_id, std::uint8_t view);
inline constexpr std::string_view kNextTableId = "next_table_id";

std::string encode_counts(std::int64_t items, std::int64_t bytes);
// Zeros for anything unreadable: counters are a convenience.
std::pair<std::int64_t, std::int64_t> decode_counts(std::string_view bytes);

}  // namespace lambent::tables
