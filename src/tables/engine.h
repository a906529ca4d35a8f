// Tables of items: the engine behind DynamoDB's API. It knows no HTTP and no JSON; what it answers is durable.
//
// Changes go through one writer thread (tables/writer.h) and answer through a callback on that thread: it must hand the
// result over (post to a loop) and neither block nor throw. Requests that are wrong in themselves answer at once, on
// the caller's thread. Reads block on the disk and run on the caller's thread; they see every change that was answered
// before. Thread safety: all calls from any thread. The store, clock and random source outlive the engine.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/table_limits.h"
#include "store/key_value_store.h"
#include "tables/backup.h"
#include "tables/idempotency.h"
#include "tables/maintenance.h"
#include "tables/mutation.h"
#include "tables/requests.h"
#include "tables/writer.h"

namespace lambent::tables {

template <class T>
using Completion = std::move_only_function<void(TablesResult<T>)>;

class Engine {
 public:
  // Reads the catalog of tables, and goes on removing the items of tables that were deleted. Fails on damage.
  static Result<std::unique_ptr<Engine>> open(store::KeyValueStore& store, const Clock& clock, Random& random,
                                              const TableLimits& limits = {});
  // Finishes the changes that were handed in; all completions have run when it returns.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Answers with status creating; the table takes requests from then on.
  void create_table(const CreateTableRequest& request, Completion<TableDescription> done);
  // Answers with status deleting; the table is gone from then on, its items are removed in the background.
  void delete_table(const std::string& name, Completion<TableDescription> done);
  [[nodiscard]] TablesResult<TableDescription> describe_table(const std::string& name) const;
  // Answers at once; new indexes are filled, dropped ones cleared in the background, while writes go on.
  void update_table(UpdateTableRequest request, Completion<TableDescription> done);
  void update_tags(const std::string& name, std::map<std::string, std::string> set, std::vector<std::string> removed,
                   Completion<TableDescription> done);
  // Items of the table expire at the time in the attribute, from when the index by that time is filled.
  void update_time_to_live(const std::string& name, const std::string& attribute, bool enabled,
                           Completion<TableDescription> done);
  // Names after `after`, in order.
  [[nodiscard]] TableList list_tables(const std::optional<std::string>& after, std::size_t limit) const;

  // Put, update, delete.
  void write(WriteRequest request, Completion<WriteResult> done);
  // Puts and removes without conditions; not atomic as a whole.
  void batch_write(std::vector<WriteRequest> requests, Completion<BatchWriteResult> done);
  // All or nothing. The same token with the same requests within ten minutes answers without doing it again.
  void transact_write(std::vector<WriteRequest> requests, const std::optional<std::string>& token,
                      Completion<BatchWriteResult> done);

  [[nodiscard]] TablesResult<GetResult> get(const GetRequest& request) const;
  // For an event loop: nothing where the answer has to wait for the disk or is a long one, which get() and query()
  // give.
  [[nodiscard]] std::optional<TablesResult<GetResult>> get_at_once(const GetRequest& request) const;
  [[nodiscard]] std::optional<TablesResult<Page>> query_at_once(const PageRequest& request) const;
  [[nodiscard]] TablesResult<BatchGetResult> batch_get(const BatchGetRequest& request) const;
  [[nodiscard]] TablesResult<TransactGetResult> transact_get(const std::vector<GetRequest>& requests) const;
  [[nodiscard]] TablesResult<Page> query(const PageRequest& request) const;
  [[nodiscard]] TablesResult<Page> scan(const PageRequest& request) const;

  // ---- streams (tables/stream.h). A reader keeps the sequence number it wants next, reads from there, and goes on
  // behind the last record it got; it has seen all when the stream is closed and there are no more.

  // Of one table name, or of all, oldest first.
  [[nodiscard]] std::vector<StreamPtr> streams(const std::optional<std::string>& table) const;
  // By the parts of its ARN, arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/LABEL.
  [[nodiscard]] TablesResult<StreamPtr> find_stream(const std::string& table, const std::string& label) const;
  // Records from sequence number `from` on, at most `limit` and about 1 MB; blocks on the disk. Fails with trimmed_data
  // where records before stream.first would belong to it.
  [[nodiscard]] TablesResult<std::vector<StreamRecord>> read_stream(const Stream& stream, std::uint64_t from,
                                                                    std::size_t limit) const;

