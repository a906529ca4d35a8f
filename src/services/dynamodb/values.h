// Attribute values between the wire's form and the engine's.
#pragma once

#include <optional>

#include "protocol/attribute_value.h"
#include "protocol/map.h"
#include "tables/error.h"
#include "tables/expression.h"

namespace lambent::services::dynamodb {

using WireItem = protocol::Map<protocol::AttributeValue>;

// Refuses, with DynamoDB's texts, what the wire can say but no item can hold: values of no or several types, numbers
// out of range, empty sets, sets with a value twice, nesting past 32 levels.
tables::TablesResult<tables::Item> from_wire(const WireItem& item);
tables::TablesResult<tables::AttributeValue> from_wire(const protocol::AttributeValue& value);
WireItem to_wire(const tables::Item& item);
std::optional<WireItem> to_wire(const std::optional<tables::Item>& item);

tables::TablesResult<tables::Placeholders> placeholders(const std::optional<protocol::Map<std::string>>& names,
                                                        const std::optional<WireItem>& values);

}  // namespace lambent::services::dynamodb
