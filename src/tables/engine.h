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
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "store/key_value_store.h"
#include "tables/idempotency.h"
#include "tables/mutation.h"
#include "tables/requests.h"
#include "tables/writer.h"

namespace lambent::tables {

template <class T>
using Completion = std::move_only_function<void(TablesResult<T>)>;

class Engine {
 public:
  // Reads the catalog of tables, and goes on removing the items of tables that were deleted. Fails on damage.
  static Result<std::unique_ptr<Engine>> open(store::KeyValueStore& store, const Clock& clock, Random& random);
  // Finishes the changes that were handed in; all completions have run when it returns.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Answers with status creating; the table takes requests from then on.
  void create_table(const CreateTableRequest& request, Completion<TableDescription> done);
  // Answers with status deleting; the table is gone from then on, its items are removed in the background.
  void delete_table(const std::string& name, Completion<TableDescription> done);
  [[nodiscard]] TablesResult<TableDescription> describe_table(const std::string& name) const;
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
  [[nodiscard]] TablesResult<BatchGetResult> batch_get(const BatchGetRequest& request) const;
  [[nodiscard]] TablesResult<TransactGetResult> transact_get(const std::vector<GetRequest>& requests) const;
  [[nodiscard]] TablesResult<Page> query(const PageRequest& request) const;
  [[nodiscard]] TablesResult<Page> scan(const PageRequest& request) const;

 private:
  Engine(store::KeyValueStore& store, const Clock& clock, Random& random);
  Result<> load();
  Result<> load_table(std::string_view definition_bytes);
  void start();

  [[nodiscard]] TablesResult<TablePtr> find(const std::string& name) const;
  TablesResult<std::vector<PreparedWrite>> prepare_all(std::vector<WriteRequest> requests, std::string_view if_twice);
  TablesResult<BatchWriteResult> stage_transaction(const std::vector<PreparedWrite>& writes, Staging& staging);
  TablesResult<TableDescription> stage_create(const TableDefinition& wanted, Staging& staging);
  TablesResult<TablePtr> stage_delete(const std::string& name, Staging& staging);
  bool remove_some_dropped_items(Staging& staging);

  store::KeyValueStore& store_;
  const Clock& clock_;
  Random& random_;
  mutable std::shared_mutex mutex_;  // guards tables_
  std::map<std::string, TablePtr> tables_;
  std::uint64_t next_table_id_ = 1;     // writer's thread
  IdempotencyTokens tokens_;            // writer's thread
  std::vector<std::uint64_t> garbage_;  // ids of dropped tables with items left; writer's thread
  std::unique_ptr<Writer> writer_;      // last: ends first
};

}  // namespace lambent::tables
