// What the engine is asked and what it answers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tables/expression.h"
#include "tables/schema.h"

namespace lambent::tables {

enum class TableStatus { creating, updating, active, deleting };

// An expression of a request: as text, or (from the older parameters and from PartiQL) taken apart already.
template <class T>
using Written = std::variant<std::string, T>;
using Paths = std::vector<DocumentPath>;

// The expression, parsed where it is text; `parameter` is the request's name for it.
[[nodiscard]] inline TablesResult<Condition> condition_of(const Written<Condition>& written, std::string_view parameter,
                                                          PlaceholderUse& use) {
  if (const auto* parsed = std::get_if<Condition>(&written)) return *parsed;
  return parse_condition(std::get<std::string>(written), parameter, use);
}
[[nodiscard]] inline TablesResult<Update> update_of(const Written<Update>& written, PlaceholderUse& use) {
  if (const auto* parsed = std::get_if<Update>(&written)) return *parsed;
  return parse_update(std::get<std::string>(written), use);
}
[[nodiscard]] inline TablesResult<Paths> paths_of(const Written<Paths>& written, PlaceholderUse& use) {
  if (const auto* parsed = std::get_if<Paths>(&written)) return *parsed;
  return parse_projection(std::get<std::string>(written), use);
}

struct TableDescription {
  std::shared_ptr<const TableDefinition> definition;
  TableStatus status = TableStatus::active;
  std::int64_t item_count = 0;
  std::int64_t size_bytes = 0;
};

struct TableList {
  std::vector<std::string> names;
  std::optional<std::string> last;  // where there are more
};

enum class ReturnValues { none, all_old, updated_old, all_new, updated_new };

// Capacity units by DynamoDB's rules, by table and by index.
struct Capacity {
  std::string table;
  double table_units = 0;
  std::map<std::string, double> local_units;  // by index name
  std::map<std::string, double> global_units;

  [[nodiscard]] double total() const;
};

// One change of one item. `key` for all but puts, which have the whole `item`.
struct WriteRequest {
  enum class Kind { put, update, remove, check };
  Kind kind = Kind::put;
  std::string table;
  Item item;
  Item key;
  std::optional<Written<Condition>> condition;
  std::optional<Written<Update>> update;  // an update without one makes sure that the item exists
  Placeholders placeholders;
  ReturnValues return_values = ReturnValues::none;
  bool item_on_condition_failure = false;
  bool insert = false;    // a put that fails as duplicate_item where there is an item
  std::string statement;  // of PartiQL, with its parameters: tells transactions apart
};

// All items and entries of local indexes under one hash key, in a table that has local indexes.
struct Collection {
  Item key;  // the hash key
  std::uint64_t bytes = 0;
};

struct WriteResult {
  std::optional<Item> attributes;        // by return_values
  std::optional<Collection> collection;  // that the item is in, after the write
  Capacity capacity;
};

struct GetRequest {
  std::string table;
  Item key;
  std::optional<Written<Paths>> projection;
  Placeholders placeholders;
  bool consistent = false;
};

struct GetResult {
  std::optional<Item> item;
  Capacity capacity;
};

enum class Select { all_attributes, all_projected, specific, count };

// Query and Scan.
struct PageRequest {
  std::string table;
  std::optional<std::string> index;
  std::optional<Written<Condition>> key_condition;  // Query must have one, Scan none
  std::optional<Written<Condition>> filter;
  std::optional<Written<Paths>> projection;
  Placeholders placeholders;
  std::optional<Select> select;
  std::optional<std::int64_t> limit;
  std::optional<Item> start_after;  // ExclusiveStartKey
  bool filter_on_keys = false;      // PartiQL's filters may have the key's attributes, Query's may not
  bool forward = true;
  bool consistent = false;
  std::optional<std::int64_t> segment;
  std::optional<std::int64_t> total_segments;
};

struct Page {
  std::vector<Item> items;  // empty for Select::count
  std::int64_t count = 0;
  std::int64_t scanned = 0;
  std::optional<Item> last;  // LastEvaluatedKey
  Capacity capacity;
};

struct BatchGetRequest {
  struct Table {
    std::vector<Item> keys;
    std::optional<Written<Paths>> projection;
    Placeholders placeholders;
    bool consistent = false;
  };
  std::map<std::string, Table> tables;
};

struct BatchGetResult {
  std::map<std::string, std::vector<Item>> items;
  std::map<std::string, std::vector<Item>> unprocessed;  // keys; past 16 MB of items
  std::vector<Capacity> capacity;
};

struct BatchWriteResult {
  std::vector<Capacity> capacity;
  std::map<std::string, std::vector<Collection>> collections;  // by table, each once
};

struct TransactGetResult {
  std::vector<std::optional<Item>> items;
  std::vector<Capacity> capacity;
};

}  // namespace lambent::tables
