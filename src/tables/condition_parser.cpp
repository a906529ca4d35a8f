#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tables/expression_parser.h"

namespace lambent::tables {
namespace {

using Kind = Condition::Kind;

struct Function {
  std::string_view name;
  Kind kind;
  std::size_t operands;
};
constexpr std::array<Function, 5> kFunctions = {{{"attribute_exists", Kind::attribute_exists, 1},
                                                 {"attribute_not_exists", Kind::attribute_not_exists, 1},
                                                 {"attribute_type", Kind::attribute_type, 2},
                                                 {"begins_with", Kind::begins_with, 2},
                                                 {"contains", Kind::contains, 2}}};

struct Comparison {
  std::string_view symbol;
  Comparator comparator;
};
constexpr std::array<Comparison, 6> kComparisons = {{{"=", Comparator::equal},
                                                     {"<>", Comparator::not_equal},
                                                     {"<", Comparator::less},
                                                     {"<=", Comparator::less_equal},
                                                     {">", Comparator::greater},
                                                     {">=", Comparator::greater_equal}}};

constexpr std::string_view kTypeNames = "B,NULL,SS,BOOL,L,BS,N,NS,S,M";

bool is_type_name(std::string_view name) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Type::BS); ++i) {
    if (type_code(static_cast<Type>(i)) == name) return true;
  }
  return false;
}

const AttributeValue* literal(const Operand& operand) {
  return operand.size ? nullptr : std::get_if<AttributeValue>(&operand.source);
}
const DocumentPath* place(const Operand& operand) {
  return operand.size ? nullptr : std::get_if<DocumentPath>(&operand.source);
}

class ConditionParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  TablesResult<Condition> parse() {
    Condition condition = parse_any();
    expect_end();
    LAMBENT_TRY_VOID(outcome());
    return condition;
  }

 private:
  Condition parse_any() {
    return parse_chain("OR", Kind::any, [this] { return parse_all(); });
  }
  Condition parse_all() {
    return parse_chain("AND", Kind::all, [this] { return parse_negation(); });
  }

  template <class Next>
  Condition parse_chain(std::string_view keyword, Kind kind, Next next) {
    Condition first = next();
    if (!ok() || !at_keyword(keyword)) return first;
    Condition chain{.kind = kind};
    chain.children.push_back(std::move(first));
    while (ok() && accept_keyword(keyword)) {
      count_operator();
      chain.children.push_back(next());
    }
    return chain;
  }

  Condition parse_negation() {
    const NestingGuard guard(nesting_);
    if (guard.too_deep()) {
      syntax_error();
      return {};
    }
    if (!accept_keyword("NOT")) return parse_primary();
    count_operator();
    Condition negation{.kind = Kind::negation};
    negation.children.push_back(parse_negation());
    return negation;
  }

  Condition parse_primary() {
    if (!ok()) return {};
    if (accept_symbol("(")) {
      Condition inner = parse_any();
      expect_symbol(")");
      if (inner.in_parentheses) fault("The expression has redundant parentheses;");
      inner.in_parentheses = true;
      return inner;
    }
    if (at_call() && peek().text != "size") return parse_function();
    return parse_comparison();
  }

  Condition parse_function() {
    const std::string name(take().text);
    std::vector<Operand> operands = parse_arguments();
    Condition condition{.operands = std::move(operands)};
    for (const auto& function : kFunctions) {
      if (function.name != name) continue;
      condition.kind = function.kind;
      count_operator();
      check_function(function, condition);
      if (at_comparison()) misused(name);
      return at_comparison() ? parse_comparison_with({}) : condition;
    }
    if (name == "if_not_exists" || name == "list_append") {
      fault("The function is not allowed in a condition expression; function: " + name);
    } else {
      fault("Invalid function name; function: " + name);
    }
    return at_comparison() ? parse_comparison_with({}) : condition;
  }

  std::vector<Operand> parse_arguments() {
    expect_symbol("(");
    std::vector<Operand> operands;
    do {
      operands.push_back(parse_operand());
    } while (ok() && accept_symbol(","));
    expect_symbol(")");
    return operands;
  }

  void misused(std::string_view function) {
    fault(fmt::format("The function is not allowed to be used this way in an expression; function: {}", function));
  }

  void check_function(const Function& function, const Condition& condition) {
    const auto& operands = condition.operands;
    if (operands.size() != function.operands) return wrong_operand_count(function.name, operands.size());
    if (function.operands == 1 || function.kind == Kind::attribute_type) {
      if (place(operands[0]) == nullptr) {
        return fault(
            fmt::format("Operator or function requires a document path; operator or function: {}", function.name));
      }
    }
    if (function.operands == 2) check_distinct(function.name, operands);
    if (function.kind == Kind::attribute_type) check_type_name(operands[1]);
    if (function.kind == Kind::begins_with) {
      for (const auto& operand : operands) {
        const auto* value = literal(operand);
        if (value != nullptr && value->type() != Type::S && value->type() != Type::B) {
          return wrong_operand_type(function.name, *value);
        }
      }
    }
  }

  void check_type_name(const Operand& operand) {
    const auto* value = literal(operand);
    if (value == nullptr) {
      return fault("Incorrect operand type for operator or function; operator or function: attribute_type");
    }
    const auto* name = value->get_if<std::string>();
    if (name == nullptr) return wrong_operand_type("attribute_type", *value);
    if (!is_type_name(*name)) {
      fault(fmt::format("Invalid attribute type name found; type: {}, valid types: {{{}}}", *name, kTypeNames));
    }
  }

  void check_distinct(std::string_view operation, const std::vector<Operand>& operands) {
    const auto* first = place(operands[0]);
    for (std::size_t i = 1; first != nullptr && i < operands.size(); ++i) {
      const auto* other = place(operands[i]);
      if (other == nullptr || *other != *first) continue;
      return fault(
          fmt::format("The first operand must be distinct from the remaining operands for this operator or function; "
                      "operator: {}, first operand: {}",
                      operation, describe(*first)));
    }
  }

  Operand parse_operand() {
    const NestingGuard guard(nesting_);
    if (!ok()) return {};
    if (guard.too_deep()) {
      syntax_error();
      return {};
    }
    if (peek().kind == Token::Kind::value) return {parse_value()};
    if (at_call()) return parse_size();
    if (at_path()) return {parse_path()};
    syntax_error();
    return {};
  }

  Operand parse_size() {
    const std::string name(take().text);
    auto operands = parse_arguments();
    if (!ok()) return {};
    if (name != "size") {
      const bool known = name == "if_not_exists" || name == "list_append" ||
                         std::ranges::any_of(kFunctions, [&](const auto& f) { return f.name == name; });
      if (known) {
        misused(name);
      } else {
        fault("Invalid function name; function: " + name);
      }
      return {};
    }
    count_operator();
    if (operands.size() != 1) {
      wrong_operand_count(name, operands.size());
      return {};
    }
    if (operands[0].size) misused(name);
    const auto* value = literal(operands[0]);
    if (value != nullptr && (value->type() == Type::N || value->type() == Type::BOOL || value->type() == Type::NULL_)) {
      wrong_operand_type(name, *value);
    }
    operands[0].size = true;
    return std::move(operands[0]);
  }

  [[nodiscard]] bool at_comparison() const {
    if (at_keyword("BETWEEN") || at_keyword("IN")) return true;
    return std::ranges::any_of(kComparisons, [this](const auto& c) { return at_symbol(c.symbol); });
  }

  Condition parse_comparison() {
    Operand left = parse_operand();
    if (!ok()) return {};
    if (left.size && !at_comparison() && !is_open_ended()) {
      syntax_error();
      return {};
    }
    if (left.size && !at_comparison()) {
      misused("size");
      return {};
    }
    return parse_comparison_with(std::move(left));
  }

  // Where a complete condition could end.
  [[nodiscard]] bool is_open_ended() const {
    return peek().kind == Token::Kind::end || at_symbol(")") || at_keyword("AND") || at_keyword("OR");
  }

  Condition parse_comparison_with(Operand left) {
    if (accept_keyword("BETWEEN")) return parse_between(std::move(left));
    if (accept_keyword("IN")) return parse_in(std::move(left));
    for (const auto& [symbol, comparator] : kComparisons) {
      if (!accept_symbol(symbol)) continue;
      count_operator();
      Condition condition{.kind = Kind::comparison, .comparator = comparator};
      condition.operands.push_back(std::move(left));
      condition.operands.push_back(parse_operand());
      if (!ok()) return {};
      if (comparator != Comparator::equal && comparator != Comparator::not_equal) check_orderable(symbol, condition);
      check_distinct(symbol, condition.operands);
      return condition;
    }
    syntax_error();
    return {};
  }

  void check_orderable(std::string_view operation, const Condition& condition) {
    for (const auto& operand : condition.operands) {
      const auto* value = literal(operand);
      if (value != nullptr && !is_orderable(value->type())) return wrong_operand_type(operation, *value);
    }
  }

  Condition parse_between(Operand left) {
    count_operator();
    Condition condition{.kind = Kind::between};
    condition.operands.push_back(std::move(left));
    condition.operands.push_back(parse_operand());
    if (ok() && !accept_keyword("AND")) syntax_error();
    condition.operands.push_back(parse_operand());
    if (!ok()) return {};
    check_orderable("BETWEEN", condition);
    const auto* low = literal(condition.operands[1]);
    const auto* high = literal(condition.operands[2]);
    if (low != nullptr && high != nullptr) check_bounds(*low, *high);
    return condition;
  }

  void check_bounds(const AttributeValue& low, const AttributeValue& high) {
    const auto complain = [&](std::string_view what) {
      fault(
          fmt::format("The BETWEEN operator requires {}; lower bound operand: AttributeValue: {}, upper bound operand: "
                      "AttributeValue: {}",
                      what, describe(low), describe(high)));
    };
    if (low.type() != high.type()) return complain("same data type for lower and upper bounds");
    if (is_orderable(low.type()) && compare_scalars(low, high) > 0) {
      complain("upper bound to be greater than or equal to lower bound");
    }
  }

  Condition parse_in(Operand left) {
    count_operator();
    Condition condition{.kind = Kind::in};
    condition.operands = parse_arguments();
    condition.operands.insert(condition.operands.begin(), std::move(left));
    if (ok() && condition.operands.size() > 101) wrong_operand_count("IN", condition.operands.size() - 1);
    return condition;
  }

  int nesting_ = 0;
};

}  // namespace

TablesResult<Condition> parse_condition(std::string_view text, std::string_view parameter, PlaceholderUse& use) {
  return ConditionParser(text, parameter, use).parse();
}

std::set<std::string> attributes_of(const Condition& condition) {
  std::set<std::string> names;
  for (const auto& child : condition.children) names.merge(attributes_of(child));
  for (const auto& operand : condition.operands) {
    if (const auto* path = std::get_if<DocumentPath>(&operand.source)) names.insert(path->attribute());
  }
  return names;
}

}  // namespace lambent::tables
