#include "tables/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "tables/collections.h"
#include "tables/item_codec.h"
#include "tables/item_rules.h"
#include "tables/reader.h"

namespace lambent::tables {
namespace {

using store::Space;

constexpr std::size_t kBatchGetBytes = 16U << 20U;

void add_capacity(std::vector<Capacity>& all, const Capacity& more) {
  auto at = std::ranges::find(all, more.table, &Capacity::table);
  if (at == all.end()) {
    all.push_back(more);
    return;
  }
  at->table_units += more.table_units;
  for (const auto& [name, units] : more.local_units) at->local_units[name] += units;
  for (const auto& [name, units] : more.global_units) at->global_units[name] += units;
}

// Each collection once.
void add_collection(BatchWriteResult& result, const PreparedWrite& write, const CollectionSizes& sizes) {
  auto collection = sizes.of(write);
  if (!collection) return;
  auto& all = result.collections[write.table->name];
  if (std::ranges::find(all, collection->key, &Collection::key) == all.end()) all.push_back(*std::move(collection));
}

// The same with what it makes of the item's collection.
TablesResult<Outcome> evaluate_sized(const PreparedWrite& write, const Staging& staging, CollectionSizes& sizes,
                                     std::size_t limit) {
  LAMBENT_TRY(auto outcome, evaluate(write, staging));
  LAMBENT_TRY_VOID(sizes.add(write, outcome, limit));
  return outcome;
}

// Transactions cost twice.
Capacity doubled(Capacity capacity) {
  capacity.table_units *= 2;
  for (auto& [name, units] : capacity.local_units) units *= 2;
  for (auto& [name, units] : capacity.global_units) units *= 2;
  return capacity;
}

// A job's end: the result where the commit succeeded, else its failure.
template <class T>
Writer::Finish finish_with(Completion<T> done, TablesResult<T> result) {
  return [done = std::move(done), result = std::move(result)](const Result<>& committed) mutable {
    if (committed) return done(std::move(result));
    done(unavailable(committed.error()));
  };
}

// What `read` gives, or nothing where it was too long for its thread.
template <class Read>
std::optional<std::invoke_result_t<Read>> unless_too_long(Read read) {
  auto result = read();
  if (!result && result.error().kind == ErrorKind::too_long) return std::nullopt;
  return result;
}

std::string_view cancellation_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::condition_failed:
      return "ConditionalCheckFailed";
    case ErrorKind::item_collection_limit:
      return "ItemCollectionSizeLimitExceeded";
    case ErrorKind::duplicate_item:
      return "DuplicateItem";
    default:
      return "ValidationError";
  }
}

}  // namespace

Engine::Engine(store::KeyValueStore& store, const Clock& clock, Random& random, const TableLimits& limits)
    : store_(store), clock_(clock), random_(random), limits_(limits) {}

Engine::~Engine() {
  writer_.reset();
}

Result<std::unique_ptr<Engine>> Engine::open(store::KeyValueStore& store, const Clock& clock, Random& random,
                                             const TableLimits& limits) {
  std::unique_ptr<Engine> engine(new Engine(store, clock, random, limits));
  LAMBENT_TRY_VOID(engine->load());
  engine->start();
  return engine;
}

void Engine::start() {
  writer_ = std::make_unique<Writer>(store_, clock_, [this](Staging& staging) { return maintenance_.step(staging); });
}

Result<> Engine::load() {
  const auto snapshot = store_.snapshot();
  LAMBENT_TRY(const auto next, snapshot->get(Space::tables_meta, kNextTableId));
  if (next) {
    std::string_view in = *next;
    if (!read_varint(in, next_table_id_)) return fail(Error::of("read", "tables_meta", "next table id is damaged"));
  }
  const auto definitions = snapshot->cursor(Space::tables_meta, kDefinitions, store::prefix_end(kDefinitions));
  for (definitions->seek_first(); definitions->valid(); definitions->next()) {
    LAMBENT_TRY_VOID(load_table(definitions->value()));
  }
  LAMBENT_TRY_VOID(definitions->status());
  LAMBENT_TRY_VOID(tokens_.load(*snapshot));
  const auto dropped = snapshot->cursor(Space::tables_meta, kDropped, store::prefix_end(kDropped));
  for (dropped->seek_first(); dropped->valid(); dropped->next()) {
    std::uint64_t id = 0;
    for (const char c : dropped->key().substr(kDropped.size())) id = id << 8U | static_cast<unsigned char>(c);
    maintenance_.add(remove_all(store_, table_prefix(id), dropped_key(id)));
  }
  LAMBENT_TRY_VOID(dropped->status());
  LAMBENT_TRY_VOID(load_streams(*snapshot));
  LAMBENT_TRY_VOID(load_backups(*snapshot));
  for (const auto& [name, table] : tables_) work_on_table(table);
  return {};
}

