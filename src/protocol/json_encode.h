// Structs as JSON.
#pragma once

#include <string>

#include "protocol/attribute_value.h"
#include "protocol/json_writer.h"
#include "protocol/shape.h"

namespace lambent::protocol {

// An object of the members that travel in the body and are present, in the model's order.
void append_json(std::string& out, const Structure& structure, const void* value);

// The same without the braces, and without the member named `except`; for errors.
std::string json_members(const Structure& structure, const void* value, std::string_view except);

// DynamoDB's form: {"S":"text"}. Empty and conflicting values are {}.
void append_json(std::string& out, const AttributeValue& value);

}  // namespace lambent::protocol
