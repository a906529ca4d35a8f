// Limits of tables that can be configured (main/config.h). Source: the DynamoDB developer guide (quotas, local
// secondary indexes).
#pragma once

#include <cstddef>

namespace lambent {

struct TableLimits {
  // Items and entries of local indexes under one partition key value, in tables that have local indexes.
  std::size_t item_collection_bytes = std::size_t{10} * 1024 * 1024 * 1024;
};

}  // namespace lambent
