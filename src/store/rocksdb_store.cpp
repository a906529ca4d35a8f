#include "store/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <mutex>

#include "base/files.h"
#include "base/log.h"
#include "store/rocksdb_env.h"

namespace lambent::store {
namespace {

// Grows when the layout of a space changes in a way that older programs would misread.
constexpr std::string_view kFormatKey = "lambent.format";
constexpr int kFormat = 1;
// Logs at an open; one is usual.
constexpr std::ptrdiff_t kMostLogs = 8;

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view view(const rocksdb::Slice& text) {
  return {text.data(), text.size()};
}

Error error_of(const rocksdb::Status& status, std::string_view step, std::string_view target) {
  Error error = Error::of(step, target, status.ToString());
  error.code = status.IsNoSpace() ? ENOSPC : status.IsBusy() ? EBUSY : status.IsIncomplete() ? EAGAIN : EIO;
  return error;
}

using Handles = std::array<rocksdb::ColumnFamilyHandle*, kSpaceNames.size()>;

// RocksDB's own messages go to the process log. Its usual LOG file must not exist: Debian's library is built with
// assertions, and the one in the writer of that file ends the process at the second line after a full disk.
class ProcessLogger final : public rocksdb::Logger {
 public:
  ProcessLogger() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 1024> text{};
    vsnprintf(text.data(), text.size(), format, arguments);
    if (!is_about_options_file(text.data())) log::warning("rocksdb: {}", text.data());
  }
};

class RocksCursor final : public Cursor {
 public:
  RocksCursor(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle, rocksdb::ReadOptions options,
              std::string_view lower, std::string_view upper)
      : lower_(lower), upper_(upper), lower_slice_(slice(lower_)), upper_slice_(slice(upper_)) {
    options.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db.NewIterator(options, handle));
  }
  void seek_first() override { iterator_->Seek(lower_slice_); }
  void seek_last() override { iterator_->SeekToLast(); }
  void seek(std::string_view key) override { iterator_->Seek(slice(std::max(key, std::string_view(lower_)))); }
  void seek_back(std::string_view key) override {
    if (!upper_.empty() && key >= upper_) {
      seek_last();
    } else {
      iterator_->SeekForPrev(slice(key));
    }
  }
  void next() override { iterator_->Next(); }
  void previous() override { iterator_->Prev(); }
  [[nodiscard]] bool valid() const override { return iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return view(iterator_->key()); }
  [[nodiscard]] std::string_view value() const override { return view(iterator_->value()); }
  [[nodiscard]] Result<> status() const override {
    if (const auto status = iterator_->status(); !status.ok()) return fail(error_of(status, "read", "store"));
    return {};
  }

