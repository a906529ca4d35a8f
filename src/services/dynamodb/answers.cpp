#include "services/dynamodb/answers.h"

#include "base/log.h"
#include "services/dynamodb/values.h"

namespace lambent::services::dynamodb {
namespace {

namespace wire = protocol::dynamodb;
using tables::ErrorKind;

wire::Capacity units(double value, CapacityOf of) {
  wire::Capacity result;
  result.capacity_units = value;
  if (of == CapacityOf::transaction_read) result.read_capacity_units = value;
  if (of == CapacityOf::transaction_write) result.write_capacity_units = value;
  return result;
}

std::optional<protocol::Map<wire::Capacity>> by_index(const std::map<std::string, double>& indexes, CapacityOf of) {
  if (indexes.empty()) return std::nullopt;
  protocol::Map<wire::Capacity> result;
  for (const auto& [name, value] : indexes) result.push_back(name, units(value, of));
  return result;
}

std::optional<WireItem> item_of(const std::shared_ptr<const tables::Item>& item) {
  if (!item) return std::nullopt;
  return to_wire(*item);
}

wire::TransactionCanceledException cancelled(const tables::TablesError& error) {
  wire::TransactionCanceledException result;
  result.message = error.message;
  result.cancellation_reasons.emplace();
  for (const auto& reason : error.reasons) {
    wire::CancellationReason& wire_reason = result.cancellation_reasons->emplace_back();
    wire_reason.code = reason.code;
    if (!reason.message.empty()) wire_reason.message = reason.message;
    wire_reason.item = item_of(reason.item);
  }
  return result;
}

}  // namespace

protocol::ServiceError error_of(const tables::TablesError& error) {
  switch (error.kind) {
    case ErrorKind::validation:
      return protocol::validation_error(error.message);
    case ErrorKind::table_exists:
      return wire::ResourceInUseException{.message = error.message};
    case ErrorKind::table_not_found:
      return wire::ResourceNotFoundException{.message = error.message};
    case ErrorKind::condition_failed:
      return wire::ConditionalCheckFailedException{.message = error.message, .item = item_of(error.item)};
    case ErrorKind::item_collection_limit:
      return wire::ItemCollectionSizeLimitExceededException{.message = error.message};
    case ErrorKind::transaction_cancelled:
      return cancelled(error);
    case ErrorKind::idempotent_mismatch:
      return wire::IdempotentParameterMismatchException{.message = error.message};
    case ErrorKind::limit_exceeded:
      return wire::LimitExceededException{.message = error.message};
    case ErrorKind::in_use:
      return wire::ResourceInUseException{.message = error.message};
    case ErrorKind::source_not_found:
      return wire::TableNotFoundException{.message = error.message};
    case ErrorKind::backup_not_found:
      return wire::BackupNotFoundException{.message = error.message};
    case ErrorKind::backup_in_use:
      return wire::BackupInUseException{.message = error.message};
    case ErrorKind::target_exists:
      return wire::TableAlreadyExistsException{.message = error.message};
    case ErrorKind::duplicate_item:
      return wire::DuplicateItemException{.message = error.message};
    case ErrorKind::trimmed_data:  // of streams: services/dynamodbstreams
    case ErrorKind::expired_iterator:
    case ErrorKind::too_long:  // leaves the engine in no answer
    case ErrorKind::unavailable:
      break;
  }
  // Why is the operator's to know: it names files of this host, and functions read this too.
  log::error("dynamodb: {}", error.message);
  return wire::InternalServerError{.message = "Internal server error"};
}

std::optional<wire::ItemCollectionMetrics> metrics(const std::optional<tables::Collection>& collection,
                                                   const std::optional<std::string>& wanted) {
  if (!collection || wanted != "SIZE") return std::nullopt;
  const auto gigabytes = static_cast<double>(collection->bytes >> 30U);
  return wire::ItemCollectionMetrics{.item_collection_key = to_wire(collection->key),
                                     .size_estimate_range_gb = std::vector<double>{gigabytes, gigabytes + 1}};
}

std::optional<protocol::Map<std::vector<wire::ItemCollectionMetrics>>> metrics(
    const std::map<std::string, std::vector<tables::Collection>>& collections,
    const std::optional<std::string>& wanted) {
  if (collections.empty() || wanted != "SIZE") return std::nullopt;
  protocol::Map<std::vector<wire::ItemCollectionMetrics>> result;
  for (const auto& [table, changed] : collections) {
    std::vector<wire::ItemCollectionMetrics> of_table;
    for (const auto& one : changed) of_table.push_back(*metrics(std::optional(one), wanted));
    result.push_back(table, std::move(of_table));
  }
  return result;
}

std::optional<wire::ConsumedCapacity> consumed(const tables::Capacity& capacity,
                                               const std::optional<std::string>& wanted, CapacityOf of) {
  if (wanted != "TOTAL" && wanted != "INDEXES") return std::nullopt;
  wire::ConsumedCapacity result;
  result.table_name = capacity.table;
  result.capacity_units = capacity.total();
  if (of == CapacityOf::transaction_read) result.read_capacity_units = capacity.total();
  if (of == CapacityOf::transaction_write) result.write_capacity_units = capacity.total();
  if (wanted == "INDEXES") {
    result.table = units(capacity.table_units, of);
    result.local_secondary_indexes = by_index(capacity.local_units, of);
    result.global_secondary_indexes = by_index(capacity.global_units, of);
  }
  return result;
}

std::optional<std::vector<wire::ConsumedCapacity>> consumed(const std::vector<tables::Capacity>& capacity,
                                                            const std::optional<std::string>& wanted, CapacityOf of) {
  std::vector<wire::ConsumedCapacity> result;
  for (const auto& one : capacity) {
    if (auto converted = consumed(one, wanted, of)) result.push_back(*std::move(converted));
  }
  if (result.empty()) return std::nullopt;
  return result;
}

}  // namespace lambent::services::dynamodb
