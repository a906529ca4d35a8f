// What the engine answers, as DynamoDB's API says it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/dynamodb/types.h"
#include "protocol/service_error.h"
#include "tables/requests.h"

namespace lambent::services::dynamodb {

protocol::ServiceError error_of(const tables::TablesError& error);

// Reads and writes are counted apart in transactions' answers.
enum class CapacityOf { plain, transaction_read, transaction_write };

// By the request's ReturnConsumedCapacity; nothing for NONE.
std::optional<protocol::dynamodb::ConsumedCapacity> consumed(const tables::Capacity& capacity,
                                                             const std::optional<std::string>& wanted,
                                                             CapacityOf of = CapacityOf::plain);
std::optional<std::vector<protocol::dynamodb::ConsumedCapacity>> consumed(const std::vector<tables::Capacity>& capacity,
                                                                          const std::optional<std::string>& wanted,
                                                                          CapacityOf of = CapacityOf::plain);

// By the request's ReturnItemCollectionMetrics: between which whole gigabytes the collection's size is.
std::optional<protocol::dynamodb::ItemCollectionMetrics> metrics(const std::optional<tables::Collection>& collection,
                                                                 const std::optional<std::string>& wanted);
std::optional<protocol::Map<std::vector<protocol::dynamodb::ItemCollectionMetrics>>> metrics(
    const std::map<std::string, std::vector<tables::Collection>>& collections,
    const std::optional<std::string>& wanted);

}  // namespace lambent::services::dynamodb
