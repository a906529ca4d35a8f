// The parameters from before there were expressions, taken apart into what expressions are parsed to. Texts of errors
// are DynamoDB's. Source: "Legacy conditional parameters" of the Amazon DynamoDB Developer Guide.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/dynamodb/types.h"
#include "tables/requests.h"

namespace lambent::services::dynamodb {

using NamedFlags = std::initializer_list<std::pair<std::string_view, bool>>;
// Refuses a request that has of both kinds; each list says which parameters are there.
tables::TablesResult<> check_not_mixed(NamedFlags legacy, NamedFlags expressions);

// KeyConditions, QueryFilter, ScanFilter. `conditional_operator` joins filters; AND where it is missing.
tables::TablesResult<tables::Condition> condition_of(const protocol::Map<protocol::dynamodb::Condition>& conditions,
                                                     const std::optional<std::string>& conditional_operator = {});
tables::TablesResult<tables::Condition> condition_of(
    const protocol::Map<protocol::dynamodb::ExpectedAttributeValue>& expected,
    const std::optional<std::string>& conditional_operator);
tables::TablesResult<tables::Update> update_of(const protocol::Map<protocol::dynamodb::AttributeValueUpdate>& updates);
tables::TablesResult<tables::Paths> paths_of(const std::vector<std::string>& attributes_to_get);

// ConditionalOperator makes sense with two or more conditions only.
tables::TablesResult<> check_conditional_operator(const std::optional<std::string>& given, std::size_t conditions);

}  // namespace lambent::services::dynamodb
