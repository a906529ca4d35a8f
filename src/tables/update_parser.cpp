#include <fmt/format.h>

#include "tables/expression_parser.h"

namespace lambent::tables {
namespace {

using Kind = UpdateValue::Kind;

bool is_set(Type type) {
  return type == Type::SS || type == Type::NS || type == Type::BS;
}

class UpdateParser : public ExpressionParser {
 public:
  UpdateParser(std::string_view text, PlaceholderUse& use) : ExpressionParser(text, "UpdateExpression", use) {}

  TablesResult<Update> parse() {
    do {
      parse_section();
    } while (ok() && peek().kind != Token::Kind::end);
    LAMBENT_TRY_VOID(outcome());
    if (auto disjoint = check_disjoint(update_.paths()); !disjoint) {
      return invalid("Invalid UpdateExpression: " + disjoint.error().message);
    }
    return std::move(update_);
  }

 private:
  void parse_section() {
    if (accept_keyword("SET")) return parse_actions("SET", set_seen_, [this] { parse_set(); });
    if (accept_keyword("REMOVE")) return parse_actions("REMOVE", remove_seen_, [this] { parse_remove(); });
    if (accept_keyword("ADD")) return parse_actions("ADD", add_seen_, [this] { parse_add(); });
    if (accept_keyword("DELETE")) return parse_actions("DELETE", delete_seen_, [this] { parse_delete(); });
    syntax_error();
  }

  template <class Action>
  void parse_actions(std::string_view section, bool& seen, Action action) {
    if (seen) {
      fault(fmt::format("The \"{}\" section can only be used once in an update expression;", section));
    }
    seen = true;
    do {
      count_operator();
      action();
    } while (ok() && accept_symbol(","));
  }

  void parse_set() {
    Update::Set set{.path = parse_path(), .value = {}};
    expect_symbol("=");
    set.value = parse_sum();
    update_.sets.push_back(std::move(set));
  }

  void parse_remove() { update_.removes.push_back(parse_path()); }

  void parse_add() {
    auto change = parse_change();
    const Type type = change.value.type();
    if (ok() && type != Type::N && !is_set(type)) wrong_change("ADD", type);
    update_.adds.push_back(std::move(change));
  }

  void parse_delete() {
    auto change = parse_change();
    const Type type = change.value.type();
    if (ok() && !is_set(type)) wrong_change("DELETE", type);
    update_.deletes.push_back(std::move(change));
  }

  void wrong_change(std::string_view section, Type type) {
    fault(
        fmt::format("Incorrect operand type for operator or function; operator: {}, operand type: {}, typeSet: "
                    "ALLOWED_FOR_{}_OPERAND",
                    section, type_name(type), section));
  }

  Update::Change parse_change() {
    Update::Change change{.path = parse_path(), .value = {}};
    if (ok() && peek().kind != Token::Kind::value) syntax_error();
    if (ok()) change.value = parse_value();
    return change;
  }

  UpdateValue parse_sum() {
    UpdateValue left = parse_term();
    if (!ok() || !(at_symbol("+") || at_symbol("-"))) return left;
    const bool plus = take().text == "+";
    count_operator();
    UpdateValue sum{.kind = plus ? Kind::plus : Kind::minus};
    sum.arguments.push_back(std::move(left));
    sum.arguments.push_back(parse_term());
    for (const auto& argument : sum.arguments) {
      if (ok() && argument.kind == Kind::value && argument.value.type() != Type::N) {
        wrong_operand_type(plus ? "+" : "-", argument.value);
      }
      if (ok() && argument.kind == Kind::list_append) {
        fault("Incorrect operand type for operator or function; operator or function: list_append, operand type: L");
      }
    }
    return sum;
  }

  UpdateValue parse_term() {
    const NestingGuard guard(nesting_);
    if (guard.too_deep()) syntax_error();
    if (!ok()) return {};
    if (accept_symbol("(")) {
      UpdateValue inner = parse_sum();
      expect_symbol(")");
      return inner;
    }
    if (peek().kind == Token::Kind::value)
      return {.kind = Kind::value, .path = {}, .value = parse_value(), .arguments = {}};
    if (at_call()) return parse_function();
    if (at_path()) return {.kind = Kind::path, .path = parse_path(), .value = {}, .arguments = {}};
    syntax_error();
    return {};
  }

  UpdateValue parse_function() {
    const std::string name(take().text);
    count_operator();
    expect_symbol("(");
    std::vector<UpdateValue> arguments;
    do {
      arguments.push_back(parse_term());
    } while (ok() && accept_symbol(","));
    expect_symbol(")");
    if (!ok()) return {};

    if (name == "if_not_exists") return check_if_not_exists(std::move(arguments));
    if (name == "list_append") return check_list_append(std::move(arguments));
    if (name == "attribute_exists" || name == "attribute_not_exists" || name == "attribute_type" ||
        name == "begins_with" || name == "contains" || name == "size") {
      fault("The function is not allowed in an update expression; function: " + name);
    } else {
      fault("Invalid function name; function: " + name);
    }
    return {};
  }

  UpdateValue check_if_not_exists(std::vector<UpdateValue> arguments) {
    if (arguments.size() != 2) {
      wrong_operand_count("if_not_exists", arguments.size());
      return {};
    }
    if (arguments[0].kind != Kind::path) {
      fault("Operator or function requires a document path; operator or function: if_not_exists");
      return {};
    }
    UpdateValue value{.kind = Kind::if_not_exists, .path = std::move(arguments[0].path), .value = {}, .arguments = {}};
    value.arguments.push_back(std::move(arguments[1]));
    return value;
  }

  UpdateValue check_list_append(std::vector<UpdateValue> arguments) {
    if (arguments.size() != 2) {
      wrong_operand_count("list_append", arguments.size());
      return {};
    }
    for (const auto& argument : arguments) {
      if (argument.kind == Kind::value && argument.value.type() != Type::L) {
        wrong_operand_type("list_append", argument.value);
      }
    }
    return {.kind = Kind::list_append, .path = {}, .value = {}, .arguments = std::move(arguments)};
  }

  Update update_;
  bool set_seen_ = false;
  bool remove_seen_ = false;
  bool add_seen_ = false;
  bool delete_seen_ = false;
  int nesting_ = 0;
};

class ProjectionParser : public ExpressionParser {
 public:
  ProjectionParser(std::string_view text, PlaceholderUse& use) : ExpressionParser(text, "ProjectionExpression", use) {}

  TablesResult<std::vector<DocumentPath>> parse() {
    std::vector<DocumentPath> paths;
    do {
      paths.push_back(parse_path());
    } while (ok() && accept_symbol(","));
    expect_end();
    LAMBENT_TRY_VOID(outcome());
    if (auto disjoint = check_disjoint(paths); !disjoint) {
      return invalid("Invalid ProjectionExpression: " + disjoint.error().message);
    }
    return paths;
  }
};

}  // namespace

std::vector<DocumentPath> Update::paths() const {
  std::vector<DocumentPath> paths;
  for (const auto& set : sets) paths.push_back(set.path);
  for (const auto& path : removes) paths.push_back(path);
  for (const auto& add : adds) paths.push_back(add.path);
  for (const auto& change : deletes) paths.push_back(change.path);
  return paths;
}

TablesResult<Update> parse_update(std::string_view text, PlaceholderUse& use) {
  return UpdateParser(text, use).parse();
}

TablesResult<std::vector<DocumentPath>> parse_projection(std::string_view text, PlaceholderUse& use) {
  return ProjectionParser(text, use).parse();
}

}  // namespace lambent::tables
