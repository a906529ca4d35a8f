#include "services/dynamodb/requests.h"

#include "base/error.h"
#include "services/dynamodb/legacy.h"
#include "services/dynamodb/table_description.h"
#include "services/dynamodb/values.h"

namespace lambent::services::dynamodb {
namespace {

namespace wire = protocol::dynamodb;
using tables::invalid;
using tables::TablesResult;
using Kind = tables::WriteRequest::Kind;

constexpr std::size_t kMaxBatchWrites = 25;
constexpr std::size_t kMaxBatchGets = 100;

// Expected and ConditionalOperator.
template <class Input>
TablesResult<> add_expected(const Input& input, tables::WriteRequest& request) {
  const std::size_t conditions = input.expected ? input.expected->size() : 0;
  if (conditions == 0) return check_conditional_operator(input.conditional_operator, 0);
  LAMBENT_TRY(request.condition, condition_of(*input.expected, input.conditional_operator));
  return {};
}

// QueryFilter or ScanFilter, AttributesToGet and ConditionalOperator.
template <class Input>
TablesResult<> add_legacy_page(const Input& input, const std::optional<protocol::Map<wire::Condition>>& filter,
                               tables::PageRequest& request) {
  if (input.attributes_to_get) {
    LAMBENT_TRY(request.projection, paths_of(*input.attributes_to_get));
  }
  const std::size_t conditions = filter ? filter->size() : 0;
  if (conditions == 0) return check_conditional_operator(input.conditional_operator, 0);
  LAMBENT_TRY(request.filter, condition_of(*filter, input.conditional_operator));
  return {};
}

tables::ReturnValues return_values(const std::optional<std::string>& given) {
  if (given == "ALL_OLD") return tables::ReturnValues::all_old;
  if (given == "UPDATED_OLD") return tables::ReturnValues::updated_old;
  if (given == "ALL_NEW") return tables::ReturnValues::all_new;
  if (given == "UPDATED_NEW") return tables::ReturnValues::updated_new;
  return tables::ReturnValues::none;
}

std::optional<tables::Select> select(const std::optional<std::string>& given) {
  if (given == "ALL_ATTRIBUTES") return tables::Select::all_attributes;
  if (given == "ALL_PROJECTED_ATTRIBUTES") return tables::Select::all_projected;
  if (given == "SPECIFIC_ATTRIBUTES") return tables::Select::specific;
  if (given == "COUNT") return tables::Select::count;
  return std::nullopt;
}

// What all kinds of writes share; `data` is the item of a put, the key of all others.
template <class Input>
TablesResult<tables::WriteRequest> common(Kind kind, const Input& input, const WireItem& data) {
  tables::WriteRequest request{.kind = kind, .table = table_name(input.table_name)};
  LAMBENT_TRY((kind == Kind::put ? request.item : request.key), from_wire(data));
  LAMBENT_TRY(request.placeholders, placeholders(input.expression_attribute_names, input.expression_attribute_values));
  request.condition = input.condition_expression;
  request.item_on_condition_failure = input.return_values_on_condition_check_failure == "ALL_OLD";
  return request;
}

template <class Input>
TablesResult<tables::GetRequest> common_get(const Input& input) {
  tables::GetRequest request{.table = table_name(input.table_name)};
  LAMBENT_TRY(request.key, from_wire(input.key));
  LAMBENT_TRY(request.placeholders, placeholders(input.expression_attribute_names, {}));
  request.projection = input.projection_expression;
  return request;
}

template <class Input>
TablesResult<tables::PageRequest> common_page(const Input& input) {
  tables::PageRequest request{.table = table_name(input.table_name)};
  request.index = input.index_name;
  request.filter = input.filter_expression;
  request.projection = input.projection_expression;
  LAMBENT_TRY(request.placeholders, placeholders(input.expression_attribute_names, input.expression_attribute_values));
  request.select = select(input.select);
  request.limit = input.limit;
  request.consistent = input.consistent_read.value_or(false);
  if (input.exclusive_start_key) {
    LAMBENT_TRY(request.start_after, from_wire(*input.exclusive_start_key));
  }
  return request;
}

}  // namespace

TablesResult<tables::WriteRequest> write_request(const wire::PutItemInput& input) {
  LAMBENT_TRY_VOID(check_not_mixed(
      {{"Expected", input.expected.has_value()}, {"ConditionalOperator", input.conditional_operator.has_value()}},
      {{"ConditionExpression", input.condition_expression.has_value()}}));
  LAMBENT_TRY(auto request, common(Kind::put, input, input.item));
  LAMBENT_TRY_VOID(add_expected(input, request));
  request.return_values = return_values(input.return_values);
  return request;
}

TablesResult<tables::WriteRequest> write_request(const wire::UpdateItemInput& input) {
  LAMBENT_TRY_VOID(check_not_mixed({{"AttributeUpdates", input.attribute_updates.has_value()},
                                    {"Expected", input.expected.has_value()},
                                    {"ConditionalOperator", input.conditional_operator.has_value()}},
                                   {{"UpdateExpression", input.update_expression.has_value()},
                                    {"ConditionExpression", input.condition_expression.has_value()}}));
  LAMBENT_TRY(auto request, common(Kind::update, input, input.key));
  request.update = input.update_expression;
  LAMBENT_TRY_VOID(add_expected(input, request));
  if (input.attribute_updates && !input.attribute_updates->empty()) {
    LAMBENT_TRY(request.update, update_of(*input.attribute_updates));
  }
  request.return_values = return_values(input.return_values);
  return request;
}

TablesResult<tables::WriteRequest> write_request(const wire::DeleteItemInput& input) {
  LAMBENT_TRY_VOID(check_not_mixed(
      {{"Expected", input.expected.has_value()}, {"ConditionalOperator", input.conditional_operator.has_value()}},
      {{"ConditionExpression", input.condition_expression.has_value()}}));
  LAMBENT_TRY(auto request, common(Kind::remove, input, input.key));
  LAMBENT_TRY_VOID(add_expected(input, request));
  request.return_values = return_values(input.return_values);
  return request;
}

TablesResult<tables::WriteRequest> write_request(const wire::TransactWriteItem& input) {
  const int actions =
      input.condition_check.has_value() + input.put.has_value() + input.delete_.has_value() + input.update.has_value();
  if (actions != 1) return invalid("TransactItems can only contain one of Check, Put, Update or Delete");
  if (input.put) return common(Kind::put, *input.put, input.put->item);
  if (input.delete_) return common(Kind::remove, *input.delete_, input.delete_->key);
  if (input.update) {
    LAMBENT_TRY(auto request, common(Kind::update, *input.update, input.update->key));
    request.update = input.update->update_expression;
    return request;
  }
  return common(Kind::check, *input.condition_check, input.condition_check->key);
}

TablesResult<tables::GetRequest> get_request(const wire::GetItemInput& input) {
  LAMBENT_TRY_VOID(check_not_mixed({{"AttributesToGet", input.attributes_to_get.has_value()}},
                                   {{"ProjectionExpression", input.projection_expression.has_value()}}));
  LAMBENT_TRY(auto request, common_get(input));
  if (input.attributes_to_get) {
    LAMBENT_TRY(request.projection, paths_of(*input.attributes_to_get));
  }
  request.consistent = input.consistent_read.value_or(false);
  return request;
}

TablesResult<tables::GetRequest> get_request(const wire::Get& input) {
  return common_get(input);
}

TablesResult<tables::PageRequest> page_request(const wire::QueryInput& input) {
  LAMBENT_TRY_VOID(check_not_mixed({{"AttributesToGet", input.attributes_to_get.has_value()},
                                    {"QueryFilter", input.query_filter.has_value()},
                                    {"ConditionalOperator", input.conditional_operator.has_value()},
                                    {"KeyConditions", input.key_conditions.has_value()}},
                                   {{"ProjectionExpression", input.projection_expression.has_value()},
                                    {"FilterExpression", input.filter_expression.has_value()},
                                    {"KeyConditionExpression", input.key_condition_expression.has_value()}}));
  LAMBENT_TRY(auto request, common_page(input));
  request.key_condition = input.key_condition_expression;
  if (input.key_conditions) {
    LAMBENT_TRY(request.key_condition, condition_of(*input.key_conditions));
  }
  LAMBENT_TRY_VOID(add_legacy_page(input, input.query_filter, request));
  request.forward = input.scan_index_forward.value_or(true);
  return request;
}

TablesResult<tables::PageRequest> page_request(const wire::ScanInput& input) {
  LAMBENT_TRY_VOID(check_not_mixed({{"AttributesToGet", input.attributes_to_get.has_value()},
                                    {"ScanFilter", input.scan_filter.has_value()},
                                    {"ConditionalOperator", input.conditional_operator.has_value()}},
                                   {{"ProjectionExpression", input.projection_expression.has_value()},
                                    {"FilterExpression", input.filter_expression.has_value()}}));
  LAMBENT_TRY(auto request, common_page(input));
  LAMBENT_TRY_VOID(add_legacy_page(input, input.scan_filter, request));
  request.segment = input.segment;
  request.total_segments = input.total_segments;
  return request;
}

TablesResult<tables::BatchGetRequest> batch_get_request(const wire::BatchGetItemInput& input) {
  tables::BatchGetRequest request;
  std::size_t keys = 0;
  for (const auto& [name, wanted] : input.request_items) {
    LAMBENT_TRY_VOID(check_not_mixed({{"AttributesToGet", wanted.attributes_to_get.has_value()}},
                                     {{"ProjectionExpression", wanted.projection_expression.has_value()}}));
    auto& table = request.tables[table_name(name)];
    for (const auto& key : wanted.keys) {
      LAMBENT_TRY(table.keys.emplace_back(), from_wire(key));
    }
    LAMBENT_TRY(table.placeholders, placeholders(wanted.expression_attribute_names, {}));
    table.projection = wanted.projection_expression;
    if (wanted.attributes_to_get) {
      LAMBENT_TRY(table.projection, paths_of(*wanted.attributes_to_get));
    }
    table.consistent = wanted.consistent_read.value_or(false);
    keys += wanted.keys.size();
  }
  if (keys > kMaxBatchGets) return invalid("Too many items requested for the BatchGetItem call");
  return request;
}

TablesResult<std::vector<tables::WriteRequest>> batch_write_requests(const wire::BatchWriteItemInput& input) {
  std::vector<tables::WriteRequest> requests;
  for (const auto& [name, writes] : input.request_items) {
    for (const auto& write : writes) {
      if (write.put_request.has_value() == write.delete_request.has_value()) {
        return invalid("Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest");
      }
      auto& request = requests.emplace_back();
      request.table = table_name(name);
      if (write.put_request) {
        request.kind = Kind::put;
        LAMBENT_TRY(request.item, from_wire(write.put_request->item));
      } else {
        request.kind = Kind::remove;
        LAMBENT_TRY(request.key, from_wire(write.delete_request->key));
      }
    }
  }
  if (requests.size() > kMaxBatchWrites) return invalid("Too many items requested for the BatchWriteItem call");
  return requests;
}

TablesResult<std::vector<tables::WriteRequest>> transact_write_requests(const wire::TransactWriteItemsInput& input) {
  std::vector<tables::WriteRequest> requests;
  for (const auto& item : input.transact_items) {
    LAMBENT_TRY(requests.emplace_back(), write_request(item));
  }
  return requests;
}

}  // namespace lambent::services::dynamodb