Result<> Engine::load_table(std::string_view definition_bytes) {
  LAMBENT_TRY(auto definition, decode_definition(definition_bytes));
  const std::string name = definition.name;
  LAMBENT_TRY(const auto counts, store_.get(Space::tables_meta, counts_key(definition.id)));
  const bool restoring = definition.restored && definition.restored->running;
  auto table = std::make_shared<Table>(std::move(definition));
  table->restoring = restoring;
  if (counts) {
    const auto [items, bytes] = decode_counts(*counts);
    table->item_count = items;
    table->size_bytes = bytes;
  }
  tables_.emplace(name, std::move(table));
  return {};
}

TablesResult<TablePtr> Engine::find(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto at = tables_.find(name);
  if (at == tables_.end() || at->second->restoring.load(std::memory_order_relaxed)) return no_such_table();
  return at->second;
}

// ---- changes of items

void Engine::write(WriteRequest request, Completion<WriteResult> done) {
  auto table = find(request.table);
  if (!table) return done(std::unexpected(std::move(table).error()));
  auto prepared = prepare_write(std::move(request), *std::move(table));
  if (!prepared) return done(std::unexpected(std::move(prepared).error()));
  writer_->submit([write = *std::move(prepared), done = std::move(done),
                   limit = limits_.item_collection_bytes](Staging& staging) mutable {
    CollectionSizes sizes(staging);
    auto outcome = evaluate_sized(write, staging, sizes, limit);
    if (!outcome) return finish_with<WriteResult>(std::move(done), std::unexpected(std::move(outcome).error()));
    sizes.stage();
    WriteResult result{.attributes = {}, .collection = sizes.of(write), .capacity = stage(write, *outcome, staging)};
    result.attributes = returned(write, *outcome);
    return finish_with<WriteResult>(std::move(done), std::move(result));
  });
}

TablesResult<std::vector<PreparedWrite>> Engine::prepare_all(std::vector<WriteRequest> requests,
                                                             std::string_view if_twice) {
  std::vector<PreparedWrite> writes;
  std::set<std::string> keys;
  for (auto& request : requests) {
    LAMBENT_TRY(auto table, find(request.table));
    LAMBENT_TRY(auto write, prepare_write(std::move(request), std::move(table)));
    if (!keys.insert(write.at).second) return invalid(std::string(if_twice));
    writes.push_back(std::move(write));
  }
  return writes;
}

void Engine::batch_write(std::vector<WriteRequest> requests, Completion<BatchWriteResult> done) {
  auto prepared = prepare_all(std::move(requests), "Provided list of item keys contains duplicates");
  if (!prepared) return done(std::unexpected(std::move(prepared).error()));
  writer_->submit([writes = *std::move(prepared), done = std::move(done),
                   limit = limits_.item_collection_bytes](Staging& staging) mutable {
    CollectionSizes sizes(staging);
    std::vector<Outcome> outcomes;
    for (const auto& write : writes) {
      auto outcome = evaluate_sized(write, staging, sizes, limit);
      if (!outcome) return finish_with<BatchWriteResult>(std::move(done), std::unexpected(std::move(outcome).error()));
      outcomes.push_back(*std::move(outcome));
    }
    sizes.stage();
    BatchWriteResult result;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      add_capacity(result.capacity, stage(writes[i], outcomes[i], staging));
      add_collection(result, writes[i], sizes);
    }
    return finish_with<BatchWriteResult>(std::move(done), std::move(result));
  });
}

void Engine::transact_write(std::vector<WriteRequest> requests, const std::optional<std::string>& token,
                            Completion<BatchWriteResult> done) {
  const std::string fingerprint = token ? fingerprint_of(requests) : std::string();
  auto prepared =
      prepare_all(std::move(requests), "Transaction request cannot include multiple operations on one item");
  if (!prepared) return done(std::unexpected(std::move(prepared).error()));
  writer_->submit(
      [this, writes = *std::move(prepared), token, fingerprint, done = std::move(done)](Staging& staging) mutable {
        const auto now = clock_.wall_ms();
        if (token) {
          const auto before = tokens_.done_before(*token, fingerprint, now);
          if (!before) return finish_with<BatchWriteResult>(std::move(done), std::unexpected(before.error()));
          if (*before) return finish_with<BatchWriteResult>(std::move(done), BatchWriteResult{});
        }
        auto result = stage_transaction(writes, staging);
        if (result && token) tokens_.note(*token, fingerprint, now, staging);
        return finish_with<BatchWriteResult>(std::move(done), std::move(result));
      });
}

