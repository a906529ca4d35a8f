#include "services/dynamodb/values.h"

#include <fmt/format.h>

#include "base/error.h"
#include "tables/item_rules.h"

namespace lambent::services::dynamodb {
namespace {

using tables::AttributeValue;
using tables::invalid;
using tables::Number38;
using tables::TablesResult;
using Wire = protocol::AttributeValue;

TablesResult<Number38> number(const std::string& text) {
  const auto parsed = Number38::parse(text);
  if (!parsed) return invalid(Number38::fault_message(parsed.error(), text));
  return *parsed;
}

TablesResult<AttributeValue> number_set(const std::vector<std::string>& texts) {
  std::vector<Number38> members;
  for (const auto& text : texts) {
    LAMBENT_TRY(members.emplace_back(), number(text));
  }
  return tables::number_set(std::move(members));
}

TablesResult<AttributeValue> binary_set(const std::vector<std::string>& texts) {
  std::vector<tables::Binary> members;
  for (const auto& text : texts) members.push_back({text});
  return tables::binary_set(std::move(members));
}

TablesResult<tables::Item> convert(const WireItem& item, int depth);

// `depth` counts the lists and maps around the value; the engine checks the exact limit, this keeps the stack bounded.
TablesResult<AttributeValue> convert(const Wire& value, int depth) {
  if (depth > tables::kMaxNesting) return invalid("Nesting Levels have exceeded supported limits");
  switch (value.type()) {
    case Wire::Type::empty:
      return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    case Wire::Type::conflicting:
      return invalid(
          "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
          "datatypes");
    case Wire::Type::s:
      return AttributeValue(value.text());
    case Wire::Type::n: {
      LAMBENT_TRY(const auto parsed, number(value.text()));
      return AttributeValue(parsed);
    }
    case Wire::Type::b:
      return AttributeValue(AttributeValue::Variant(tables::Binary{value.text()}));
    case Wire::Type::ss:
      return tables::string_set(value.texts());
    case Wire::Type::ns:
      return number_set(value.texts());
    case Wire::Type::bs:
      return binary_set(value.texts());
    case Wire::Type::m: {
      LAMBENT_TRY(auto map, convert(value.map(), depth + 1));
      return AttributeValue(AttributeValue::Variant(std::move(map)));
    }
    case Wire::Type::l: {
      tables::List list;
      for (const auto& element : value.list()) {
        LAMBENT_TRY(list.emplace_back(), convert(element, depth + 1));
      }
      return AttributeValue(AttributeValue::Variant(std::move(list)));
    }
    case Wire::Type::null:
      if (value.boolean()) return AttributeValue();
      return invalid(
          "One or more parameter values were invalid: Null attribute value types must have the value of true");
    case Wire::Type::boolean:
      return AttributeValue(AttributeValue::Variant(value.boolean()));
  }
  return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
}

TablesResult<tables::Item> convert(const WireItem& item, int depth) {
  tables::Item result;
  for (const auto& [name, value] : item) {
    LAMBENT_TRY(auto converted, convert(value, depth));
    result.emplace_hint(result.end(), name, std::move(converted));
  }
  return result;
}

struct ToWire {
  Wire operator()(const std::string& text) const { return Wire::s(text); }
  Wire operator()(const Number38& value) const { return Wire::n(value.to_string()); }
  Wire operator()(const tables::Binary& binary) const { return Wire::b(binary.bytes); }
  Wire operator()(bool value) const { return Wire::boolean(value); }
  Wire operator()(const tables::Null&) const { return Wire::null(); }
  Wire operator()(const tables::Map& map) const { return Wire::m(to_wire(map)); }
  Wire operator()(const tables::List& list) const {
    std::vector<Wire> elements;
    elements.reserve(list.size());
    for (const auto& element : list) elements.push_back(std::visit(*this, element.variant()));
    return Wire::l(std::move(elements));
  }
  Wire operator()(const tables::StringSet& set) const { return Wire::ss(set.members); }
  Wire operator()(const tables::NumberSet& set) const {
    std::vector<std::string> texts;
    for (const auto& member : set.members) texts.push_back(member.to_string());
    return Wire::ns(std::move(texts));
  }
  Wire operator()(const tables::BinarySet& set) const {
    std::vector<std::string> texts;
    for (const auto& member : set.members) texts.push_back(member.bytes);
    return Wire::bs(std::move(texts));
  }
};

}  // namespace

TablesResult<tables::Item> from_wire(const WireItem& item) {
  return convert(item, 0);
}

TablesResult<AttributeValue> from_wire(const Wire& value) {
  return convert(value, 0);
}

WireItem to_wire(const tables::Item& item) {
  WireItem result;
  result.reserve(item.size());
  for (const auto& [name, value] : item) result.push_back(name, std::visit(ToWire{}, value.variant()));
  return result;  // in order already: items are sorted by name
}

std::optional<WireItem> to_wire(const std::optional<tables::Item>& item) {
  if (!item) return std::nullopt;
  return to_wire(*item);
}

TablesResult<tables::Placeholders> placeholders(const std::optional<protocol::Map<std::string>>& names,
                                                const std::optional<WireItem>& values) {
  tables::Placeholders result;
  if (names) {
    result.names.emplace();
    for (const auto& [token, name] : *names) result.names->emplace(token, name);
  }
  if (!values) return result;
  result.values.emplace();
  for (const auto& [token, value] : *values) {
    auto converted = convert(value, 0);
    if (!converted) {
      return invalid(fmt::format("ExpressionAttributeValues contains invalid value: {} for key {}",
                                 converted.error().message, token));
    }
    result.values->emplace(token, *std::move(converted));
  }
  return result;
}

}  // namespace lambent::services::dynamodb
