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

std::string format_scalar(const Shape& shape, const void* value, TimeFormat format);

}  // namespace lambent::protocol
