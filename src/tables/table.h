// A table that exists, as the running engine holds it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "tables/key_codec.h"
#include "tables/schema.h"

namespace lambent::tables {

// Shared by everyone who works on the table; outlives its removal from the catalog. The definition does not change;
// the counters are written by the writer's thread only.
struct Table {
  explicit Table(TableDefinition what)
      : definition(std::make_shared<const TableDefinition>(std::move(what))), prefix(view_prefix(definition->id, 0)) {}

  std::shared_ptr<const TableDefinition> definition;
  std::string prefix;  // of its items' keys
  std::atomic<std::int64_t> item_count{0};
  std::atomic<std::int64_t> size_bytes{0};
  std::atomic<bool> dropped{false};

  [[nodiscard]] const KeySchema& key() const { return definition->key; }
};

using TablePtr = std::shared_ptr<Table>;

}  // namespace lambent::tables
