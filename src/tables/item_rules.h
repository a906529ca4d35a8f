// Which items and keys a table takes.
#pragma once

#include <string>
#include <vector>

#include "tables/error.h"
#include "tables/schema.h"

namespace lambent::tables {

// A key as GetItem and the like are given it: exactly the key attributes, of the right types, within their sizes.
TablesResult<> check_key(const KeySchema& schema, const Item& key);

// A whole item, as it is to be stored: its keys, the keys of indexes it has, nesting and size, with its entries in
// local indexes.
TablesResult<> check_item(const TableDefinition& table, const Item& item, bool by_update);

// The part of an item that is its key; the item has it.
Item key_of(const KeySchema& schema, const Item& item);

// Whether the item has the index's keys and so is in it. Items that are older than the index may have them of another
// type, empty or too large: they are not in it.
bool is_in_index(const IndexDefinition& index, const Item& item);
// What the index holds of an item.
Item projected(const IndexDefinition& index, const KeySchema& table, const Item& item);

// Of the item and its entries in local indexes: what DynamoDB bounds by 400 KB.
std::size_t size_with_local_entries(const TableDefinition& table, const Item& item);

// Sets as they come from outside: neither empty nor with a value twice.
TablesResult<AttributeValue> string_set(std::vector<std::string> members);
TablesResult<AttributeValue> number_set(std::vector<Number38> members);
TablesResult<AttributeValue> binary_set(std::vector<Binary> members);

}  // namespace lambent::tables