  // ---- on-demand backups (tables/backup.h)
  void create_backup(const std::string& table, const std::string& name, Completion<BackupPtr> done);
  // Fails while it is made or restored from.
  void delete_backup(const std::string& id, Completion<BackupPtr> done);
  [[nodiscard]] TablesResult<BackupPtr> describe_backup(const std::string& id) const;
  // Oldest first.
  [[nodiscard]] std::vector<BackupPtr> list_backups() const;
  // The table is creating until all items are there. `change` may change indexes and throughput of the definition that
  // the backup holds.
  void restore_table(const std::string& backup, const std::string& name,
                     std::function<TablesResult<>(TableDefinition&)> change, Completion<TableDescription> done);

  // Looks what has expired, items and stream records, and removes it in the background. To be called every few
  // seconds; any thread.
  void tick();

 private:
  Engine(store::KeyValueStore& store, const Clock& clock, Random& random, const TableLimits& limits);
  Result<> load();
  Result<> load_table(std::string_view definition_bytes);
  void start();

  [[nodiscard]] TablesResult<TablePtr> find(const std::string& name) const;
  [[nodiscard]] TablesResult<TablePtr> find_to_query(const PageRequest& request) const;
  TablesResult<std::vector<PreparedWrite>> prepare_all(std::vector<WriteRequest> requests, std::string_view if_twice);
  TablesResult<BatchWriteResult> stage_transaction(const std::vector<PreparedWrite>& writes, Staging& staging);
  TablesResult<TableDefinition> stage_create(const TableDefinition& wanted, Staging& staging);
  void publish_table(const TablePtr& table);
  TablesResult<TablePtr> stage_delete(const std::string& name, Staging& staging);
  [[nodiscard]] TablesResult<TablePtr> find_any(const std::string& name) const;

  // A change of one table's definition: `change` makes the new one of the old one, and may stage more; `after` runs on
  // the writer's thread once it is committed and published.
  struct Changed {
    TableDefinition definition;
    std::move_only_function<void()> after;
  };
  using Change = std::move_only_function<TablesResult<Changed>(const TablePtr&, Staging&)>;
  void change_definition(const std::string& name, Change change, Completion<TableDescription> done);
  // Fills or clears what the definition says is creating or deleting and was not before.
  void follow_views(const TablePtr& table, const TableDefinition& before);
  void start_work(Work work);

  // Gives the definition's stream, enabled and without an id, an id and a label; the function makes it the table's.
  std::move_only_function<void(const TablePtr&)> stage_new_stream(TableDefinition& definition, Staging& staging);
  std::move_only_function<void()> stage_stream_end(const TablePtr& table, Staging& staging);
  std::uint64_t take_id(Staging& staging);
  Result<> load_streams(const store::Snapshot& snapshot);
  Result<> load_backups(const store::Snapshot& snapshot);
  void publish_backup(const std::string& id, BackupPtr backup);
  void work_on_table(const TablePtr& table);
  void look_for_expired(std::int64_t now_ms);

  store::KeyValueStore& store_;
  const Clock& clock_;
  Random& random_;
  const TableLimits limits_;
  mutable std::shared_mutex mutex_;  // guards the three below
  std::map<std::string, TablePtr> tables_;
  std::map<std::uint64_t, StreamPtr> streams_;
  std::map<std::string, BackupPtr> backups_;
  std::uint64_t next_table_id_ = 1;   // writer's thread
  IdempotencyTokens tokens_;          // writer's thread
  Maintenance maintenance_;           // writer's thread
  std::set<std::uint64_t> expiring_;  // tables whose expired items are being removed; writer's thread
  std::set<std::uint64_t> trimming_;  // streams, likewise
  std::unique_ptr<Writer> writer_;    // last: ends first
};

}  // namespace lambent::tables
