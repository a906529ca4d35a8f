// What a table is: its keys, indexes and settings. Plain values, stored in the space tables_meta.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "tables/attribute_value.h"
#include "tables/error.h"

namespace lambent::tables {

// DynamoDB's limits.
inline constexpr std::size_t kMaxItemBytes = 400 * 1024;
inline constexpr std::size_t kMaxHashKeyBytes = 2048;
inline constexpr std::size_t kMaxRangeKeyBytes = 1024;
inline constexpr int kMaxNesting = 32;
inline constexpr std::size_t kMaxLocalIndexes = 5;
inline constexpr std::size_t kMaxGlobalIndexes = 20;
inline constexpr std::size_t kMaxTables = 2500;
inline constexpr std::size_t kMaxTags = 50;

struct KeyAttribute {
  std::string name;
  Type type = Type::S;  // S, N or B
  bool operator==(const KeyAttribute&) const = default;
};

struct KeySchema {
  KeyAttribute hash;
  std::optional<KeyAttribute> range;

  [[nodiscard]] bool has(std::string_view attribute) const {
    return hash.name == attribute || (range && range->name == attribute);
  }
  [[nodiscard]] std::size_t size() const { return range ? 2 : 1; }
  bool operator==(const KeySchema&) const = default;
};

struct Throughput {
  std::int64_t read = 0;
  std::int64_t write = 0;
  bool operator==(const Throughput&) const = default;
};

// Of an index (and of the index by expiry time). Writes keep creating and active ones; only active ones are read.
enum class ViewState : std::uint8_t { active, creating, deleting };

struct IndexDefinition {
  enum class Projection : std::uint8_t { all, keys_only, include };

  std::string name;
  std::uint8_t id = 0;  // 1 to 253 within its table; 0 is the table itself
  bool global = true;
  KeySchema key;
  Projection projection = Projection::all;
  std::vector<std::string> included;     // attributes, for include
  std::optional<Throughput> throughput;  // of global indexes of provisioned tables
  ViewState state = ViewState::active;
  bool operator==(const IndexDefinition&) const = default;
};

// The view (tables/key_codec.h) that holds the items' keys by expiry time; indexes have smaller ids.
inline constexpr std::uint8_t kExpiryView = 255;
// The one that holds sizes of item collections (tables/collections.h).
inline constexpr std::uint8_t kCollectionsView = 254;

struct TimeToLive {
  std::string attribute;
  ViewState state = ViewState::active;
  bool operator==(const TimeToLive&) const = default;
};

// What of a changed item goes into the table's stream.
enum class StreamView : std::uint8_t { keys_only, new_image, old_image, new_and_old_images };

struct StreamSettings {
  std::uint64_t id = 0;  // tables/stream.h
  StreamView view = StreamView::keys_only;
  bool enabled = true;  // false: it takes no more, but is still shown as the latest
  std::string label;
  bool operator==(const StreamSettings&) const = default;
};

// Of a table that was made from a backup.
struct RestoredFrom {
  std::string backup;  // its id
  std::string table;   // name of the table that was backed up
  std::int64_t at_ms = 0;
  bool running = false;  // items are still copied; nobody may use the table
  bool operator==(const RestoredFrom&) const = default;
};

struct TableDefinition {
  std::string name;
  std::uint64_t id = 0;  // never used again, so that a new table of an old name sees none of its items
  std::string uuid;      // DynamoDB's TableId
  std::int64_t created_ms = 0;
  KeySchema key;
  std::vector<KeyAttribute> attributes;  // as the request listed them
  std::vector<IndexDefinition> indexes;
  std::optional<Throughput> throughput;  // nothing: on demand
  bool deletion_protection = false;
  std::string table_class;  // empty where the request named none
  std::int64_t on_demand_since_ms = 0;
  std::map<std::string, std::string> tags;
  std::optional<TimeToLive> ttl;
  std::optional<StreamSettings> stream;
  std::optional<RestoredFrom> restored;

  [[nodiscard]] const IndexDefinition* index(std::string_view index_name) const;
  bool operator==(const TableDefinition&) const = default;
};

std::string encode_definition(const TableDefinition& definition);
Result<TableDefinition> decode_definition(std::string_view bytes);

// What CreateTable was given, before its parts are known to fit.
struct KeyElement {
  std::string name;
  bool hash = true;
};
struct IndexRequest {
  std::string name;
  bool global = true;
  std::vector<KeyElement> key;
  std::optional<IndexDefinition::Projection> projection;
  std::vector<std::string> included;
  std::optional<Throughput> throughput;
};
struct CreateTableRequest {
  std::string name;
  std::vector<KeyElement> key;
  std::vector<KeyAttribute> attributes;
  std::vector<IndexRequest> indexes;
  bool on_demand = false;
  std::optional<Throughput> throughput;
  bool deletion_protection = false;
  std::string table_class;
  std::map<std::string, std::string> tags;
  std::optional<StreamView> stream;
};

// What UpdateTable was given.
struct UpdateTableRequest {
  struct Stream {
    bool enabled = false;
    std::optional<StreamView> view;
  };
  std::string name;
  std::vector<KeyAttribute> attributes;  // of the keys of a new index
  std::optional<bool> on_demand;
  std::optional<Throughput> throughput;
  std::map<std::string, Throughput> index_throughput;
  std::vector<IndexRequest> new_indexes;
  std::vector<std::string> dropped_indexes;
  std::optional<bool> deletion_protection;
  std::optional<std::string> table_class;
  std::optional<Stream> stream;
};

// The definition (without id, uuid and date), or what does not fit.
TablesResult<TableDefinition> define_table(const CreateTableRequest& request);

// The definition with the change in it: new indexes are creating, dropped ones deleting, a new stream has neither id
// nor label yet (enabled, id 0).
TablesResult<TableDefinition> updated(const TableDefinition& table, const UpdateTableRequest& request);

// Forgets the definitions of attributes that no key uses any more.
void prune_attributes(TableDefinition& table);

// Tags as a resource may have them.
TablesResult<> check_tags(const std::map<std::string, std::string>& tags);

}  // namespace lambent::tables
