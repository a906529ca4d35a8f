#include "services/dynamodb/dynamodb.h"

#include "services/dynamodb/answers.h"
#include "services/dynamodb/flow.h"
#include "services/dynamodb/requests.h"
#include "services/dynamodb/table_description.h"
#include "services/dynamodb/values.h"

namespace lambent::services::dynamodb {

namespace wire = protocol::dynamodb;
using tables::TablesResult;

namespace {

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

template <class Output, class Input>
Output write_output(const tables::WriteResult& result, const Input& input) {
  Output output;
  output.attributes = dynamodb::to_wire(result.attributes);
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
  output.item_collection_metrics = metrics(result.collection, input.return_item_collection_metrics);
  return output;
}

}  // namespace

// ---- changes

protocol::Answer<wire::PutItemOutput> DynamoDb::put_item(const Call&, wire::PutItemInput input) {
  DYNAMODB_CO_TRY(auto request, write_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                         [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
  co_return write_output<wire::PutItemOutput>(result, input);
}

protocol::Answer<wire::UpdateItemOutput> DynamoDb::update_item(const Call&, wire::UpdateItemInput input) {
  DYNAMODB_CO_TRY(auto request, write_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                         [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
  co_return write_output<wire::UpdateItemOutput>(result, input);
}

protocol::Answer<wire::DeleteItemOutput> DynamoDb::delete_item(const Call&, wire::DeleteItemInput input) {
  DYNAMODB_CO_TRY(auto request, write_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::WriteResult>(
                                         [&](auto done) { engine_.write(std::move(request), std::move(done)); }));
  co_return write_output<wire::DeleteItemOutput>(result, input);
}

protocol::Answer<wire::BatchWriteItemOutput> DynamoDb::batch_write_item(const Call&, wire::BatchWriteItemInput input) {
  DYNAMODB_CO_TRY(auto requests, batch_write_requests(input));
  DYNAMODB_CO_TRY(const auto result, co_await change<tables::BatchWriteResult>([&](auto done) {
                    engine_.batch_write(std::move(requests), std::move(done));
                  }));
  wire::BatchWriteItemOutput output;
  output.unprocessed_items.emplace();
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
  output.item_collection_metrics = metrics(result.collections, input.return_item_collection_metrics);
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
  output.item_collection_metrics = metrics(result.collections, input.return_item_collection_metrics);
  co_return output;
}

// ---- reads

protocol::Answer<wire::GetItemOutput> DynamoDb::get_item(const Call&, wire::GetItemInput input) {
  DYNAMODB_CO_TRY(auto request, get_request(input));
  DYNAMODB_CO_TRY(const auto result, co_await read<tables::GetResult>(std::move(request), &tables::Engine::get_at_once,
                                                                      &tables::Engine::get));
  wire::GetItemOutput output;
  output.item = dynamodb::to_wire(result.item);
  output.consumed_capacity = consumed(result.capacity, input.return_consumed_capacity);
  co_return output;
}

protocol::Answer<wire::QueryOutput> DynamoDb::query(const Call&, wire::QueryInput input) {
  DYNAMODB_CO_TRY(auto request, page_request(input));
  const bool count_only = request.select == tables::Select::count;
  DYNAMODB_CO_TRY(const auto page, co_await read<tables::Page>(std::move(request), &tables::Engine::query_at_once,
                                                               &tables::Engine::query));
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
