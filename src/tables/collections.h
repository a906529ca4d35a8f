// Sizes of item collections: of all items and entries of local indexes under one value of the hash key, in tables that
// have local indexes. They are kept exactly, in a view of the table: its id | kCollectionsView | the collection's
// place, as in the table's own view; value: the bytes. Tables without local indexes have none, and pay nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tables/mutation.h"
#include "tables/staging.h"

namespace lambent::tables {

// What a group of changes makes of the collections they belong to. Writer's thread only; outlived by the staging.
class CollectionSizes {
 public:
  explicit CollectionSizes(Staging& staging) : staging_(staging) {}

  // Takes a change into account. Fails with item_collection_limit, and leaves the change out, where the collection
  // would grow and have more than `limit` bytes then; what makes it smaller is never refused.
  TablesResult<> add(const PreparedWrite& write, const Outcome& outcome, std::size_t limit);
  // The same for items without a limit.
  Result<> add(const Table& table, const std::optional<Item>& before, const std::optional<Item>& after);

  // The write's collection as it will be; nothing for a table without local indexes.
  [[nodiscard]] std::optional<Collection> of(const PreparedWrite& write) const;

  // Before any of the changes themselves is staged: a collection without a size is measured as it is in the store.
  void stage();

 private:
  struct Sizes {
    std::int64_t before = 0;
    std::int64_t now = 0;
  };
  Result<Sizes*> sizes_at(const Table& table, const TableDefinition& definition, const AttributeValue& hash);

  Staging& staging_;
  std::map<std::string, Sizes> sizes_;  // by key of the view
};

}  // namespace lambent::tables
