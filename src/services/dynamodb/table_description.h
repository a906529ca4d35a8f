// Tables between DynamoDB's API and the engine.
#pragma once

#include <string>
#include <string_view>

#include "protocol/call_context.h"
#include "protocol/dynamodb/types.h"
#include "tables/backup.h"
#include "tables/requests.h"

namespace lambent::services::dynamodb {

// The name in a TableName parameter, which may be an ARN.
std::string table_name(std::string_view name_or_arn);

// Refuses what this server does not do (server-side encryption with a key, vector indexes, …) rather than
// ignore it.
tables::TablesResult<tables::CreateTableRequest> create_request(const protocol::dynamodb::CreateTableInput& input);

tables::TablesResult<tables::UpdateTableRequest> update_request(const protocol::dynamodb::UpdateTableInput& input);
// Indexes and throughput as RestoreTableFromBackup overrides them, put into the backup's definition.
tables::TablesResult<> override_definition(const protocol::dynamodb::RestoreTableFromBackupInput& input,
                                           tables::TableDefinition& definition);
std::string table_arn(std::string_view table, const protocol::CallContext& call);
std::string backup_arn(const tables::Backup& backup, const protocol::CallContext& call);
std::vector<protocol::dynamodb::KeySchemaElement> key_schema(const tables::KeySchema& key);
protocol::dynamodb::Projection projection(const tables::IndexDefinition& index);
std::string_view view_type(tables::StreamView view);

protocol::dynamodb::TableDescription describe(const tables::TableDescription& table, const protocol::CallContext& call);

}  // namespace lambent::services::dynamodb