 private:
  std::string lower_, upper_;
  rocksdb::Slice lower_slice_, upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

Result<std::optional<std::string>> read(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle,
                                        const rocksdb::ReadOptions& options, std::string_view key) {
  std::string value;
  const auto status = db.Get(options, handle, slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return fail(error_of(status, "read", handle->GetName()));
  // Without the disk RocksDB gives this, too, for a key that may be in a file that is not open yet: it opens some at
  // start and the others as they are read ("may exist" in its table cache).
  if (value.empty() && options.read_tier == rocksdb::kBlockCacheTier) {
    return fail(
        error_of(rocksdb::Status::Incomplete("empty, or in a file that is not open"), "read", handle->GetName()));
  }
  return std::optional(std::move(value));
}

class RocksSnapshot final : public Snapshot {
 public:
  RocksSnapshot(rocksdb::DB& db, const Handles& handles, rocksdb::ReadTier tier) : db_(db), handles_(handles) {
    options_.snapshot = db.GetSnapshot();
    options_.read_tier = tier;
  }
  ~RocksSnapshot() override { db_.ReleaseSnapshot(options_.snapshot); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  [[nodiscard]] Result<std::optional<std::string>> get(Space space, std::string_view key) const override {
    return read(db_, handles_[static_cast<std::size_t>(space)], options_, key);
  }
  [[nodiscard]] std::unique_ptr<Cursor> cursor(Space space, std::string_view lower,
                                               std::string_view upper) const override {
    return std::make_unique<RocksCursor>(db_, handles_[static_cast<std::size_t>(space)], options_, lower, upper);
  }

 private:
  rocksdb::DB& db_;
  const Handles& handles_;
  rocksdb::ReadOptions options_;
};

class RocksStore final : public KeyValueStore {
 public:
  RocksStore(std::string folder, std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db, Handles handles)
      : folder_(std::move(folder)), env_(std::move(env)), db_(std::move(db)), handles_(handles) {}

  ~RocksStore() override {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    if (const auto status = db_->Close(); !status.ok()) log::error("close store {}: {}", folder_, status.ToString());
  }
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  [[nodiscard]] Result<std::optional<std::string>> get(Space space, std::string_view key) const override {
    return read(*db_, handles_[static_cast<std::size_t>(space)], {}, key);
  }
  [[nodiscard]] std::unique_ptr<Snapshot> snapshot() const override {
    return std::make_unique<RocksSnapshot>(*db_, handles_, rocksdb::kReadAllTier);
  }
  [[nodiscard]] std::unique_ptr<Snapshot> memory_snapshot() const override {
    return std::make_unique<RocksSnapshot>(*db_, handles_, rocksdb::kBlockCacheTier);
  }

  Result<> commit(const WriteBatch& batch, Durability durability) override {
    if (read_only_.load(std::memory_order_acquire)) return fail(refusal());
    rocksdb::WriteBatch changes(batch.size_bytes() + 16 * batch.changes().size());
    for (const auto& change : batch.changes()) {
      auto* handle = handles_[static_cast<std::size_t>(change.space)];
      const auto status = change.value ? changes.Put(handle, slice(change.key), slice(*change.value))
                                       : changes.Delete(handle, slice(change.key));
      if (!status.ok()) return fail(error_of(status, "collect changes for", folder_));
    }
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::sync;
    if (const auto status = db_->Write(options, &changes); !status.ok()) {
      return fail(become_read_only(error_of(status, "commit to", folder_)));
    }
    return {};
  }

  [[nodiscard]] Result<> copy_to(const std::string& folder) const override {
    rocksdb::Checkpoint* raw = nullptr;
    auto status = rocksdb::Checkpoint::Create(db_.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    if (status.ok()) status = checkpoint->CreateCheckpoint(folder);
    if (!status.ok()) return fail(error_of(status, "copy store to", folder));
    return {};
  }

  [[nodiscard]] std::optional<Error> failure() const override {
    const std::scoped_lock lock(mutex_);
    return failure_;
  }

 private:
  // RocksDB would let later writes through after some failures; what the failed one left in the log is unknown, so
  // nothing more is written behind it.
  Error become_read_only(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) {
      failure_ = error;
      log::error("{}; the store is read-only until the server is restarted", error.message());
    }
    read_only_.store(true, std::memory_order_release);
    return error;
  }
  [[nodiscard]] Error refusal() const {
    const std::scoped_lock lock(mutex_);
    Error error =
        Error::of("commit to", folder_, "read-only since an earlier write failed (" + failure_->message() + ")");
    error.code = EROFS;
    return error;
  }

  std::string folder_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  Handles handles_;
  std::atomic<bool> read_only_{false};
  mutable std::mutex mutex_;  // guards failure_
  std::optional<Error> failure_;
};

rocksdb::DBOptions database_options(const RocksDbSettings& settings, rocksdb::Env& env) {
  rocksdb::DBOptions options;
  options.env = &env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // Damage is reported at the first read that meets it, never passed over.
  options.paranoid_checks = true;
  // The last record may be torn: a crash in the middle of a write that nobody was told of. Damage before it hits
  // acknowledged writes; point-in-time recovery would drop them without a word, so the store is refused instead.
  options.wal_recovery_mode = settings.accept_damaged_log ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                                          : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A log file that went missing is noticed at open.
  options.track_and_verify_wals_in_manifest = true;
  // A background error stays one: no attempt to resume behind our back (the store goes read-only).
  options.max_bgerror_resume_count = 0;
  // Small spaces hold back old logs; past this size RocksDB writes them out.
  options.max_total_wal_size = 64 * kMiB;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  // At open, one file is opened after the other: there are few, and threads for it cost more than that, for each space.
  options.max_file_opening_threads = 1;
  options.info_log = std::make_shared<ProcessLogger>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  // Left at their defaults on purpose, for faults of 7.8 that later releases fixed: atomic_flush off (files lost on
  // error paths), ReadOptions::async_io off. DeleteRange is never called (wrong iterators after a read error).
  return options;
}

// Of a memtable's bytes, for the filter in front of it: some 25 bits for each of its small items.
constexpr double kMemtableFilter = 0.01;

rocksdb::ColumnFamilyOptions space_options(const RocksDbSettings& settings,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 * kKiB;
  table.checksum = rocksdb::kXXH3;
  // Gets of absent keys stay off the disk, and a get meets several files before the one with its key. (Ribbon filters
  // take a third less memory and four times the processor time.)
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.data_block_index_type =
      rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;  // a get finds its key at once
  table.cache_index_and_filter_blocks = true;  // memory is bounded by the cache, whatever the size of the data
  table.pin_l0_filter_and_index_blocks_in_cache = true;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = settings.memtable_bytes;
  options.max_write_buffer_number = 3;
  options.memtable_whole_key_filtering = true;  // a get of what is in the files does not search the memtable
  options.memtable_prefix_bloom_size_ratio = kMemtableFilter;
  options.force_consistency_checks = true;
  options.level_compaction_dynamic_level_bytes = true;  // about 1.1 times the data on disk
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kLZ4Compression;
  return options;
}

// Refuses what a newer program wrote, and marks a new store.
Result<> check_format(rocksdb::DB& db, const std::string& folder) {
  std::string value;
  const auto status = db.Get({}, slice(kFormatKey), &value);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions options;
    options.sync = true;
    const auto put = db.Put(options, slice(kFormatKey), std::to_string(kFormat));
    if (!put.ok()) return fail(error_of(put, "mark", folder));
    return {};
  }
  if (!status.ok()) return fail(error_of(status, "read", folder));
  if (value != std::to_string(kFormat)) {
    return fail(
        Error::of("open store", folder, fmt::format("its format is {}, this program knows {}", value, kFormat)));
  }
  return {};
}

// RocksDB removes a log once something that came after it was written out of memory. A server that changes nothing
// between its starts would leave an empty log at each of them, and read them all at the next.
Result<> let_old_logs_go(rocksdb::DB& db, const std::string& folder) {
  std::error_code error;
  const auto is_log = [](const auto& entry) { return entry.path().extension() == ".log"; };
  if (std::ranges::count_if(std::filesystem::directory_iterator(folder, error), is_log) <= kMostLogs) return {};
  auto status = db.Put({}, slice(kFormatKey), std::to_string(kFormat));
  if (status.ok()) status = db.Flush({});
  if (!status.ok()) return fail(error_of(status, "write out", folder));
  return {};
}

}  // namespace

Result<std::unique_ptr<KeyValueStore>> open_rocksdb_store(const std::string& folder, RocksDbSettings settings) {
  LAMBENT_TRY_VOID(make_folders(folder, 0700));
  const auto cache = rocksdb::NewLRUCache(settings.block_cache_bytes);
  const auto options = space_options(settings, cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors{{rocksdb::kDefaultColumnFamilyName, options}};
  for (const auto name : kSpaceNames) descriptors.emplace_back(std::string(name), options);

  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  rocksdb::DB* raw = nullptr;
  auto env = make_rocksdb_env();
  if (const auto status = rocksdb::DB::Open(database_options(settings, *env), folder, descriptors, &opened, &raw);
      !status.ok()) {
    Error error = error_of(status, "open store", folder);
    if (status.IsCorruption() && !settings.accept_damaged_log) {
      error.detail +=
          " (restore a backup; where it is the log that is damaged, store.accept_damaged_log = yes opens the store "
          "with "
          "what comes before the damage)";
    }
    return fail(std::move(error));
  }
  std::unique_ptr<rocksdb::DB> db(raw);
  db->DestroyColumnFamilyHandle(opened[0]);
  Handles handles{};
  std::copy(opened.begin() + 1, opened.end(), handles.begin());
  auto& database = *db;
  auto result = std::make_unique<RocksStore>(folder, std::move(env), std::move(db), handles);
  LAMBENT_TRY_VOID(check_format(database, folder));
  LAMBENT_TRY_VOID(let_old_logs_go(database, folder));
  return result;
}

}  // namespace lambent::store
