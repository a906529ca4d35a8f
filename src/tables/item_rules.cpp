#include "tables/item_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/encoding.h"

namespace lambent::tables {
namespace {

bool is_empty(const AttributeValue& value) {
  const auto* text = value.get_if<std::string>();
  const auto* binary = value.get_if<Binary>();
  return (text != nullptr && text->empty()) || (binary != nullptr && binary->bytes.empty());
}

// Number keys have no limit of their own: no number is longer than the limits.
TablesResult<> check_key_size(const AttributeValue& value, bool hash) {
  if (size_of(value) <= (hash ? kMaxHashKeyBytes : kMaxRangeKeyBytes)) return {};
  return invalid(hash ? "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
                        "limit of2048 bytes"
                      : "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the "
                        "size limit of 1024 bytes");
}

TablesResult<> check_not_empty(const KeyAttribute& attribute, const AttributeValue& value) {
  if (!is_empty(value)) return {};
  return invalid(
      fmt::format("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                  "an empty {} value. Key: {}",
                  value.type() == Type::B ? "binary" : "string", attribute.name));
}

TablesResult<> check_given_key(const KeyAttribute& attribute, const Item& key, bool hash) {
  const auto at = key.find(attribute.name);
  if (at == key.end() || at->second.type() != attribute.type) {
    return invalid("The provided key element does not match the schema");
  }
  LAMBENT_TRY_VOID(check_not_empty(attribute, at->second));
  return check_key_size(at->second, hash);
}

TablesResult<> check_item_key(const KeyAttribute& attribute, const Item& item, bool hash) {
  const auto at = item.find(attribute.name);
  if (at == item.end()) {
    return invalid(
        fmt::format("One or more parameter values were invalid: Missing the key {} in the item", attribute.name));
  }
  if (at->second.type() != attribute.type) {
    return invalid(
        fmt::format("One or more parameter values were invalid: Type mismatch for key {} expected: {} actual: {}",
                    attribute.name, type_code(attribute.type), type_code(at->second.type())));
  }
  LAMBENT_TRY_VOID(check_not_empty(attribute, at->second));
  return check_key_size(at->second, hash);
}

TablesResult<> check_index_key(const IndexDefinition& index, const KeyAttribute& attribute, const Item& item,
                               bool hash) {
  const auto at = item.find(attribute.name);
  if (at == item.end()) return {};
  if (at->second.type() != attribute.type) {
    return invalid(
        fmt::format("One or more parameter values were invalid: Type mismatch for Index Key {} Expected: {} Actual: {} "
                    "IndexName: {}",
                    attribute.name, type_code(attribute.type), type_code(at->second.type()), index.name));
  }
  if (is_empty(at->second)) {
    return invalid(fmt::format(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The "
        "AttributeValue for a key attribute cannot contain an empty {} value. IndexName: {}, IndexKey: {}",
        attribute.type == Type::B ? "binary" : "string", index.name, attribute.name));
  }
  return check_key_size(at->second, hash);
}

template <class T, class Text>
TablesResult<AttributeValue> checked_set(std::vector<T> members, std::string_view if_empty, Text text) {
  if (members.empty()) return invalid("One or more parameter values were invalid: " + std::string(if_empty));
  const auto given = members.size();
  std::vector<std::string> texts;
  for (const auto& member : members) texts.push_back(text(member));
  auto set = make_set(std::move(members));
  if (set.members.size() != given) {
    return invalid(fmt::format("One or more parameter values were invalid: Input collection [{}] contains duplicates.",
                               fmt::join(texts, ", ")));
  }
  return AttributeValue(AttributeValue::Variant(std::move(set)));
}

}  // namespace

TablesResult<> check_key(const KeySchema& schema, const Item& key) {
  if (key.size() != schema.size()) return invalid("The provided key element does not match the schema");
  LAMBENT_TRY_VOID(check_given_key(schema.hash, key, true));
  if (schema.range) LAMBENT_TRY_VOID(check_given_key(*schema.range, key, false));
  return {};
}

TablesResult<> check_item(const TableDefinition& table, const Item& item, bool by_update) {
  LAMBENT_TRY_VOID(check_item_key(table.key.hash, item, true));
  if (table.key.range) LAMBENT_TRY_VOID(check_item_key(*table.key.range, item, false));
  for (const auto& index : table.indexes) {
    LAMBENT_TRY_VOID(check_index_key(index, index.key.hash, item, true));
    if (index.key.range) LAMBENT_TRY_VOID(check_index_key(index, *index.key.range, item, false));
  }
  for (const auto& [name, value] : item) {
    if (depth_of(value, kMaxNesting) > kMaxNesting) {
      return invalid("Nesting Levels have exceeded supported limits");
    }
  }
  if (size_with_local_entries(table, item) > kMaxItemBytes) {
    return invalid(by_update ? "Item size to update has exceeded the maximum allowed size"
                             : "Item size has exceeded the maximum allowed size");
  }
  return {};
}

std::size_t size_with_local_entries(const TableDefinition& table, const Item& item) {
  std::size_t bytes = size_of(item);
  for (const auto& index : table.indexes) {
    if (!index.global && is_in_index(index, item)) bytes += size_of(projected(index, table.key, item));
  }
  return bytes;
}

Item key_of(const KeySchema& schema, const Item& item) {
  Item key;
  key.insert(*item.find(schema.hash.name));
  if (schema.range) key.insert(*item.find(schema.range->name));
  return key;
}

bool is_in_index(const IndexDefinition& index, const Item& item) {
  const auto fits = [&](const KeyAttribute& attribute, bool hash) {
    const auto at = item.find(attribute.name);
    return at != item.end() && at->second.type() == attribute.type && !is_empty(at->second) &&
           check_key_size(at->second, hash);
  };
  return fits(index.key.hash, true) && (!index.key.range || fits(*index.key.range, false));
}

Item projected(const IndexDefinition& index, const KeySchema& table, const Item& item) {
  if (index.projection == IndexDefinition::Projection::all) return item;
  Item result;
  for (const auto& [name, value] : item) {
    if (index.key.has(name) || table.has(name) || std::ranges::find(index.included, name) != index.included.end()) {
      result.emplace(name, value);
    }
  }
  return result;
}

TablesResult<AttributeValue> string_set(std::vector<std::string> members) {
  return checked_set(std::move(members), "An string set  may not be empty", [](const auto& text) { return text; });
}
TablesResult<AttributeValue> number_set(std::vector<Number38> members) {
  return checked_set(std::move(members), "An number set  may not be empty",
                     [](const auto& n) { return n.to_string(); });
}
TablesResult<AttributeValue> binary_set(std::vector<Binary> members) {
  return checked_set(std::move(members), "Binary sets should not be empty",
                     [](const auto& b) { return base64_encode(b.bytes); });
}

}  // namespace lambent::tables
