// Where items and index entries are in the space `tables`.
//
//   table id (8 bytes) | view (1 byte: 0 the table, else an index's id) | hash of the hash key (4 bytes)
//     | hash key | range key, where the view has one | for an index: the table's own keys
//
// Keys of one partition are beside each other in the order of the range key; partitions are in the order of their
// hash, which is what segments of a parallel scan cut. Each key value is encoded so that bytes sort as values do and no
// encoding is the start of another: strings and binaries with 00 written as 00 FF and 00 00 at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tables/attribute_value.h"
#include "tables/schema.h"

namespace lambent::tables {

// The value is of type S, N or B.
void append_key_value(std::string& out, const AttributeValue& value);
// What the encodings of all strings (binaries) that start with this one start with.
void append_key_start(std::string& out, const AttributeValue& value);

// Start of every key of a table, of one of its views.
std::string table_prefix(std::uint64_t table_id);
std::string view_prefix(std::uint64_t table_id, std::uint8_t view);
// Start of every key of one partition.
std::string partition_prefix(std::string_view view, const AttributeValue& hash);
// Start of the part of a view that segment `segment` of `total` has: keys in [of segment, of segment + 1).
std::string segment_start(std::string_view view, std::uint32_t segment, std::uint32_t total);

// The item must have the key's attributes, of the right types.
std::string item_key(std::string_view view, const KeySchema& key, const Item& item);
std::string index_key(std::string_view view, const KeySchema& index, const KeySchema& table, const Item& item);

}  // namespace lambent::tables
