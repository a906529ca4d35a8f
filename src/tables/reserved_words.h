// The words that DynamoDB does not take as attribute names in expressions, unless they hide behind a #placeholder.
// Source: "Reserved words in DynamoDB" of the Amazon DynamoDB Developer Guide (573 words, its misspellings included).
#pragma once

#include <string_view>

namespace lambent::tables {

// Without regard to case.
bool is_reserved_word(std::string_view word);

}  // namespace lambent::tables
