// PartiQL: statements one by one, in batches, in transactions.
#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "services/dynamodb/flow.h"
#include "services/dynamodb/values.h"
#include "store/blob_store.h"
#include "tables/item_codec.h"
#include "tables/partiql.h"

namespace lambent::services::dynamodb {

namespace wire = protocol::dynamodb;
using tables::AttributeValue;
using tables::invalid;
using tables::Item;
using tables::Statement;
using tables::TablesResult;

namespace {

// Where a select that reads page after page goes on.
struct Place {
  std::size_t page = 0;
  std::optional<Item> after;
};

struct Selected {
  std::vector<Item> items;
  tables::Capacity capacity;
  std::optional<Place> next;
};

constexpr std::size_t kSelectedBytes = 1U << 20U;

void add(tables::Capacity& sum, const tables::Capacity& more) {
  sum.table = more.table;
  sum.table_units += more.table_units;
  for (const auto& [name, units] : more.local_units) sum.local_units[name] += units;
  for (const auto& [name, units] : more.global_units) sum.global_units[name] += units;
}

// Reads on until the limit, a megabyte, or the end.
TablesResult<Selected> select(const tables::Engine& engine, std::vector<tables::PageRequest> pages, Place place,
                              std::optional<std::int64_t> limit) {
  Selected selected;
  std::int64_t scanned = 0;
  std::size_t bytes = 0;
  for (; place.page < pages.size(); place = {place.page + 1, {}}) {
    if ((limit && scanned >= *limit) || bytes >= kSelectedBytes) {
      selected.next = place;
      break;
    }
    auto& request = pages[place.page];
    request.start_after = place.after;
    if (limit) request.limit = *limit - scanned;
    LAMBENT_TRY(auto page, request.key_condition ? engine.query(request) : engine.scan(request));
    scanned += page.scanned;
    for (const auto& item : page.items) bytes += tables::size_of(item);
    std::ranges::move(page.items, std::back_inserter(selected.items));
    add(selected.capacity, page.capacity);
    if (!page.last) continue;
    selected.next = Place{place.page, std::move(page.last)};
    break;
  }
  return selected;
}

// What a token is good for: the same statement with the same parameters.
std::string fingerprint(const std::string& statement, const std::vector<AttributeValue>& parameters) {
  tables::List list(parameters.begin(), parameters.end());
  return store::sha256_hex(statement + '\0' +
                           tables::encode_item({{"p", AttributeValue(AttributeValue::Variant(std::move(list)))}}));
}

std::string to_token(const Place& place, const std::string& of) {
  Item token{{"s", AttributeValue(of)}, {"p", AttributeValue(tables::Number38(static_cast<std::int64_t>(place.page)))}};
  if (place.after) token.emplace("a", AttributeValue(AttributeValue::Variant(*place.after)));
  return base64_encode(tables::encode_item(token));
}

TablesResult<Place> parse_token(const std::optional<std::string>& text, const std::string& of, std::size_t pages) {
  if (!text) return Place{};
  const auto refuse = [] { return invalid("Invalid NextToken: it is not of this statement"); };
  const auto bytes = base64_decode(*text);
  if (!bytes) return refuse();
  const auto token = tables::decode_item(*bytes);
  if (!token || !token->contains("s") || !token->contains("p")) return refuse();
  const auto* statement = token->at("s").get_if<std::string>();
  const auto* number = token->at("p").get_if<tables::Number38>();
  const auto page = number == nullptr ? std::nullopt : number->as_int64();
  if (statement == nullptr || *statement != of || !page || *page < 0 || static_cast<std::size_t>(*page) >= pages) {
    return refuse();
  }
  Place place{static_cast<std::size_t>(*page), {}};
  if (const auto at = token->find("a"); at != token->end()) {
    const auto* after = at->second.get_if<tables::Map>();
    if (after == nullptr) return refuse();
    place.after = *after;
  }
  return place;
}

struct Prepared {
  Statement statement;
  std::shared_ptr<const tables::TableDefinition> table;
  std::string fingerprint;
};

template <class Input>
TablesResult<Prepared> prepare(const tables::Engine& engine, const Input& input) {
  std::vector<AttributeValue> parameters;
  for (const auto& value : input.parameters.value_or(std::vector<protocol::AttributeValue>{})) {
    LAMBENT_TRY(parameters.emplace_back(), from_wire(value));
  }
  Prepared prepared;
  LAMBENT_TRY(prepared.statement, tables::parse_statement(input.statement, parameters));
  const auto table = engine.describe_table(prepared.statement.table);
  if (!table || table->status == tables::TableStatus::creating) {
    return tables::refuse(tables::ErrorKind::table_not_found, "Requested resource not found");
  }
  prepared.table = table->definition;
  prepared.fingerprint = fingerprint(input.statement, parameters);
  return prepared;
}

template <class Input>
TablesResult<tables::WriteRequest> prepare_write(const Prepared& prepared, const Input& input) {
  LAMBENT_TRY(auto request, tables::write_of(prepared.statement, prepared.table->key));
  request.item_on_condition_failure = input.return_values_on_condition_check_failure == "ALL_OLD";
  request.statement = prepared.fingerprint;
  return request;
}

// Batches name errors without "Exception".
wire::BatchStatementError batch_error(const tables::TablesError& error) {
  using tables::ErrorKind;
  const auto code = [&]() -> std::string_view {
    switch (error.kind) {
      case ErrorKind::validation:
        return "ValidationError";
      case ErrorKind::condition_failed:
        return "ConditionalCheckFailed";
      case ErrorKind::item_collection_limit:
        return "ItemCollectionSizeLimitExceeded";
      case ErrorKind::table_not_found:
        return "ResourceNotFound";
      case ErrorKind::duplicate_item:
        return "DuplicateItem";
      default:
        return "InternalServerError";
    }
  }();
  wire::BatchStatementError result;
  result.code = std::string(code);
  result.message = code == "InternalServerError" ? "Internal server error" : error.message;
  if (error.item) result.item = to_wire(*error.item);
  return result;
}

// One capacity a table.
void add_to(std::vector<tables::Capacity>& all, const tables::Capacity& more) {
  auto at = std::ranges::find(all, more.table, &tables::Capacity::table);
  if (at == all.end()) at = all.insert(all.end(), tables::Capacity{.table = more.table});
  add(*at, more);
}

}  // namespace

protocol::Answer<wire::ExecuteStatementOutput> DynamoDb::execute_statement(const Call&,
                                                                           wire::ExecuteStatementInput input) {
  DYNAMODB_CO_TRY(const auto prepared, prepare(engine_, input));
  wire::ExecuteStatementOutput output;
  output.items.emplace();
  if (!prepared.statement.reads()) {
    if (prepared.statement.kind == Statement::Kind::exists) {
      co_return protocol::failure(protocol::validation_error("EXISTS is for transactions only"));
    }
    DYNAMODB_CO_TRY(auto request, prepare_write(prepared, input));
    DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                           [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
    if (result.attributes) output.items->push_back(to_wire(*result.attributes));
    output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
    co_return output;
  }
  DYNAMODB_CO_TRY(auto pages, tables::pages_of(prepared.statement, *prepared.table));
  for (auto& page : pages) page.consistent = input.consistent_read.value_or(false);
  DYNAMODB_CO_TRY(const auto place, parse_token(input.next_token, prepared.fingerprint, pages.size()));
  DYNAMODB_CO_TRY(const auto selected,
                  co_await pool_.run(loop_, [&engine = engine_, &pages, &place, limit = input.limit] {
                    return select(engine, pages, place, limit);
                  }));
  for (const auto& item : selected.items) output.items->push_back(to_wire(item));
  if (selected.next) {
    output.next_token = to_token(*selected.next, prepared.fingerprint);
    output.last_evaluated_key = to_wire(selected.next->after);
  }
  output.consumed_capacity = consumed(selected.capacity, input.return_consumed_capacity);
  co_return output;
}

protocol::Answer<wire::BatchExecuteStatementOutput> DynamoDb::batch_execute_statement(
    const Call&, wire::BatchExecuteStatementInput input) {
  wire::BatchExecuteStatementOutput output;
  output.responses.emplace();
  std::vector<tables::Capacity> capacity;
  for (const auto& one : input.statements) {
    auto& response = output.responses->emplace_back();
    const auto prepared = prepare(engine_, one);
    if (!prepared) {
      response.error = batch_error(prepared.error());
      continue;
    }
    response.table_name = prepared->table->name;
    if (prepared->statement.reads()) {
      auto request = tables::get_of(prepared->statement, prepared->table->key);
      if (request) request->consistent = one.consistent_read.value_or(false);
      auto got = request ? co_await pool_.run(loop_, [&engine = engine_, &request] { return engine.get(*request); })
                         : TablesResult<tables::GetResult>(std::unexpected(request.error()));
      if (!got) {
        response.error = batch_error(got.error());
        continue;
      }
      response.item = to_wire(got->item);
      add_to(capacity, got->capacity);
      continue;
    }
    auto request = prepare_write(*prepared, one);
    auto done = request ? co_await change<tables::WriteResult>(
                              [&](auto finish) { engine_.write(*std::move(request), std::move(finish)); })
                        : TablesResult<tables::WriteResult>(std::unexpected(request.error()));
    if (!done) {
      response.error = batch_error(done.error());
      continue;
    }
    response.item = to_wire(done->attributes);
    add_to(capacity, done->capacity);
  }
  output.consumed_capacity = consumed(capacity, input.return_consumed_capacity);
  co_return output;
}

protocol::Answer<wire::ExecuteTransactionOutput> DynamoDb::execute_transaction(const Call&,
                                                                               wire::ExecuteTransactionInput input) {
  std::vector<tables::GetRequest> reads;
  std::vector<tables::WriteRequest> writes;
  for (const auto& one : input.transact_statements) {
    DYNAMODB_CO_TRY(const auto prepared, prepare(engine_, one));
    if (prepared.statement.reads()) {
      DYNAMODB_CO_TRY(auto request, tables::get_of(prepared.statement, prepared.table->key));
      reads.push_back(std::move(request));
    } else {
      DYNAMODB_CO_TRY(auto request, prepare_write(prepared, one));
      writes.push_back(std::move(request));
    }
  }
  if (!reads.empty() && !writes.empty()) {
    co_return protocol::failure(protocol::validation_error(
        "ExecuteTransaction API does not support both read and write operations in the same request."));
  }
  wire::ExecuteTransactionOutput output;
  output.responses.emplace();
  if (!reads.empty()) {
    DYNAMODB_CO_TRY(const auto result,
                    co_await pool_.run(loop_, [&engine = engine_, &reads] { return engine.transact_get(reads); }));
    for (const auto& item : result.items) output.responses->push_back({.item = to_wire(item)});
    output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity, CapacityOf::transaction_read);
    co_return output;
  }
  output.responses->resize(writes.size());
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::BatchWriteResult>([&](auto done) {
                    engine_.transact_write(std::move(writes), input.client_request_token, std::move(done));
                  }));
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity, CapacityOf::transaction_write);
  co_return output;
}

}  // namespace lambent::services::dynamodb
