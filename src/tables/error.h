// What a table operation answers when it does not succeed. The kinds are the engine's; the texts are those that
// DynamoDB's clients know, word for word where they are known.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tables/attribute_value.h"

namespace lambent::tables {

enum class ErrorKind {
  validation,    // the request is wrong in itself
  table_exists,  // CreateTable of a name in use
  table_not_found,
  condition_failed,       // `item` holds the item where the request asked for it
  item_collection_limit,  // more than 10 GB under one hash key of a table with local indexes
  transaction_cancelled,  // `reasons` has one entry an action, in order
  idempotent_mismatch,    // a client token used again with other parameters
  limit_exceeded,
  in_use,            // the table is being made, restored or backed up
  source_not_found,  // CreateBackup of a table that is not there
  backup_not_found,
  backup_in_use,
  target_exists,   // RestoreTableFromBackup to a name in use
  duplicate_item,  // PartiQL's INSERT of a key that is there
  trimmed_data,    // a place in a stream before its first record
  expired_iterator,
  unavailable,  // disk full, I/O error: nothing was changed
  too_long,     // within the engine: a read for an event loop that would wait for the disk or take too long
};

// Why one action of a transaction kept it from happening; code "None" for those that did not.
struct CancellationReason {
  std::string code = "None";
  std::string message;
  std::shared_ptr<const Item> item;
};

struct TablesError {
  ErrorKind kind = ErrorKind::validation;
  std::string message;
  std::shared_ptr<const Item> item;
  std::vector<CancellationReason> reasons;
};

template <class T = void>
using TablesResult = std::expected<T, TablesError>;

[[nodiscard]] inline std::unexpected<TablesError> refuse(ErrorKind kind, std::string message) {
  return std::unexpected(TablesError{.kind = kind, .message = std::move(message), .item = {}, .reasons = {}});
}
[[nodiscard]] inline std::unexpected<TablesError> invalid(std::string message) {
  return refuse(ErrorKind::validation, std::move(message));
}

}  // namespace lambent::tables
