// An engine for tests, with calls that wait for their answer.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/random.h"
#include "tables/engine.h"
#include "tables/test_items.h"

namespace lambent::tables {

class TestEngine {
 public:
  explicit TestEngine(store::KeyValueStore& store, const TableLimits& limits = {}) {
    auto opened = Engine::open(store, clock_, random_, limits);
    EXPECT_TRUE(opened) << opened.error().message();
    engine_ = *std::move(opened);
  }
  Engine& operator*() { return *engine_; }
  Engine* operator->() { return engine_.get(); }

  // A table with hash key "pk" of type S and, where wanted, range key "sk".
  TablesResult<TableDescription> create(const std::string& name, std::optional<Type> range = Type::S,
                                        std::vector<IndexRequest> indexes = {}, std::vector<KeyAttribute> more = {}) {
    CreateTableRequest request{.name = name, .on_demand = true};
    request.key = {{"pk", true}};
    request.attributes = {{"pk", Type::S}};
    if (range) {
      request.key.push_back({"sk", false});
      request.attributes.push_back({"sk", *range});
    }
    request.attributes.insert(request.attributes.end(), more.begin(), more.end());
    request.indexes = std::move(indexes);
    return wait<TableDescription>([&](auto done) { engine_->create_table(request, std::move(done)); });
  }
  TablesResult<TableDescription> drop(const std::string& name) {
    return wait<TableDescription>([&](auto done) { engine_->delete_table(name, std::move(done)); });
  }
  TablesResult<WriteResult> write(WriteRequest request) {
    return wait<WriteResult>([&](auto done) { engine_->write(std::move(request), std::move(done)); });
  }
  TablesResult<WriteResult> put(const std::string& table, Item item) {
    return write({.kind = WriteRequest::Kind::put, .table = table, .item = std::move(item)});
  }
  TablesResult<WriteResult> remove(const std::string& table, Item key) {
    return write({.kind = WriteRequest::Kind::remove, .table = table, .key = std::move(key)});
  }
  TablesResult<BatchWriteResult> transact(std::vector<WriteRequest> requests,
                                          const std::optional<std::string>& token = {}) {
    return wait<BatchWriteResult>(
        [&](auto done) { engine_->transact_write(std::move(requests), token, std::move(done)); });
  }
  TablesResult<TableDescription> update(UpdateTableRequest request) {
    return wait<TableDescription>([&](auto done) { engine_->update_table(std::move(request), std::move(done)); });
  }
  TablesResult<TableDescription> expire(const std::string& table, const std::string& attribute, bool enabled = true) {
    return wait<TableDescription>(
        [&](auto done) { engine_->update_time_to_live(table, attribute, enabled, std::move(done)); });
  }
  TablesResult<BackupPtr> back_up(const std::string& table) {
    return wait<BackupPtr>([&](auto done) { engine_->create_backup(table, "backup", std::move(done)); });
  }
  TablesResult<TableDescription> restore(const std::string& backup, const std::string& table) {
    return wait<TableDescription>([&](auto done) {
      engine_->restore_table(backup, table, [](TableDefinition&) { return TablesResult<>(); }, std::move(done));
    });
  }
  // Waits until the background work has made `there` true; the engine is asked to look for what has expired.
  template <class There>
  [[nodiscard]] bool eventually(There there) {
    for (int i = 0; i < 2000; ++i) {
      engine_->tick();
      // Answered by the writer's thread, so it is done with the tick and looks at the clock no more.
      static_cast<void>(update({.name = "no-such-table"}));
      if (there()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  FakeClock& clock() { return clock_; }
  std::optional<Item> get(const std::string& table, Item key) {
    auto got = engine_->get({.table = table, .key = std::move(key), .consistent = true});
    EXPECT_TRUE(got) << got.error().message;
    return got ? got->item : std::nullopt;
  }

  template <class T, class Start>
  static TablesResult<T> wait(Start start) {
    std::promise<TablesResult<T>> promise;
    auto future = promise.get_future();
    start(Completion<T>([&promise](TablesResult<T> result) { promise.set_value(std::move(result)); }));
    return future.get();
  }

 private:
  FakeClock clock_;
  SystemRandom random_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace lambent::tables
