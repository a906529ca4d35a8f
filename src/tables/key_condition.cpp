#include "tables/key_condition.h"

#include <fmt/format.h>

#include <optional>

#include "store/key_value_store.h"
#include "tables/item_rules.h"
#include "tables/key_codec.h"

namespace lambent::tables {
namespace {

using Kind = Condition::Kind;

constexpr std::string_view kStart = "Invalid KeyConditionExpression: ";

struct Parts {
  const Condition* hash = nullptr;
  const Condition* range = nullptr;
};

TablesResult<> check_kind(const Condition& condition) {
  const auto wrong = [](std::string_view name) {
    return invalid(fmt::format("{}Invalid operator used in KeyConditionExpression: {}", kStart, name));
  };
  switch (condition.kind) {
    case Kind::any:
      return wrong("OR");
    case Kind::negation:
      return wrong("NOT");
    case Kind::in:
      return wrong("IN");
    case Kind::attribute_exists:
      return wrong("attribute_exists");
    case Kind::attribute_not_exists:
      return wrong("attribute_not_exists");
    case Kind::attribute_type:
      return wrong("attribute_type");
    case Kind::contains:
      return wrong("contains");
    case Kind::comparison:
      if (condition.comparator == Comparator::not_equal) return wrong("<>");
      break;
    default:
      break;
  }
  for (const auto& operand : condition.operands) {
    if (operand.size) return wrong("size");
  }
  return {};
}

// The one attribute that a condition is about; all else in it must be values.
TablesResult<std::string> attribute_in(const Condition& condition) {
  std::optional<std::string> name;
  for (std::size_t i = 0; i < condition.operands.size(); ++i) {
    const auto* path = std::get_if<DocumentPath>(&condition.operands[i].source);
    if (path == nullptr) continue;
    if (path->steps.size() > 1) {
      return invalid(fmt::format("{}KeyConditionExpressions cannot have conditions on nested attributes", kStart));
    }
    if (name || (i > 0 && condition.kind != Kind::comparison)) {
      return invalid(fmt::format(
          "{}Invalid condition in KeyConditionExpression: {} operator must have the key attribute as its first operand",
          kStart, condition.kind == Kind::between ? "BETWEEN" : "begins_with"));
    }
    name = path->attribute();
  }
  if (!name)
    return invalid(fmt::format("{}Invalid condition in KeyConditionExpression: No key attribute specified", kStart));
  return *name;
}

TablesResult<> collect(const Condition& condition, const KeySchema& schema, Parts& parts) {
  if (condition.kind == Kind::all) {
    for (const auto& child : condition.children) LAMBENT_TRY_VOID(collect(child, schema, parts));
    return {};
  }
  LAMBENT_TRY_VOID(check_kind(condition));
  LAMBENT_TRY(const auto name, attribute_in(condition));
  const bool is_hash = name == schema.hash.name;
  if (!is_hash && (!schema.range || name != schema.range->name)) {
    // Either a key is missing for it, or it is one condition too many.
    return {};
  }
  const Condition*& part = is_hash ? parts.hash : parts.range;
  if (part != nullptr) {
    return invalid(fmt::format("{}KeyConditionExpressions must only contain one condition per key", kStart));
  }
  part = &condition;
  return {};
}

int count_conditions(const Condition& condition) {
  if (condition.kind != Kind::all) return 1;
  int sum = 0;
  for (const auto& child : condition.children) sum += count_conditions(child);
  return sum;
}

TablesResult<> check_value(const KeyAttribute& attribute, const AttributeValue& value) {
  if (value.type() != attribute.type) {
    return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type");
  }
  const auto* text = value.get_if<std::string>();
  const auto* binary = value.get_if<Binary>();
  if ((text != nullptr && text->empty()) || (binary != nullptr && binary->bytes.empty())) {
    return invalid(
        fmt::format("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    "an empty {} value. Key: {}",
                    text != nullptr ? "string" : "binary", attribute.name));
  }
  return {};
}

// The condition's values, and its comparator as if the attribute stood left.
TablesResult<std::vector<AttributeValue>> values_of(const Condition& condition, const KeyAttribute& attribute) {
  std::vector<AttributeValue> values;
  for (const auto& operand : condition.operands) {
    if (const auto* value = std::get_if<AttributeValue>(&operand.source)) {
      LAMBENT_TRY_VOID(check_value(attribute, *value));
      values.push_back(*value);
    }
  }
  return values;
}

Comparator comparator_of(const Condition& condition) {
  const bool turned = std::holds_alternative<AttributeValue>(condition.operands[0].source);
  if (!turned) return condition.comparator;
  switch (condition.comparator) {
    case Comparator::less:
      return Comparator::greater;
    case Comparator::less_equal:
      return Comparator::greater_equal;
    case Comparator::greater:
      return Comparator::less;
    case Comparator::greater_equal:
      return Comparator::less_equal;
    default:
      return condition.comparator;
  }
}

KeyRange compared(const std::string& partition, Comparator comparator, const AttributeValue& value) {
  std::string at = partition;
  append_key_value(at, value);
  switch (comparator) {
    case Comparator::less:
      return {partition, at};
    case Comparator::less_equal:
      return {partition, store::prefix_end(at)};
    case Comparator::greater:
      return {store::prefix_end(at), store::prefix_end(partition)};
    case Comparator::greater_equal:
      return {at, store::prefix_end(partition)};
    default:
      return {at, store::prefix_end(at)};
  }
}

TablesResult<KeyRange> narrowed(const std::string& partition, const Condition& condition, const KeyAttribute& range) {
  LAMBENT_TRY(const auto values, values_of(condition, range));
  if (condition.kind == Kind::comparison) return compared(partition, comparator_of(condition), values[0]);
  if (condition.kind == Kind::between) {
    return KeyRange{compared(partition, Comparator::greater_equal, values[0]).lower,
                    compared(partition, Comparator::less_equal, values[1]).upper};
  }
  std::string start = partition;
  append_key_start(start, values[0]);
  return KeyRange{start, store::prefix_end(start)};
}

}  // namespace

TablesResult<KeyRange> key_range(const Condition& condition, const KeySchema& schema, std::string_view view) {
  Parts parts;
  LAMBENT_TRY_VOID(collect(condition, schema, parts));
  if (parts.hash == nullptr) {
    return invalid("Query condition missed key schema element: " + schema.hash.name);
  }
  const int found = 1 + (parts.range != nullptr ? 1 : 0);
  if (count_conditions(condition) > found) {
    if (schema.range && parts.range == nullptr) {
      return invalid("Query condition missed key schema element: " + schema.range->name);
    }
    return invalid("Query key condition not supported");
  }
  if (parts.hash->kind != Kind::comparison || parts.hash->comparator != Comparator::equal) {
    return invalid("Query key condition not supported");
  }
  LAMBENT_TRY(const auto hash, values_of(*parts.hash, schema.hash));
  const std::string partition = partition_prefix(view, hash[0]);
  if (parts.range == nullptr) return KeyRange{partition, store::prefix_end(partition)};
  return narrowed(partition, *parts.range, *schema.range);
}

}  // namespace lambent::tables
