// The key-value store on RocksDB, one database for the whole server.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/limits.h"
#include "store/key_value_store.h"

namespace lambent::store {

struct RocksDbSettings {
  // Of table files, uncompressed; their indexes and filters too, of which ten million small items have some 30 MiB.
  std::size_t block_cache_bytes = 128 * kMiB;
  std::size_t memtable_bytes = 16 * kMiB;  // per space, before it is written out
  // A log that is damaged elsewhere than at its torn end means that acknowledged writes may be lost. By default such a
  // store is refused; true opens it with everything up to the first damaged place (an operator's decision, never ours).
  bool accept_damaged_log = false;
};

// Makes the folder and the database where missing. Fails where another process has it open, where the format is newer
// than this program knows, and where the log is damaged (see above); the error names the file as RocksDB does.
Result<std::unique_ptr<KeyValueStore>> open_rocksdb_store(const std::string& folder, RocksDbSettings settings = {});

}  // namespace lambent::store
