// Tables between DynamoDB's API and the engine.
#pragma once

#include <string>
#include <string_view>

#include "protocol/call_context.h"
#include "protocol/dynamodb/types.h"
#include "tables/requests.h"

namespace lambent::services::dynamodb {

// The name in a TableName parameter, which may be an ARN.
std::string table_name(std::string_view name_or_arn);

// Refuses what this server does not do (streams, server-side encryption with a key, vector indexes, …) rather than
// ignore it.
tables::TablesResult<tables::CreateTableRequest> create_request(const protocol::dynamodb::CreateTableInput& input);

protocol::dynamodb::TableDescription describe(const tables::TableDescription& table, const protocol::CallContext& call);

}  // namespace lambent::services::dynamodb
