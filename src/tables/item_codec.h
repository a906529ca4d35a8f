// Items as bytes in the store.
//
// Version byte (1), number of attributes, then name and value of each in order of names. Lengths and counts are
// LEB128 varints; a value starts with a byte for its type (tables::Type), numbers as Number38::append_compact writes
// them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "tables/attribute_value.h"

namespace lambent::tables {

// Deepest nesting that decode_item follows; above what DynamoDB lets in.
inline constexpr int kMaxStoredDepth = 64;

std::string encode_item(const Item& item);
// Fails for anything that encode_item does not write: damage, or a newer version.
Result<Item> decode_item(std::string_view bytes);

void append_varint(std::string& out, std::uint64_t value);
// Moves `in` past the number; false where there is none.
bool read_varint(std::string_view& in, std::uint64_t& value);
void append_text(std::string& out, std::string_view text);
bool read_text(std::string_view& in, std::string& text);

}  // namespace lambent::tables
