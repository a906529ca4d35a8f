// What a table is: its keys, indexes and settings. Plain values, stored in the space tables_meta.
#pragma once

#include <cstdint>
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

struct IndexDefinition {
  enum class Projection : std::uint8_t { all, keys_only, include };

  std::string name;
  std::uint8_t id = 0;  // 1 to 255 within its table; 0 is the table itself
  bool global = true;
  KeySchema key;
  Projection projection = Projection::all;
  std::vector<std::string> included;     // attributes, for include
  std::optional<Throughput> throughput;  // of global indexes of provisioned tables
  bool operator==(const IndexDefinition&) const = default;
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
};

// The definition (without id, uuid and date), or what does not fit.
TablesResult<TableDefinition> define_table(const CreateTableRequest& request);

}  // namespace lambent::tables
