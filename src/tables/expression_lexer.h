// The words of an expression.
#pragma once

#include <string_view>
#include <vector>

namespace lambent::tables {

struct Token {
  enum class Kind {
    end,
    identifier,  // attribute, function or keyword
    name,        // #placeholder
    value,       // :placeholder
    number,      // digits
    symbol,      // = <> < <= > >= + - ( ) [ ] . ,
    foreign      // anything else, one character
  };
  Kind kind = Kind::end;
  std::string_view text;  // within the expression; "<EOF>" at the end
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The last token is of kind end. The text outlives the tokens.
std::vector<Token> tokenize(std::string_view text);

}  // namespace lambent::tables