TablesResult<BatchWriteResult> Engine::stage_transaction(const std::vector<PreparedWrite>& writes, Staging& staging) {
  CollectionSizes sizes(staging);
  std::vector<Outcome> outcomes;
  TablesError cancelled{.kind = ErrorKind::transaction_cancelled, .message = {}, .item = {}, .reasons = {}};
  std::string codes;
  for (const auto& write : writes) {
    auto outcome = evaluate_sized(write, staging, sizes, limits_.item_collection_bytes);
    auto& reason = cancelled.reasons.emplace_back();
    if (outcome) {
      outcomes.push_back(*std::move(outcome));
    } else if (outcome.error().kind == ErrorKind::unavailable || outcome.error().kind == ErrorKind::table_not_found) {
      return std::unexpected(std::move(outcome).error());
    } else {
      const auto& error = outcome.error();
      reason = {std::string(cancellation_code(error.kind)), error.message, error.item};
    }
    codes += (codes.empty() ? "" : ", ") + reason.code;
  }
  if (outcomes.size() != writes.size()) {
    cancelled.message =
        fmt::format("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes);
    return std::unexpected(std::move(cancelled));
  }
  sizes.stage();
  BatchWriteResult result;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    add_capacity(result.capacity, doubled(stage(writes[i], outcomes[i], staging)));
    add_collection(result, writes[i], sizes);
  }
  return result;
}

// ---- reads

TablesResult<GetResult> Engine::get(const GetRequest& request) const {
  LAMBENT_TRY(const auto table, find(request.table));
  return read_item(*store_.snapshot(), *table, request);
}

std::optional<TablesResult<GetResult>> Engine::get_at_once(const GetRequest& request) const {
  return unless_too_long([&] -> TablesResult<GetResult> {
    LAMBENT_TRY(const auto table, find(request.table));
    return read_item(*store_.memory_snapshot(), *table, request);
  });
}

TablesResult<BatchGetResult> Engine::batch_get(const BatchGetRequest& request) const {
  const auto snapshot = store_.snapshot();
  BatchGetResult result;
  std::size_t bytes = 0;
  for (const auto& [name, wanted] : request.tables) {
    LAMBENT_TRY(const auto table, find(name));
    std::set<std::string> seen;
    auto& items = result.items[name];
    for (const auto& key : wanted.keys) {
      LAMBENT_TRY_VOID(check_key(table->key(), key));
      if (!seen.insert(item_key(table->prefix, table->key(), key)).second) {
        return invalid("Provided list of item keys contains duplicates");
      }
      if (bytes > kBatchGetBytes) {
        result.unprocessed[name].push_back(key);
        continue;
      }
      LAMBENT_TRY(auto got, read_item(*snapshot, *table,
                                      {.table = name,
                                       .key = key,
                                       .projection = wanted.projection,
                                       .placeholders = wanted.placeholders,
                                       .consistent = wanted.consistent}));
      add_capacity(result.capacity, got.capacity);
      if (!got.item) continue;
      bytes += size_of(*got.item);
      items.push_back(*std::move(got.item));
    }
  }
  return result;
}

TablesResult<TransactGetResult> Engine::transact_get(const std::vector<GetRequest>& requests) const {
  const auto snapshot = store_.snapshot();
  TransactGetResult result;
  for (auto request : requests) {
    LAMBENT_TRY(const auto table, find(request.table));
    request.consistent = true;
    LAMBENT_TRY(auto got, read_item(*snapshot, *table, request));
    add_capacity(result.capacity, doubled(got.capacity));
    result.items.push_back(std::move(got.item));
  }
  return result;
}

TablesResult<Page> Engine::query(const PageRequest& request) const {
  LAMBENT_TRY(const auto table, find_to_query(request));
  return read_page(*store_.snapshot(), *table, request, SIZE_MAX);
}

std::optional<TablesResult<Page>> Engine::query_at_once(const PageRequest& request) const {
  return unless_too_long([&] -> TablesResult<Page> {
    LAMBENT_TRY(const auto table, find_to_query(request));
    return read_page(*store_.memory_snapshot(), *table, request, kLoopBytes);
  });
}

TablesResult<TablePtr> Engine::find_to_query(const PageRequest& request) const {
  LAMBENT_TRY(auto table, find(request.table));
  if (!request.key_condition) {
    return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  }
  return table;
}

TablesResult<Page> Engine::scan(const PageRequest& request) const {
  LAMBENT_TRY(const auto table, find(request.table));
  return read_page(*store_.snapshot(), *table, request, SIZE_MAX);
}

}  // namespace lambent::tables
