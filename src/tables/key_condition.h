// The key condition of a Query: one partition, and maybe a range of its sort keys.
#pragma once

#include <string>
#include <string_view>

#include "tables/expression.h"
#include "tables/schema.h"

namespace lambent::tables {

// Keys in [lower, upper).
struct KeyRange {
  std::string lower;
  std::string upper;
};

// Refuses what no key condition may say: OR, NOT, other attributes, functions but begins_with, …
TablesResult<KeyRange> key_range(const Condition& condition, const KeySchema& schema, std::string_view view);

}  // namespace lambent::tables
