// Requests of DynamoDB's API as the engine takes them.
#pragma once

#include "protocol/dynamodb/types.h"
#include "tables/requests.h"

namespace lambent::services::dynamodb {

// Parameters from before there were expressions (Expected, AttributeUpdates, KeyConditions …) come out as what
// expressions are parsed to.
tables::TablesResult<tables::WriteRequest> write_request(const protocol::dynamodb::PutItemInput& input);
tables::TablesResult<tables::WriteRequest> write_request(const protocol::dynamodb::UpdateItemInput& input);
tables::TablesResult<tables::WriteRequest> write_request(const protocol::dynamodb::DeleteItemInput& input);
tables::TablesResult<tables::WriteRequest> write_request(const protocol::dynamodb::TransactWriteItem& input);

tables::TablesResult<tables::GetRequest> get_request(const protocol::dynamodb::GetItemInput& input);
tables::TablesResult<tables::GetRequest> get_request(const protocol::dynamodb::Get& input);
tables::TablesResult<tables::PageRequest> page_request(const protocol::dynamodb::QueryInput& input);
tables::TablesResult<tables::PageRequest> page_request(const protocol::dynamodb::ScanInput& input);

tables::TablesResult<tables::BatchGetRequest> batch_get_request(const protocol::dynamodb::BatchGetItemInput& input);
tables::TablesResult<std::vector<tables::WriteRequest>> batch_write_requests(
    const protocol::dynamodb::BatchWriteItemInput& input);
tables::TablesResult<std::vector<tables::WriteRequest>> transact_write_requests(
    const protocol::dynamodb::TransactWriteItemsInput& input);

}  // namespace lambent::services::dynamodb
