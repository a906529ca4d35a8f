// Single values as text: in paths, queries, headers, forms and XML.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/service_error.h"
#include "protocol/shape.h"

namespace lambent::protocol {

// `format` applies to timestamps whose shape has none of its own. SerializationException where the text is no such
// value.
std::optional<ServiceError> parse_scalar(const Shape& shape, std::string_view text, TimeFormat format, void* target);

// "STRING_VALUE can not be converted to an Integer": how the REST and Query services put it. DynamoDB's words are
// older.
std::string conversion_text(std::string_view token, std::string_view java_type);

std::string format_scalar(const Shape& shape, const void* value, TimeFormat format);

}  // namespace lambent::protocol
