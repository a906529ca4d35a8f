// The one ordered key-value store of a server: what must survive a crash and is not a large file lives here.
//
// Keys are ordered by bytes (unsigned). They live in spaces that share one write-ahead log, so that one batch changes
// several spaces atomically. The implementation is RocksDB (store/rocksdb_store.h); tests use store/memory_store.h.
//
// Errors: Error::code is the errno that fits best (ENOSPC, EIO, EROFS). A commit that fails was not acknowledged, and
// from then on the store is read-only: every later commit fails with EROFS and the first failure's text, until the
// server is restarted. (What a failed commit left in the log may be there after a restart: its outcome is unknown, as
// with any database.)
//
// Thread safety: all calls from any thread; they block on the disk, so an event loop runs them on a pool. Only reads of
// a memory_snapshot() never do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace lambent::store {

// Names on disk are in kSpaceNames, in this order. New spaces are added at the end; the store makes missing ones at
// open.
enum class Space : std::uint8_t { catalog, async_queue, tables, tables_meta, identity, triggers, streams };
inline constexpr std::array<std::string_view, 7> kSpaceNames = {"catalog",  "async_queue", "tables", "tables_meta",
                                                                "identity", "triggers",    "streams"};

// Changes that happen together or not at all. Later changes of a key win. A plain value; not thread-safe.
class WriteBatch {
 public:
  struct Change {
    Space space;
    std::string key;
    std::optional<std::string> value;  // nothing: remove
  };

  void put(Space space, std::string_view key, std::string_view value);
  void remove(Space space, std::string_view key);
  void append(WriteBatch&& other);
  void clear();

  [[nodiscard]] std::span<const Change> changes() const { return changes_; }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  // Keys and values, bytes.
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::vector<Change> changes_;
  std::size_t size_bytes_ = 0;
};

// nosync survives kill -9 (the log is with the kernel); sync survives a power cut too.
enum class Durability { nosync, sync };

// Walks the keys of one space in [lower, upper) of a snapshot. Starts invalid: seek first. A read error makes it
// invalid: whoever sees valid() == false must look at status() before believing that the range ended.
// Lives no longer than its snapshot. key() and value() hold until the next move. One thread at a time.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual void seek_first() = 0;
  virtual void seek_last() = 0;
  virtual void seek(std::string_view key) = 0;       // first key >= `key`
  virtual void seek_back(std::string_view key) = 0;  // last key <= `key`
  virtual void next() = 0;
  virtual void previous() = 0;
  [[nodiscard]] virtual bool valid() const = 0;
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
  [[nodiscard]] virtual Result<> status() const = 0;
};

// The store as it was at one moment. Lives no longer than its store. Any thread.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(Space space, std::string_view key) const = 0;
  // Keys in [lower, upper); an empty upper means no upper end.
  [[nodiscard]] virtual std::unique_ptr<Cursor> cursor(Space space, std::string_view lower,
                                                       std::string_view upper) const = 0;
};

class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;
  // Of the newest state.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(Space space, std::string_view key) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Snapshot> snapshot() const = 0;
  // The same for reads that must not wait for the disk: what is not in memory fails with EAGAIN.
  [[nodiscard]] virtual std::unique_ptr<Snapshot> memory_snapshot() const = 0;
  // Returns when the whole batch is visible and as durable as asked. Calls of several threads share an fsync.
  virtual Result<> commit(const WriteBatch& batch, Durability durability) = 0;
  // A store of its own in a folder that is not there yet, with all that was committed before the call; on the same file
  // system it shares files that never change. ENOTSUP where the store is not on a disk.
  [[nodiscard]] virtual Result<> copy_to(const std::string& folder) const = 0;
  // The failure that made the store read-only, if one did.
  [[nodiscard]] virtual std::optional<Error> failure() const = 0;
};

// The smallest key greater than every key that starts with `prefix`; empty (no upper end) where there is none.
std::string prefix_end(std::string_view prefix);

}  // namespace lambent::store
