#include "tables/expression_lexer.h"

namespace lambent::tables {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_part(char c) {
  return is_start(c) || is_digit(c);
}

std::size_t run(std::string_view text, std::size_t from, bool (*belongs)(char)) {
  while (from < text.size() && belongs(text[from])) ++from;
  return from;
}

// The bytes of one UTF-8 character, so that an error text shows it whole.
std::size_t character_end(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80; ++at) {
  }
  return at;
}

Token next_token(std::string_view text, std::size_t begin) {
  const char c = text[begin];
  const char following = begin + 1 < text.size() ? text[begin + 1] : '\0';
  const auto token = [&](Token::Kind kind, std::size_t end) {
    return Token{kind, text.substr(begin, end - begin), begin, end};
  };
  if (is_start(c)) return token(Token::Kind::identifier, run(text, begin, is_part));
  if (is_digit(c)) return token(Token::Kind::number, run(text, begin, is_digit));
  if (c == '#' && is_part(following)) return token(Token::Kind::name, run(text, begin + 1, is_part));
  if (c == ':' && is_part(following)) return token(Token::Kind::value, run(text, begin + 1, is_part));
  if ((c == '<' && (following == '>' || following == '=')) || (c == '>' && following == '=')) {
    return token(Token::Kind::symbol, begin + 2);
  }
  if (std::string_view("=<>+-()[].,").find(c) != std::string_view::npos) return token(Token::Kind::symbol, begin + 1);
  return token(Token::Kind::foreign, character_end(text, begin));
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = run(text, 0, is_space);
  while (at < text.size()) {
    tokens.push_back(next_token(text, at));
    at = run(text, tokens.back().end, is_space);
  }
  tokens.push_back({Token::Kind::end, "<EOF>", text.size(), text.size()});
  return tokens;
}

}  // namespace lambent::tables
