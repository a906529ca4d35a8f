#include "tables/partiql_lexer.h"

#include <algorithm>
#include <array>

namespace lambent::tables {
namespace {

using Kind = PartiQlToken::Kind;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<PartiQlToken> run() {
    std::vector<PartiQlToken> tokens;
    for (skip_space(); at_ < text_.size(); skip_space()) tokens.push_back(next());
    tokens.push_back({});
    return tokens;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  PartiQlToken next() {
    const char c = peek();
    if (c == '"' || c == '\'') return quoted(c);
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (is_word(c)) {
      const auto begin = at_;
      while (is_word(peek())) ++at_;
      return {Kind::word, std::string(text_.substr(begin, at_ - begin))};
    }
    return symbol();
  }

  // A quote inside is written twice.
  PartiQlToken quoted(char quote) {
    PartiQlToken token{quote == '"' ? Kind::quoted : Kind::text, {}};
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        if (peek() != quote) return token;
      }
      token.text.push_back(text_[at_]);
    }
    return {Kind::foreign, std::string(1, quote)};  // never closed
  }

  PartiQlToken number() {
    const auto begin = at_;
    const auto digits = [&] {
      while (is_digit(peek())) ++at_;
    };
    digits();
    if (peek() == '.' && is_digit(peek(1))) {
      ++at_;
      digits();
    }
    const bool sign = peek(1) == '+' || peek(1) == '-';
    if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign ? 2 : 1))) {
      at_ += sign ? 2 : 1;
      digits();
    }
    return {Kind::number, std::string(text_.substr(begin, at_ - begin))};
  }

  PartiQlToken symbol() {
    constexpr std::array<std::string_view, 6> kTwo = {"<>", "!=", "<=", ">=", "<<", ">>"};
    const auto two = text_.substr(at_, 2);
    if (std::ranges::find(kTwo, two) != kTwo.end()) {
      at_ += 2;
      return {Kind::symbol, std::string(two)};
    }
    const std::string one(1, text_[at_++]);
    const bool known = std::string_view("=<>+-()[]{},:.*?").find(one) != std::string_view::npos;
    return {known ? Kind::symbol : Kind::foreign, one};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<PartiQlToken> tokenize_statement(std::string_view text) {
  return Lexer(text).run();
}

}  // namespace lambent::tables
