// How a function is kept in the store: one JSON document with a format version, so that a newer server can read what an
// older one wrote, and an older one refuses what it does not understand instead of losing members.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "catalog/function.h"
#include "catalog/record_reader.h"

namespace lambent::catalog {

std::string encode_function(const Function& function);

// Fails for malformed text, a missing member, a member of a wrong type, and a format newer than kRecordFormat.
// Function::code is left empty: the catalog fills it from the code store.
Result<Function> decode_function(std::string_view text);

}  // namespace lambent::catalog
