// The words of a PartiQL statement.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lambent::tables {

struct PartiQlToken {
  enum class Kind {
    end,
    word,    // keyword, function or name
    quoted,  // "name"
    text,    // 'text'
    number,
    symbol,  // = <> != < <= > >= << >> + - ( ) [ ] { } , : . * ?
    foreign  // anything else
  };
  Kind kind = Kind::end;
  std::string text;  // without quotes
};

// The last token is of kind end.
std::vector<PartiQlToken> tokenize_statement(std::string_view text);

}  // namespace lambent::tables
