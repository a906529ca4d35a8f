#include "services/dynamodb/dynamodb.h"

#include "services/dynamodb/answers.h"
#include "services/dynamodb/requests.h"
#include "services/dynamodb/table_description.h"
#include "services/dynamodb/values.h"

// Leaves an operation with the engine's error, or binds its result.
#define DYNAMODB_CO_TRY(declaration, expression) \
  DYNAMODB_CO_TRY_(LAMBENT_CONCAT(try_, __LINE__), declaration, expression)
#define DYNAMODB_CO_TRY_(tmp, declaration, expression)                     \
  auto tmp = (expression);                                                 \
  if (!tmp) co_return protocol::failure(error_of(std::move(tmp).error())); \
  declaration = *std::move(tmp)

namespace lambent::services::dynamodb {

namespace wire = protocol::dynamodb;
using tables::TablesResult;

namespace {

constexpr std::size_t kTablesListed = 100;

std::vector<WireItem> to_wire(const std::vector<tables::Item>& items) {
  std::vector<WireItem> result;
  result.reserve(items.size());
  for (const auto& item : items) result.push_back(dynamodb::to_wire(item));
  return result;
}

// QueryOutput and ScanOutput have the same members.
template <class Output>
Output page_output(const tables::Page& page, bool count_only, const std::optional<std::string>& capacity_wanted) {
  Output output;
  if (!count_only) output.items = to_wire(page.items);
  output.count = static_cast<std::int32_t>(page.count);
  output.scanned_count = static_cast<std::int32_t>(page.scanned);
  output.last_evaluated_key = dynamodb::to_wire(page.last);
  output.consumed_capacity = consumed(page.capacity, capacity_wanted);
  return output;
}

template <class Output>
Output write_output(const tables::WriteResult& result, const std::optional<std::string>& capacity_wanted) {
  Output output;
  output.attributes = dynamodb::to_wire(result.attributes);
  output.consumed_capacity = consumed(result.capacity, capacity_wanted);
  return output;
}

}  // namespace

template <class T, class Start>
net::Task<TablesResult<T>> DynamoDb::change(Start start) {
  net::OneShot<TablesResult<T>> done;
  start(tables::Completion<T>([&loop = loop_, done](TablesResult<T> result) mutable {
    loop.post([done, result = std::move(result)]() mutable { done.set(std::move(result)); });
  }));
  co_return co_await done;
}

// ---- tables

protocol::Answer<wire::CreateTableOutput> DynamoDb::create_table(const Call& call, wire::CreateTableInput input) {
  DYNAMODB_CO_TRY(const auto request, create_request(input));
  DYNAMODB_CO_TRY(const auto table, co_await change<tables::TableDescription>(
                                        [&](auto done) { engine_.create_table(request, std::move(done)); }));
  wire::CreateTableOutput output;
  output.table_description = describe(table, call);
  co_return output;
}

protocol::Answer<wire::DeleteTableOutput> DynamoDb::delete_table(const Call& call, wire::DeleteTableInput input) {
  const std::string name = table_name(input.table_name);
  DYNAMODB_CO_TRY(const auto table, co_await change<tables::TableDescription>(
                                        [&](auto done) { engine_.delete_table(name, std::move(done)); }));
  wire::DeleteTableOutput output;
  output.table_description = describe(table, call);
  co_return output;
}

protocol::Answer<wire::DescribeTableOutput> DynamoDb::describe_table(const Call& call, wire::DescribeTableInput input) {
  DYNAMODB_CO_TRY(const auto table, engine_.describe_table(table_name(input.table_name)));
  wire::DescribeTableOutput output;
  output.table = describe(table, call);
  co_return output;
}

protocol::Answer<wire::ListTablesOutput> DynamoDb::list_tables(const Call&, wire::ListTablesInput input) {
  const auto limit = input.limit ? static_cast<std::size_t>(*input.limit) : kTablesListed;
  auto list = engine_.list_tables(input.exclusive_start_table_name, limit);
  wire::ListTablesOutput output;
  output.table_names = std::move(list.names);
  output.last_evaluated_table_name = std::move(list.last);
  co_return output;
}

protocol::Answer<wire::DescribeTimeToLiveOutput> DynamoDb::describe_time_to_live(const Call&,
                                                                                 wire::DescribeTimeToLiveInput input) {
  DYNAMODB_CO_TRY([[maybe_unused]] const auto table, engine_.describe_table(table_name(input.table_name)));
  wire::DescribeTimeToLiveOutput output;
  output.time_to_live_description.emplace().time_to_live_status = "DISABLED";
  co_return output;
}

// ---- changes

protocol::Answer<wire::PutItemOutput> DynamoDb::put_item(const Call&, wire::PutItemInput input) {
  DYNAMODB_CO_TRY(auto request, write_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                         [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
  co_return write_output<wire::PutItemOutput>(result, input.return_consumed_capacity);
}

protocol::Answer<wire::UpdateItemOutput> DynamoDb::update_item(const Call&, wire::UpdateItemInput input) {
  DYNAMODB_CO_TRY(auto request, write_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                         [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
  co_return write_output<wire::UpdateItemOutput>(result, input.return_consumed_capacity);
}

protocol::Answer<wire::DeleteItemOutput> DynamoDb::delete_item(const Call&, wire::DeleteItemInput input) {
  DYNAMODB_CO_TRY(auto request, write_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                         [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
  co_return write_output<wire::DeleteItemOutput>(result, input.return_consumed_capacity);
}

protocol::Answer<wire::BatchWriteItemOutput> DynamoDb::batch_write_item(const Call&, wire::BatchWriteItemInput input) {
  DYNAMODB_CO_TRY(auto requests, batch_write_requests(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::BatchWriteResult>([&](auto done) {
                    engine_.batch_write(std::move(requests), std::move(done));
                  }));
  wire::BatchWriteItemOutput output;
  output.unprocessed_items.emplace();
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
  co_return output;
}

protocol::Answer<wire::TransactWriteItemsOutput> DynamoDb::transact_write_items(const Call&,
                                                                                wire::TransactWriteItemsInput input) {
  DYNAMODB_CO_TRY(auto requests, transact_write_requests(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::BatchWriteResult>([&](auto done) {
                    engine_.transact_write(std::move(requests), input.client_request_token, std::move(done));
                  }));
  wire::TransactWriteItemsOutput output;
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity, CapacityOf::transaction_write);
  co_return output;
}

// ---- reads

protocol::Answer<wire::GetItemOutput> DynamoDb::get_item(const Call&, wire::GetItemInput input) {
  DYNAMODB_CO_TRY(auto request, get_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await pool_.run(loop_, [&engine = engine_, request = std::move(request)] {
    return engine.get(request);
  }));
  wire::GetItemOutput output;
  output.item = dynamodb::to_wire(result.item);
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
  co_return output;
}

protocol::Answer<wire::QueryOutput> DynamoDb::query(const Call&, wire::QueryInput input) {
  DYNAMODB_CO_TRY(auto request, page_request(input));
  const bool count_only = request.select == tables::Select::count;
  DYNAMODB_CO_TRY(const auto page, co_await pool_.run(loop_, [&engine = engine_, request = std::move(request)] {
    return engine.query(request);
  }));
  co_return page_output<wire::QueryOutput>(page, count_only, input.return_consumed_capacity);
}

protocol::Answer<wire::ScanOutput> DynamoDb::scan(const Call&, wire::ScanInput input) {
  DYNAMODB_CO_TRY(auto request, page_request(input));
  const bool count_only = request.select == tables::Select::count;
  DYNAMODB_CO_TRY(const auto page, co_await pool_.run(loop_, [&engine = engine_, request = std::move(request)] {
    return engine.scan(request);
  }));
  co_return page_output<wire::ScanOutput>(page, count_only, input.return_consumed_capacity);
}

protocol::Answer<wire::BatchGetItemOutput> DynamoDb::batch_get_item(const Call&, wire::BatchGetItemInput input) {
  DYNAMODB_CO_TRY(auto request, batch_get_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await pool_.run(loop_, [&engine = engine_, request = std::move(request)] {
    return engine.batch_get(request);
  }));
  wire::BatchGetItemOutput output;
  output.responses.emplace();
  for (const auto& [table, items] : result.items) output.responses->push_back(table, to_wire(items));
  output.unprocessed_keys.emplace();
  for (const auto& [name, wanted] : input.request_items) {
    const auto at = result.unprocessed.find(table_name(name));
    if (at == result.unprocessed.end()) continue;
    auto rest = wanted;
    rest.keys = to_wire(at->second);
    output.unprocessed_keys->push_back(name, std::move(rest));
  }
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
  co_return output;
}

protocol::Answer<wire::TransactGetItemsOutput> DynamoDb::transact_get_items(const Call&,
                                                                            wire::TransactGetItemsInput input) {
  std::vector<tables::GetRequest> requests;
  for (const auto& item : input.transact_items) {
    DYNAMODB_CO_TRY(auto request, get_request(item.get));
    requests.push_back(std::move(request));
  }
  DYNAMODB_CO_TRY(const auto result, co_await pool_.run(loop_, [&engine = engine_, requests = std::move(requests)] {
    return engine.transact_get(requests);
  }));
  wire::TransactGetItemsOutput output;
  output.responses.emplace();
  for (const auto& item : result.items) output.responses->push_back({.item = dynamodb::to_wire(item)});
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity, CapacityOf::transaction_read);
  co_return output;
}

}  // namespace lambent::services::dynamodb
