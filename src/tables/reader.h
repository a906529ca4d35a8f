// Reads of items, on the caller's thread, from a snapshot of the store.
#pragma once

#include "store/key_value_store.h"
#include "tables/requests.h"
#include "tables/table.h"

namespace lambent::tables {

// Bytes of items after which a page of a Query or Scan ends.
inline constexpr std::size_t kPageBytes = 1U << 20U;
// Bytes of items that an event loop may look at for one page: well under a millisecond.
inline constexpr std::size_t kLoopBytes = 32U << 10U;

TablesResult<GetResult> read_item(const store::Snapshot& snapshot, const Table& table, const GetRequest& request);

// Query where the request has a key condition, else Scan. ErrorKind::too_long where it has to look at more than
// `most_bytes` of items, those of the table that an index lacks among them.
TablesResult<Page> read_page(const store::Snapshot& snapshot, const Table& table, const PageRequest& request,
                             std::size_t most_bytes);

}  // namespace lambent::tables
