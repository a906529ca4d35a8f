// What the parsers of conditions, updates and projections share. Internal to the expression parsers.
//
// A parse function that meets a syntax error notes it and returns something empty; callers go on only while ok().
// Other faults are noted too (the first counts), but parsing continues, since a later syntax error goes before them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/expression.h"
#include "tables/expression_lexer.h"

namespace lambent::tables {

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, std::string_view parameter, PlaceholderUse& use);

 protected:
  // The limits that are checked before anything is read.
  void check_size();
  // The result of the whole: the syntax error, else the first other fault, else nothing.
  [[nodiscard]] TablesResult<> outcome() const;

  [[nodiscard]] bool ok() const { return !syntax_error_; }
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  Token take();
  [[nodiscard]] bool at_symbol(std::string_view symbol) const;
  [[nodiscard]] bool at_keyword(std::string_view upper_case) const;
  bool accept_symbol(std::string_view symbol);
  bool accept_keyword(std::string_view upper_case);
  void expect_symbol(std::string_view symbol);
  void expect_end();

  void syntax_error();
  void fault(std::string message);
  void count_operator();

  [[nodiscard]] bool at_path() const {
    return peek().kind == Token::Kind::identifier || peek().kind == Token::Kind::name;
  }
  // A function call is an identifier with "(" behind it.
  [[nodiscard]] bool at_call() const;
  DocumentPath parse_path();
  AttributeValue parse_value();

  void wrong_operand_type(std::string_view function, const AttributeValue& value);
  void wrong_operand_count(std::string_view function, std::size_t count);

 private:
  std::string parse_name();
  [[nodiscard]] std::string text_near() const;

  std::string_view text_;
  std::string_view parameter_;
  PlaceholderUse& use_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int operators_ = 0;
  std::optional<std::string> syntax_error_;
  std::optional<std::string> fault_;
};

// Counts nesting while it lives, so that no input can exhaust the stack.
struct NestingGuard {
  explicit NestingGuard(int& level) : level_(level) { ++level_; }
  ~NestingGuard() { --level_; }
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;
  [[nodiscard]] bool too_deep() const { return level_ > kMaxOperators; }

 private:
  int& level_;
};

}  // namespace lambent::tables
