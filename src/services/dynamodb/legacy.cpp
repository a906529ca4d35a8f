#include "services/dynamodb/legacy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "services/dynamodb/values.h"

namespace lambent::services::dynamodb {
namespace {

namespace wire = protocol::dynamodb;
using tables::AttributeValue;
using tables::Comparator;
using tables::DocumentPath;
using tables::invalid;
using tables::TablesResult;
using Kind = tables::Condition::Kind;

constexpr std::string_view kStart = "One or more parameter values were invalid: ";
constexpr std::size_t kAny = ~std::size_t{0};

struct Operator {
  std::string_view name;
  Kind kind;
  std::size_t arguments;
  Comparator comparator = Comparator::equal;
  bool negated = false;
  std::string_view types = {};  // of the argument: letters as type codes begin; empty: all
};

constexpr std::array kOperators = {
    Operator{"EQ", Kind::comparison, 1, Comparator::equal},
    Operator{"NE", Kind::comparison, 1, Comparator::not_equal},
    Operator{"LE", Kind::comparison, 1, Comparator::less_equal, false, "SNB"},
    Operator{"LT", Kind::comparison, 1, Comparator::less, false, "SNB"},
    Operator{"GE", Kind::comparison, 1, Comparator::greater_equal, false, "SNB"},
    Operator{"GT", Kind::comparison, 1, Comparator::greater, false, "SNB"},
    Operator{"BETWEEN", Kind::between, 2, Comparator::equal, false, "SNB"},
    Operator{"IN", Kind::in, kAny, Comparator::equal, false, "SNB"},
    Operator{"NULL", Kind::attribute_not_exists, 0},
    Operator{"NOT_NULL", Kind::attribute_exists, 0},
    Operator{"CONTAINS", Kind::contains, 1, Comparator::equal, false, "SNB"},
    Operator{"NOT_CONTAINS", Kind::contains, 1, Comparator::equal, true, "SNB"},
    Operator{"BEGINS_WITH", Kind::begins_with, 1, Comparator::equal, false, "SB"},
};

tables::Operand attribute(const std::string& name) {
  return {.source = DocumentPath{{name}}};
}

TablesResult<std::vector<AttributeValue>> values_of(const std::vector<protocol::AttributeValue>& given) {
  std::vector<AttributeValue> values;
  for (const auto& value : given) {
    LAMBENT_TRY(values.emplace_back(), from_wire(value));
  }
  return values;
}

TablesResult<> check_arguments(const Operator& op, const std::vector<AttributeValue>& values) {
  const bool enough = op.arguments == kAny ? !values.empty() : values.size() == op.arguments;
  if (!enough) {
    return invalid(fmt::format("{}Invalid number of argument(s) for the {} ComparisonOperator", kStart, op.name));
  }
  for (const auto& value : values) {
    const auto code = tables::type_code(value.type());
    if (op.types.empty() || (code.size() == 1 && op.types.find(code) != std::string_view::npos)) continue;
    return invalid(
        fmt::format("{}ComparisonOperator {} is not valid for {} AttributeValue type", kStart, op.name, code));
  }
  if (op.kind == Kind::between && values[0].type() != values[1].type()) {
    return invalid(fmt::format("{}AttributeValues inside AttributeValueList must be of same type", kStart));
  }
  if (op.kind == Kind::between && tables::compare_scalars(values[0], values[1]) > 0) {
    return invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
  }
  return {};
}

TablesResult<tables::Condition> compared(const std::string& name, std::string_view operator_name,
                                         const std::vector<protocol::AttributeValue>& given) {
  const auto* const op = std::ranges::find(kOperators, operator_name, &Operator::name);
  LAMBENT_TRY(auto values, values_of(given));
  LAMBENT_TRY_VOID(check_arguments(*op, values));
  tables::Condition condition{.kind = op->kind, .comparator = op->comparator};
  condition.operands.push_back(attribute(name));
  for (auto& value : values) condition.operands.push_back({.source = std::move(value)});
  if (!op->negated) return condition;
  tables::Condition negation{.kind = Kind::negation};
  negation.children.push_back(std::move(condition));
  return negation;
}

TablesResult<tables::Condition> expected_one(const std::string& name, const wire::ExpectedAttributeValue& given) {
  const auto wrong = [&](std::string_view what) {
    return invalid(fmt::format("{}{} for Attribute: {}", kStart, what, name));
  };
  if (given.comparison_operator) {
    if (given.exists) return wrong("Exists and ComparisonOperator cannot be used together");
    if (given.value && given.attribute_value_list) {
      return wrong("Value and AttributeValueList cannot be used together");
    }
    if (given.value) return compared(name, *given.comparison_operator, {*given.value});
    return compared(name, *given.comparison_operator,
                    given.attribute_value_list.value_or(std::vector<protocol::AttributeValue>{}));
  }
  if (given.attribute_value_list) return wrong("AttributeValueList can only be used with a ComparisonOperator");
  if (given.exists == false) {
    if (given.value) return wrong("Value cannot be used when Exists is false");
    return compared(name, "NULL", {});
  }
  if (!given.value) {
    return wrong(given.exists ? "Value must be provided when Exists is true"
                              : "Value must be provided when Exists is null");
  }
  return compared(name, "EQ", {*given.value});
}

template <class Map, class One>
TablesResult<tables::Condition> joined(const Map& conditions, const std::optional<std::string>& conditional_operator,
                                       One one) {
  LAMBENT_TRY_VOID(check_conditional_operator(conditional_operator, conditions.size()));
  tables::Condition result{.kind = conditional_operator == "OR" ? Kind::any : Kind::all};
  for (const auto& [name, condition] : conditions) {
    LAMBENT_TRY(result.children.emplace_back(), one(name, condition));
  }
  return result;
}

std::string names(NamedFlags flags) {
  std::vector<std::string_view> present;
  for (const auto& [name, there] : flags) {
    if (there) present.push_back(name);
  }
  return fmt::format("{}", fmt::join(present, ", "));
}

TablesResult<> add_update(const std::string& name, const wire::AttributeValueUpdate& given, tables::Update& update) {
  const std::string action = given.action.value_or("PUT");
  const DocumentPath path{{name}};
  if (!given.value) {
    if (action != "DELETE") {
      return invalid(fmt::format("{}Only DELETE action is allowed when no attribute value is specified", kStart));
    }
    update.removes.push_back(path);
    return {};
  }
  LAMBENT_TRY(auto value, from_wire(*given.value));
  const auto type = value.type();
  const bool is_set = type == tables::Type::SS || type == tables::Type::NS || type == tables::Type::BS;
  if (action == "PUT") {
    update.sets.push_back({path, {.kind = tables::UpdateValue::Kind::value, .value = std::move(value)}});
  } else if (is_set || (action == "ADD" && type == tables::Type::N)) {
    (action == "ADD" ? update.adds : update.deletes).push_back({path, std::move(value)});
  } else {
    return invalid(
        fmt::format("{}{} action is not supported for the type {}", kStart, action, tables::type_code(type)));
  }
  return {};
}

}  // namespace

TablesResult<> check_not_mixed(NamedFlags legacy, NamedFlags expressions) {
  const auto there = [](NamedFlags flags) {
    return std::ranges::any_of(flags, [](const auto& flag) { return flag.second; });
  };
  if (!there(legacy) || !there(expressions)) return {};
  return invalid(
      fmt::format("Can not use both expression and non-expression parameters in the same request: Non-expression "
                  "parameters: {{{}}} Expression parameters: {{{}}}",
                  names(legacy), names(expressions)));
}

TablesResult<> check_conditional_operator(const std::optional<std::string>& given, std::size_t conditions) {
  if (!given || conditions > 1) return {};
  return invalid(conditions == 0
                     ? std::string("ConditionalOperator cannot be used without Filter or Expected")
                     : fmt::format("{}ConditionalOperator can only be used when Filter or Expected has two or more "
                                   "elements",
                                   kStart));
}

TablesResult<tables::Condition> condition_of(const protocol::Map<wire::Condition>& conditions,
                                             const std::optional<std::string>& conditional_operator) {
  return joined(conditions, conditional_operator, [](const std::string& name, const wire::Condition& condition) {
    return compared(name, condition.comparison_operator,
                    condition.attribute_value_list.value_or(std::vector<protocol::AttributeValue>{}));
  });
}

TablesResult<tables::Condition> condition_of(const protocol::Map<wire::ExpectedAttributeValue>& expected,
                                             const std::optional<std::string>& conditional_operator) {
  return joined(expected, conditional_operator, expected_one);
}

TablesResult<tables::Update> update_of(const protocol::Map<wire::AttributeValueUpdate>& updates) {
  tables::Update update;
  for (const auto& [name, given] : updates) LAMBENT_TRY_VOID(add_update(name, given, update));
  return update;
}

TablesResult<tables::Paths> paths_of(const std::vector<std::string>& attributes_to_get) {
  tables::Paths paths;
  for (const auto& name : attributes_to_get) {
    DocumentPath path{{name}};
    if (std::ranges::find(paths, path) != paths.end()) {
      return invalid(fmt::format("{}Duplicate value in AttributesToGet: {}", kStart, name));
    }
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace lambent::services::dynamodb
