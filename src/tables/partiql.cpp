#include "tables/partiql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tables/item_rules.h"
#include "tables/partiql_lexer.h"

namespace lambent::tables {
namespace {

using Kind = PartiQlToken::Kind;

// What a client may send is 8192 characters long; so many levels are more than enough, and bound the stack.
constexpr int kMaxLevels = 100;

bool same_word(std::string_view text, std::string_view upper_case) {
  return std::ranges::equal(text, upper_case, [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

// Recursive descent: a function that meets an error returns it, and everybody passes it on.
class StatementParser {
 public:
  StatementParser(std::string_view text, const std::vector<AttributeValue>& parameters)
      : tokens_(tokenize_statement(text)), parameters_(parameters) {}

  TablesResult<Statement> parse() {
    LAMBENT_TRY(auto statement, parse_any());
    if (peek().kind != Kind::end) return unexpected();
    if (next_parameter_ != parameters_.size()) {
      return invalid("Number of parameters in request and statement don't match.");
    }
    return statement;
  }

 private:
  TablesResult<Statement> parse_any() {
    if (accept_word("SELECT")) return parse_select();
    if (accept_word("INSERT")) return parse_insert();
    if (accept_word("UPDATE")) return parse_update_statement();
    if (accept_word("DELETE")) return parse_delete();
    if (!accept_word("EXISTS")) return unexpected();
    LAMBENT_TRY_VOID(expect_symbol("("));
    LAMBENT_TRY_VOID(expect_word("SELECT"));
    LAMBENT_TRY(auto statement, parse_select());
    LAMBENT_TRY_VOID(expect_symbol(")"));
    statement.kind = Statement::Kind::exists;
    return statement;
  }

  TablesResult<Statement> parse_select() {
    Statement statement{.kind = Statement::Kind::select};
    if (!accept_symbol("*")) {
      statement.projection.emplace();
      do {
        LAMBENT_TRY(statement.projection->emplace_back(), parse_path());
      } while (accept_symbol(","));
      LAMBENT_TRY_VOID(check_disjoint(*statement.projection));
    }
    LAMBENT_TRY_VOID(expect_word("FROM"));
    LAMBENT_TRY_VOID(parse_target(statement));
    LAMBENT_TRY_VOID(parse_where(statement));
    if (!accept_word("ORDER")) return statement;
    LAMBENT_TRY_VOID(expect_word("BY"));
    do {
      LAMBENT_TRY(auto attribute, parse_name());
      const bool descending = accept_word("DESC");
      if (!descending) accept_word("ASC");
      statement.order.push_back({std::move(attribute), descending});
    } while (accept_symbol(","));
    return statement;
  }

  TablesResult<Statement> parse_insert() {
    Statement statement{.kind = Statement::Kind::insert};
    LAMBENT_TRY_VOID(expect_word("INTO"));
    LAMBENT_TRY_VOID(parse_target(statement));
    LAMBENT_TRY_VOID(expect_word("VALUE"));
    LAMBENT_TRY(auto value, parse_value());
    auto* item = value.get_if<Map>();
    if (item == nullptr) return malformed("INSERT takes a map of attributes");
    statement.item = std::move(*item);
    return statement;
  }

  TablesResult<Statement> parse_update_statement() {
    Statement statement{.kind = Statement::Kind::update};
    LAMBENT_TRY_VOID(parse_target(statement));
    bool any = false;
    for (;; any = true) {
      if (accept_word("SET")) {
        do {
          LAMBENT_TRY_VOID(parse_set(statement.update));
        } while (accept_symbol(","));
      } else if (accept_word("REMOVE")) {
        do {
          LAMBENT_TRY(statement.update.removes.emplace_back(), parse_path());
        } while (accept_symbol(","));
      } else {
        break;
      }
    }
    if (!any) return unexpected();
    LAMBENT_TRY_VOID(check_disjoint(statement.update.paths()));
    LAMBENT_TRY_VOID(parse_where(statement));
    LAMBENT_TRY_VOID(parse_returning(statement));
    return statement;
  }

  TablesResult<Statement> parse_delete() {
    Statement statement{.kind = Statement::Kind::remove};
    LAMBENT_TRY_VOID(expect_word("FROM"));
    LAMBENT_TRY_VOID(parse_target(statement));
    LAMBENT_TRY_VOID(parse_where(statement));
    LAMBENT_TRY_VOID(parse_returning(statement));
    return statement;
  }

  // "table" or "table"."index"
  TablesResult<> parse_target(Statement& statement) {
    LAMBENT_TRY(statement.table, parse_name());
    if (!accept_symbol(".")) return {};
    LAMBENT_TRY(statement.index, parse_name());
    return {};
  }

  TablesResult<> parse_where(Statement& statement) {
    if (!accept_word("WHERE")) return {};
    LAMBENT_TRY(statement.where, parse_or());
    return {};
  }

  TablesResult<> parse_returning(Statement& statement) {
    if (!accept_word("RETURNING")) return {};
    const bool all = accept_word("ALL");
    if (!all) LAMBENT_TRY_VOID(expect_word("MODIFIED"));
    const bool old = accept_word("OLD");
    if (!old) LAMBENT_TRY_VOID(expect_word("NEW"));
    LAMBENT_TRY_VOID(expect_symbol("*"));
    if (statement.kind == Statement::Kind::remove && !(all && old)) {
      return malformed("DELETE returns ALL OLD * only");
    }
    statement.returning = all ? (old ? ReturnValues::all_old : ReturnValues::all_new)
                              : (old ? ReturnValues::updated_old : ReturnValues::updated_new);
    return {};
  }

  // path = value | set_add(path, set) | set_delete(path, set)
  TablesResult<> parse_set(Update& update) {
    LAMBENT_TRY(auto path, parse_path());
    LAMBENT_TRY_VOID(expect_symbol("="));
    const bool adds = at_call("SET_ADD");
    if (adds || at_call("SET_DELETE")) {
      take();
      LAMBENT_TRY_VOID(expect_symbol("("));
      LAMBENT_TRY(const auto same, parse_path());
      LAMBENT_TRY_VOID(expect_symbol(","));
      LAMBENT_TRY(auto value, parse_value());
      LAMBENT_TRY_VOID(expect_symbol(")"));
      const auto type = value.type();
      if (type != Type::SS && type != Type::NS && type != Type::BS) {
        return malformed("set_add and set_delete take a set");
      }
      if (same != path) return malformed("set_add and set_delete change the attribute they are given");
      (adds ? update.adds : update.deletes).push_back({std::move(path), std::move(value)});
      return {};
    }
    LAMBENT_TRY(auto value, parse_update_value());
    update.sets.push_back({std::move(path), std::move(value)});
    return {};
  }

  TablesResult<UpdateValue> parse_update_value() {
    LAMBENT_TRY(auto left, parse_update_operand());
    const bool plus = at_symbol("+");
    if (!plus && !at_symbol("-")) return left;
    take();
    UpdateValue sum{.kind = plus ? UpdateValue::Kind::plus : UpdateValue::Kind::minus};
    sum.arguments.push_back(std::move(left));
    LAMBENT_TRY(sum.arguments.emplace_back(), parse_update_operand());
    return sum;
  }

  TablesResult<UpdateValue> parse_update_operand() {
    const bool appends = at_call("LIST_APPEND");
    if (!appends && !at_call("IF_NOT_EXISTS")) {
      if (at_path()) {
        LAMBENT_TRY(auto path, parse_path());
        return UpdateValue{.kind = UpdateValue::Kind::path, .path = std::move(path)};
      }
      LAMBENT_TRY(auto value, parse_value());
      return UpdateValue{.kind = UpdateValue::Kind::value, .value = std::move(value)};
    }
    const Level level(*this);
    if (level.too_deep()) return malformed("too deep");
    take();
    LAMBENT_TRY_VOID(expect_symbol("("));
    UpdateValue call{.kind = appends ? UpdateValue::Kind::list_append : UpdateValue::Kind::if_not_exists};
    if (appends) {
      LAMBENT_TRY(call.arguments.emplace_back(), parse_update_operand());
    } else {
      LAMBENT_TRY(call.path, parse_path());
    }
    LAMBENT_TRY_VOID(expect_symbol(","));
    LAMBENT_TRY(call.arguments.emplace_back(), parse_update_operand());
    LAMBENT_TRY_VOID(expect_symbol(")"));
    return call;
  }

  // ---- conditions

  TablesResult<Condition> parse_or() { return parse_chain("OR", Condition::Kind::any); }
  TablesResult<Condition> parse_and() { return parse_chain("AND", Condition::Kind::all); }

  TablesResult<Condition> parse_chain(std::string_view word, Condition::Kind kind) {
    const bool is_or = kind == Condition::Kind::any;
    Condition chain{.kind = kind};
    do {
      auto child = is_or ? parse_and() : parse_not();
      if (!child) return child;
      chain.children.push_back(*std::move(child));
    } while (accept_word(word));
    if (chain.children.size() > 1) return chain;
    Condition only = std::move(chain.children[0]);
    return only;
  }

  TablesResult<Condition> parse_not() {
    const Level level(*this);
    if (level.too_deep()) return malformed("too deep");
    if (!accept_word("NOT")) return parse_primary();
    LAMBENT_TRY(auto inner, parse_not());
    return negated(std::move(inner));
  }

  static Condition negated(Condition inner) {
    Condition negation{.kind = Condition::Kind::negation};
    negation.children.push_back(std::move(inner));
    return negation;
  }

  TablesResult<Condition> parse_primary() {
    if (accept_symbol("(")) {
      LAMBENT_TRY(auto inner, parse_or());
      LAMBENT_TRY_VOID(expect_symbol(")"));
      return inner;
    }
    if (at_call("BEGINS_WITH")) return parse_function(Condition::Kind::begins_with);
    if (at_call("CONTAINS")) return parse_function(Condition::Kind::contains);
    if (at_call("ATTRIBUTE_TYPE")) return parse_function(Condition::Kind::attribute_type);
    LAMBENT_TRY(auto operand, parse_operand());
    if (accept_word("IS")) return parse_is(std::move(operand));
    if (accept_word("BETWEEN")) return parse_between(std::move(operand));
    const bool negative = accept_word("NOT");
    if (accept_word("IN")) {
      LAMBENT_TRY(auto in, parse_in(std::move(operand)));
      return negative ? negated(std::move(in)) : std::move(in);
    }
    if (negative) return unexpected();
    return parse_comparison(std::move(operand));
  }

  TablesResult<Condition> parse_function(Condition::Kind kind) {
    take();
    LAMBENT_TRY_VOID(expect_symbol("("));
    Condition call{.kind = kind};
    LAMBENT_TRY(call.operands.emplace_back(), parse_operand());
    LAMBENT_TRY_VOID(expect_symbol(","));
    LAMBENT_TRY(call.operands.emplace_back(), parse_operand());
    LAMBENT_TRY_VOID(expect_symbol(")"));
    const auto* type = std::get_if<AttributeValue>(&call.operands[1].source);
    if (kind == Condition::Kind::attribute_type && (type == nullptr || type->get_if<std::string>() == nullptr)) {
      return malformed("attribute_type takes the name of a type");
    }
    return call;
  }

  TablesResult<Condition> parse_is(Operand operand) {
    const bool negative = accept_word("NOT");
    Condition condition;
    condition.operands.push_back(std::move(operand));
    if (accept_word("MISSING")) {
      condition.kind = Condition::Kind::attribute_not_exists;
    } else {
      LAMBENT_TRY_VOID(expect_word("NULL"));
      condition.kind = Condition::Kind::attribute_type;
      condition.operands.push_back({.source = AttributeValue(std::string("NULL"))});
    }
    return negative ? negated(std::move(condition)) : std::move(condition);
  }

  TablesResult<Condition> parse_between(Operand operand) {
    Condition between{.kind = Condition::Kind::between};
    between.operands.push_back(std::move(operand));
    LAMBENT_TRY(between.operands.emplace_back(), parse_operand());
    LAMBENT_TRY_VOID(expect_word("AND"));
    LAMBENT_TRY(between.operands.emplace_back(), parse_operand());
    return between;
  }

  TablesResult<Condition> parse_in(Operand operand) {
    Condition in{.kind = Condition::Kind::in};
    in.operands.push_back(std::move(operand));
    const bool brackets = accept_symbol("[");
    if (!brackets) LAMBENT_TRY_VOID(expect_symbol("("));
    do {
      LAMBENT_TRY(in.operands.emplace_back(), parse_operand());
    } while (accept_symbol(","));
    LAMBENT_TRY_VOID(expect_symbol(brackets ? "]" : ")"));
    return in;
  }

  TablesResult<Condition> parse_comparison(Operand left) {
    struct Known {
      std::string_view symbol;
      Comparator comparator;
    };
    static constexpr std::array kKnown = {Known{"=", Comparator::equal},         Known{"<>", Comparator::not_equal},
                                          Known{"!=", Comparator::not_equal},    Known{"<", Comparator::less},
                                          Known{"<=", Comparator::less_equal},   Known{">", Comparator::greater},
                                          Known{">=", Comparator::greater_equal}};
    const auto* const known = std::ranges::find_if(kKnown, [&](const Known& one) { return at_symbol(one.symbol); });
    if (known == kKnown.end()) return unexpected();
    take();
    Condition comparison{.kind = Condition::Kind::comparison, .comparator = known->comparator};
    comparison.operands.push_back(std::move(left));
    LAMBENT_TRY(comparison.operands.emplace_back(), parse_operand());
    return comparison;
  }

  TablesResult<Operand> parse_operand() {
    if (at_call("SIZE")) {
      take();
      LAMBENT_TRY_VOID(expect_symbol("("));
      LAMBENT_TRY(auto path, parse_path());
      LAMBENT_TRY_VOID(expect_symbol(")"));
      return Operand{.source = std::move(path), .size = true};
    }
    if (at_path()) {
      LAMBENT_TRY(auto path, parse_path());
      return Operand{.source = std::move(path)};
    }
    LAMBENT_TRY(auto value, parse_value());
    return Operand{.source = std::move(value)};
  }

  // ---- names and values

  [[nodiscard]] bool at_path() const {
    if (peek().kind == Kind::quoted) return true;
    const auto& text = peek().text;
    return peek().kind == Kind::word && !same_word(text, "TRUE") && !same_word(text, "FALSE") &&
           !same_word(text, "NULL");
  }

  TablesResult<std::string> parse_name() {
    if (peek().kind != Kind::word && peek().kind != Kind::quoted) return unexpected();
    auto name = take().text;
    if (name.empty()) return malformed("a name is empty");
    return name;
  }

  TablesResult<DocumentPath> parse_path() {
    DocumentPath path;
    LAMBENT_TRY(path.steps.emplace_back(), parse_name());
    for (;;) {
      if (path.steps.size() > kMaxPathSteps) return malformed("a path is too long");
      if (accept_symbol(".")) {
        LAMBENT_TRY(path.steps.emplace_back(), parse_name());
      } else if (at_symbol("[") && (peek(1).kind == Kind::number || peek(1).kind == Kind::text)) {
        take();
        LAMBENT_TRY_VOID(add_element(take(), path));
        LAMBENT_TRY_VOID(expect_symbol("]"));
      } else {
        return path;
      }
    }
  }

  TablesResult<> add_element(const PartiQlToken& token, DocumentPath& path) {
    if (token.kind == Kind::text) {
      path.steps.emplace_back(token.text);
      return {};
    }
    const auto number = Number38::parse(token.text);
    const auto index = number ? number->as_int64() : std::nullopt;
    if (!index || *index < 0 || *index > 1'000'000) return malformed("a list has no such element: " + token.text);
    path.steps.emplace_back(static_cast<std::size_t>(*index));
    return {};
  }

  TablesResult<AttributeValue> parse_value() {
    const Level level(*this);
    if (level.too_deep()) return malformed("too deep");
    if (accept_symbol("?")) {
      if (next_parameter_ == parameters_.size()) {
        return invalid("Number of parameters in request and statement don't match.");
      }
      return parameters_[next_parameter_++];
    }
    if (peek().kind == Kind::text) return AttributeValue(take().text);
    if (peek().kind == Kind::number || at_symbol("-") || at_symbol("+")) return parse_number();
    if (accept_word("TRUE")) return AttributeValue(AttributeValue::Variant(true));
    if (accept_word("FALSE")) return AttributeValue(AttributeValue::Variant(false));
    if (accept_word("NULL")) return AttributeValue();
    if (accept_symbol("[")) return parse_list();
    if (accept_symbol("{")) return parse_map();
    if (accept_symbol("<<")) return parse_set_value();
    return unexpected();
  }

  TablesResult<AttributeValue> parse_number() {
    const bool negative = accept_symbol("-");
    if (!negative) accept_symbol("+");
    if (peek().kind != Kind::number) return unexpected();
    const std::string text = (negative ? "-" : "") + take().text;
    const auto number = Number38::parse(text);
    if (!number) return invalid(Number38::fault_message(number.error(), text));
    return AttributeValue(*number);
  }

  TablesResult<AttributeValue> parse_list() {
    List list;
    if (!accept_symbol("]")) {
      do {
        LAMBENT_TRY(list.emplace_back(), parse_value());
      } while (accept_symbol(","));
      LAMBENT_TRY_VOID(expect_symbol("]"));
    }
    return AttributeValue(AttributeValue::Variant(std::move(list)));
  }

  TablesResult<AttributeValue> parse_map() {
    Map map;
    if (!accept_symbol("}")) {
      do {
        if (peek().kind != Kind::text && peek().kind != Kind::quoted) return unexpected();
        auto name = take().text;
        LAMBENT_TRY_VOID(expect_symbol(":"));
        LAMBENT_TRY(auto value, parse_value());
        if (!map.emplace(std::move(name), std::move(value)).second) return malformed("a map has a name twice");
      } while (accept_symbol(","));
      LAMBENT_TRY_VOID(expect_symbol("}"));
    }
    return AttributeValue(AttributeValue::Variant(std::move(map)));
  }

  // << members >>: a set of the members' type.
  TablesResult<AttributeValue> parse_set_value() {
    List members;
    do {
      LAMBENT_TRY(members.emplace_back(), parse_value());
    } while (accept_symbol(","));
    LAMBENT_TRY_VOID(expect_symbol(">>"));
    const auto type = members[0].type();
    if (std::ranges::any_of(members, [&](const auto& member) { return member.type() != type; })) {
      return malformed("a set has members of several types");
    }
    if (type == Type::S) return string_set(all<std::string>(members));
    if (type == Type::N) return number_set(all<Number38>(members));
    if (type == Type::B) return binary_set(all<Binary>(members));
    return malformed("a set has strings, numbers or binaries");
  }

  template <class T>
  static std::vector<T> all(const List& members) {
    std::vector<T> result;
    for (const auto& member : members) result.push_back(*member.get_if<T>());
    return result;
  }

  // ---- tokens

  // Counts nesting while it lives.
  class Level {
   public:
    explicit Level(StatementParser& parser) : parser_(parser) { ++parser_.level_; }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    [[nodiscard]] bool too_deep() const { return parser_.level_ > kMaxLevels; }

   private:
    StatementParser& parser_;
  };

  [[nodiscard]] const PartiQlToken& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  PartiQlToken take() {
    auto token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  [[nodiscard]] bool at_symbol(std::string_view symbol) const {
    return peek().kind == Kind::symbol && peek().text == symbol;
  }
  [[nodiscard]] bool at_call(std::string_view upper_case) const {
    return peek().kind == Kind::word && same_word(peek().text, upper_case) && peek(1).kind == Kind::symbol &&
           peek(1).text == "(";
  }
  bool accept_symbol(std::string_view symbol) {
    const bool there = at_symbol(symbol);
    if (there) take();
    return there;
  }
  bool accept_word(std::string_view upper_case) {
    const bool there = peek().kind == Kind::word && same_word(peek().text, upper_case);
    if (there) take();
    return there;
  }
  TablesResult<> expect_symbol(std::string_view symbol) {
    if (accept_symbol(symbol)) return {};
    return unexpected();
  }
  TablesResult<> expect_word(std::string_view upper_case) {
    if (accept_word(upper_case)) return {};
    return unexpected();
  }

  [[nodiscard]] std::unexpected<TablesError> unexpected() const {
    if (peek().kind == Kind::end) return malformed("unexpected end of statement");
    return malformed("unexpected token: " + peek().text);
  }
  [[nodiscard]] static std::unexpected<TablesError> malformed(const std::string& why) {
    return invalid("Statement wasn't well formed, can't be processed: " + why);
  }

  std::vector<PartiQlToken> tokens_;
  const std::vector<AttributeValue>& parameters_;
  std::size_t at_ = 0;
  std::size_t next_parameter_ = 0;
  int level_ = 0;
};

}  // namespace

TablesResult<Statement> parse_statement(std::string_view text, const std::vector<AttributeValue>& parameters) {
  return StatementParser(text, parameters).parse();
}

}  // namespace lambent::tables
