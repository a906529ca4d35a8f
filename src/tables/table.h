// A table that exists, as the running engine holds it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "tables/key_codec.h"
#include "tables/schema.h"
#include "tables/stream.h"

namespace lambent::tables {

// Shared by everyone who works on the table; outlives its removal from the catalog. Name, id and key never change; the
// rest of the definition is replaced as a whole. The counters, definition and stream are written by the writer's thread
// only.
class Table {
 public:
  explicit Table(TableDefinition what)
      : name(what.name),
        id(what.id),
        prefix(view_prefix(what.id, 0)),
        key_(what.key),
        definition_(std::make_shared<const TableDefinition>(std::move(what))) {}

  const std::string name;
  const std::uint64_t id;
  const std::string prefix;  // of its items' keys
  std::atomic<std::int64_t> item_count{0};
  std::atomic<std::int64_t> size_bytes{0};
  std::atomic<bool> dropped{false};
  std::atomic<bool> restoring{false};  // from a backup: it takes no requests yet
  StreamPtr stream;                    // null: changes are not recorded. Writer's thread only

  [[nodiscard]] const KeySchema& key() const { return key_; }
  [[nodiscard]] std::shared_ptr<const TableDefinition> definition() const {
    const std::scoped_lock lock(mutex_);
    return definition_;
  }
  void set_definition(std::shared_ptr<const TableDefinition> definition) {
    const std::scoped_lock lock(mutex_);
    definition_.swap(definition);
  }

 private:
  const KeySchema key_;
  mutable std::mutex mutex_;  // guards definition_
  std::shared_ptr<const TableDefinition> definition_;
};

using TablePtr = std::shared_ptr<Table>;

}  // namespace lambent::tables
