#include "tables/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tables/reserved_words.h"

namespace lambent::tables {
namespace {

bool equals_upper(std::string_view text, std::string_view upper_case) {
  return std::ranges::equal(text, upper_case, [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

bool is_well_formed(std::string_view key, char mark) {
  return key.size() > 1 && key[0] == mark && std::ranges::all_of(key.substr(1), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

template <class Map>
TablesResult<> check_keys(const std::optional<Map>& map, std::string_view parameter, char mark) {
  if (!map) return {};
  if (map->empty()) return invalid(fmt::format("{} must not be empty", parameter));
  for (const auto& [key, value] : *map) {
    if (!is_well_formed(key, mark)) {
      return invalid(fmt::format("{} contains invalid key: Syntax error; key: \"{}\"", parameter, key));
    }
  }
  return {};
}

template <class Map>
TablesResult<> check_used(const std::optional<Map>& map, const std::set<std::string>& used,
                          std::string_view parameter) {
  if (!map) return {};
  std::string unused;
  for (const auto& [key, value] : *map) {
    if (!used.contains(key)) unused += (unused.empty() ? "" : ", ") + key;
  }
  if (unused.empty()) return {};
  return invalid(fmt::format("Value provided in {} unused in expressions: keys: {{{}}}", parameter, unused));
}

}  // namespace

const std::string* PlaceholderUse::name(const std::string& token) {
  if (!placeholders_.names) return nullptr;
  const auto at = placeholders_.names->find(token);
  if (at == placeholders_.names->end()) return nullptr;
  used_.insert(token);
  return &at->second;
}

const AttributeValue* PlaceholderUse::value(const std::string& token) {
  if (!placeholders_.values) return nullptr;
  const auto at = placeholders_.values->find(token);
  if (at == placeholders_.values->end()) return nullptr;
  used_.insert(token);
  return &at->second;
}

TablesResult<> PlaceholderUse::check_all_used() const {
  LAMBENT_TRY_VOID(check_used(placeholders_.names, used_, "ExpressionAttributeNames"));
  return check_used(placeholders_.values, used_, "ExpressionAttributeValues");
}

TablesResult<> check_placeholders(const Placeholders& placeholders, std::string_view expressions, bool any) {
  if (!any && placeholders.names)
    return invalid("ExpressionAttributeNames can only be specified when using expressions");
  if (!any && placeholders.values) {
    const bool several = expressions.find(" and ") != std::string_view::npos;
    return invalid(fmt::format("ExpressionAttributeValues can only be specified when using expressions: {} {} null",
                               expressions, several ? "are" : "is"));
  }
  LAMBENT_TRY_VOID(check_keys(placeholders.names, "ExpressionAttributeNames", '#'));
  return check_keys(placeholders.values, "ExpressionAttributeValues", ':');
}

ExpressionParser::ExpressionParser(std::string_view text, std::string_view parameter, PlaceholderUse& use)
    : text_(text), parameter_(parameter), use_(use) {
  check_size();
  tokens_ = tokenize(ok() ? text_ : std::string_view{});
}

void ExpressionParser::check_size() {
  if (text_.empty()) {
    syntax_error_ = "The expression can not be empty;";
  } else if (text_.size() > kMaxExpressionBytes) {
    syntax_error_ =
        fmt::format("Expression size has exceeded the maximum allowed size; expression size: {}", text_.size());
  }
}

TablesResult<> ExpressionParser::outcome() const {
  if (syntax_error_) return invalid(fmt::format("Invalid {}: {}", parameter_, *syntax_error_));
  if (fault_) return invalid(fmt::format("Invalid {}: {}", parameter_, *fault_));
  return {};
}

const Token& ExpressionParser::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token ExpressionParser::take() {
  const Token token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::at_symbol(std::string_view symbol) const {
  return peek().kind == Token::Kind::symbol && peek().text == symbol;
}

bool ExpressionParser::at_keyword(std::string_view upper_case) const {
  return peek().kind == Token::Kind::identifier && equals_upper(peek().text, upper_case);
}

bool ExpressionParser::accept_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  take();
  return true;
}

bool ExpressionParser::accept_keyword(std::string_view upper_case) {
  if (!at_keyword(upper_case)) return false;
  take();
  return true;
}

void ExpressionParser::expect_symbol(std::string_view symbol) {
  if (ok() && !accept_symbol(symbol)) syntax_error();
}

void ExpressionParser::expect_end() {
  if (ok() && peek().kind != Token::Kind::end) syntax_error();
}

// The words around the one that does not fit.
std::string ExpressionParser::text_near() const {
  const std::size_t begin = at_ > 0 ? tokens_[at_ - 1].begin : tokens_[at_].begin;
  const std::size_t end = peek(1).end;
  return std::string(text_.substr(begin, end - begin));
}

void ExpressionParser::syntax_error() {
  if (ok()) syntax_error_ = fmt::format("Syntax error; token: \"{}\", near: \"{}\"", peek().text, text_near());
}

void ExpressionParser::fault(std::string message) {
  if (!fault_) fault_ = std::move(message);
}

void ExpressionParser::count_operator() {
  if (++operators_ == kMaxOperators + 1) {
    fault(fmt::format("The expression contains too many operators; maximum number of operators: {}", kMaxOperators));
  }
}

bool ExpressionParser::at_call() const {
  return peek().kind == Token::Kind::identifier && peek(1).kind == Token::Kind::symbol && peek(1).text == "(";
}

std::string ExpressionParser::parse_name() {
  const Token token = peek();
  std::string text(token.text);
  if (token.kind == Token::Kind::identifier) {
    take();
    if (is_reserved_word(text)) fault("Attribute name is a reserved keyword; reserved keyword: " + text);
    return text;
  }
  if (token.kind == Token::Kind::name) {
    take();
    if (const auto* name = use_.name(text)) return *name;
    fault("An expression attribute name used in the document path is not defined; attribute name: " + text);
    return text;
  }
  syntax_error();
  return {};
}

DocumentPath ExpressionParser::parse_path() {
  DocumentPath path;
  path.steps.emplace_back(parse_name());
  while (ok()) {
    if (accept_symbol(".")) {
      path.steps.emplace_back(parse_name());
    } else if (accept_symbol("[")) {
      std::size_t index = 0;
      const auto digits = peek().text;
      const bool is_number = peek().kind == Token::Kind::number;
      if (!is_number) {
        syntax_error();
        break;
      }
      if (std::from_chars(digits.data(), digits.data() + digits.size(), index).ec != std::errc() || index > INT32_MAX) {
        fault("List index is not within the allowable range; index: [" + std::string(digits) + "]");
      }
      take();
      expect_symbol("]");
      path.steps.emplace_back(index);
    } else {
      break;
    }
  }
  if (path.steps.size() > kMaxPathSteps) {
    fault(fmt::format("The document path has too many nesting elements; nesting elements: {}", path.steps.size()));
  }
  return path;
}

AttributeValue ExpressionParser::parse_value() {
  const std::string text(take().text);
  if (const auto* value = use_.value(text)) return *value;
  fault("An expression attribute value used in expression is not defined; attribute value: " + text);
  return {};
}

void ExpressionParser::wrong_operand_type(std::string_view function, const AttributeValue& value) {
  fault(fmt::format("Incorrect operand type for operator or function; operator or function: {}, operand type: {}",
                    function, type_code(value.type())));
}

void ExpressionParser::wrong_operand_count(std::string_view function, std::size_t count) {
  fault(fmt::format(
      "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}",
      function, count));
}

}  // namespace lambent::tables
