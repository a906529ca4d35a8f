// Operations on backups.
#include <algorithm>
#include <chrono>

#include "services/dynamodb/flow.h"
#include "services/dynamodb/table_description.h"

namespace lambent::services::dynamodb {

namespace wire = protocol::dynamodb;

namespace {

constexpr std::size_t kBackupsListed = 100;

protocol::Timestamp time_of(std::int64_t ms) {
  return protocol::Timestamp{std::chrono::milliseconds(ms)};
}

// The id in a backup's ARN, arn:…:table/NAME/backup/ID.
std::string backup_id(std::string_view arn) {
  constexpr std::string_view kBackup = "/backup/";
  const auto at = arn.rfind(kBackup);
  return std::string(at == std::string_view::npos ? arn : arn.substr(at + kBackup.size()));
}

wire::BackupDetails details(const tables::Backup& backup, const protocol::CallContext& call) {
  wire::BackupDetails result;
  result.backup_arn = backup_arn(backup, call);
  result.backup_name = backup.name;
  result.backup_size_bytes = backup.bytes;
  result.backup_status = backup.available ? "AVAILABLE" : "CREATING";
  result.backup_type = "USER";
  result.backup_creation_date_time = time_of(backup.created_ms);
  return result;
}

wire::ProvisionedThroughput throughput(const std::optional<tables::Throughput>& given) {
  return {.read_capacity_units = given ? given->read : 0, .write_capacity_units = given ? given->write : 0};
}

wire::SourceTableFeatureDetails features(const tables::TableDefinition& table) {
  wire::SourceTableFeatureDetails result;
  for (const auto& index : table.indexes) {
    if (index.global) {
      if (!result.global_secondary_indexes) result.global_secondary_indexes.emplace();
      auto& info = result.global_secondary_indexes->emplace_back();
      info.index_name = index.name;
      info.key_schema = key_schema(index.key);
      info.projection = projection(index);
      if (index.throughput) info.provisioned_throughput = throughput(index.throughput);
    } else {
      if (!result.local_secondary_indexes) result.local_secondary_indexes.emplace();
      auto& info = result.local_secondary_indexes->emplace_back();
      info.index_name = index.name;
      info.key_schema = key_schema(index.key);
      info.projection = projection(index);
    }
  }
  return result;
}

wire::BackupDescription description(const tables::Backup& backup, const protocol::CallContext& call) {
  wire::BackupDescription result;
  result.backup_details = details(backup, call);
  auto& source = result.source_table_details.emplace();
  source.table_name = backup.table.name;
  source.table_id = backup.table.uuid;
  source.table_arn = table_arn(backup.table.name, call);
  source.table_size_bytes = backup.bytes;
  source.key_schema = key_schema(backup.table.key);
  source.table_creation_date_time = time_of(backup.table.created_ms);
  source.provisioned_throughput = throughput(backup.table.throughput);
  source.item_count = backup.items;
  source.billing_mode = backup.table.throughput ? "PROVISIONED" : "PAY_PER_REQUEST";
  result.source_table_feature_details = features(backup.table);
  return result;
}

wire::BackupSummary summary(const tables::Backup& backup, const protocol::CallContext& call) {
  const auto all = details(backup, call);
  wire::BackupSummary result;
  result.table_name = backup.table.name;
  result.table_id = backup.table.uuid;
  result.table_arn = table_arn(backup.table.name, call);
  result.backup_arn = all.backup_arn;
  result.backup_name = all.backup_name;
  result.backup_creation_date_time = all.backup_creation_date_time;
  result.backup_status = all.backup_status;
  result.backup_type = all.backup_type;
  result.backup_size_bytes = all.backup_size_bytes;
  return result;
}

bool is_listed(const tables::Backup& backup, const wire::ListBackupsInput& input) {
  if (input.table_name && table_name(*input.table_name) != backup.table.name) return false;
  if (input.backup_type && *input.backup_type != "USER" && *input.backup_type != "ALL") return false;
  if (input.time_range_lower_bound && time_of(backup.created_ms) < *input.time_range_lower_bound) return false;
  if (input.time_range_upper_bound && time_of(backup.created_ms) >= *input.time_range_upper_bound) return false;
  return !input.exclusive_start_backup_arn || backup.id > backup_id(*input.exclusive_start_backup_arn);
}

wire::ContinuousBackupsDescription no_continuous_backups() {
  wire::ContinuousBackupsDescription result;
  result.continuous_backups_status = "ENABLED";
  result.point_in_time_recovery_description.emplace().point_in_time_recovery_status = "DISABLED";
  return result;
}

}  // namespace

protocol::Answer<wire::CreateBackupOutput> DynamoDb::create_backup(const Call& call, wire::CreateBackupInput input) {
  DYNAMODB_CO_TRY(const auto backup, co_await change<tables::BackupPtr>([&](auto done) {
                    engine_.create_backup(table_name(input.table_name), input.backup_name, std::move(done));
                  }));
  wire::CreateBackupOutput output;
  output.backup_details = details(*backup, call);
  co_return output;
}

protocol::Answer<wire::DescribeBackupOutput> DynamoDb::describe_backup(const Call& call,
                                                                       wire::DescribeBackupInput input) {
  DYNAMODB_CO_TRY(const auto backup, engine_.describe_backup(backup_id(input.backup_arn)));
  wire::DescribeBackupOutput output;
  output.backup_description = description(*backup, call);
  co_return output;
}

protocol::Answer<wire::ListBackupsOutput> DynamoDb::list_backups(const Call& call, wire::ListBackupsInput input) {
  const auto limit = input.limit ? static_cast<std::size_t>(*input.limit) : kBackupsListed;
  wire::ListBackupsOutput output;
  auto& list = output.backup_summaries.emplace();
  for (const auto& backup : engine_.list_backups()) {
    if (!is_listed(*backup, input)) continue;
    if (list.size() == limit) {
      output.last_evaluated_backup_arn = list.back().backup_arn;
      break;
    }
    list.push_back(summary(*backup, call));
  }
  co_return output;
}

protocol::Answer<wire::DeleteBackupOutput> DynamoDb::delete_backup(const Call& call, wire::DeleteBackupInput input) {
  DYNAMODB_CO_TRY(const auto backup, co_await change<tables::BackupPtr>([&](auto done) {
                    engine_.delete_backup(backup_id(input.backup_arn), std::move(done));
                  }));
  wire::DeleteBackupOutput output;
  output.backup_description = description(*backup, call);
  output.backup_description->backup_details->backup_status = "DELETED";
  co_return output;
}

protocol::Answer<wire::RestoreTableFromBackupOutput> DynamoDb::restore_table_from_backup(
    const Call& call, wire::RestoreTableFromBackupInput input) {
  DYNAMODB_CO_TRY(const auto table, co_await change<tables::TableDescription>([&](auto done) {
                    engine_.restore_table(
                        backup_id(input.backup_arn), input.target_table_name,
                        [&](tables::TableDefinition& definition) { return override_definition(input, definition); },
                        std::move(done));
                  }));
  wire::RestoreTableFromBackupOutput output;
  output.table_description = describe(table, call);
  co_return output;
}

// ---- continuous backups are described; point-in-time recovery cannot be had

protocol::Answer<wire::DescribeContinuousBackupsOutput> DynamoDb::describe_continuous_backups(
    const Call&, wire::DescribeContinuousBackupsInput input) {
  const auto table = engine_.describe_table(table_name(input.table_name));
  if (!table) {
    co_return protocol::failure(wire::TableNotFoundException{.message = "Table not found: " + input.table_name});
  }
  wire::DescribeContinuousBackupsOutput output;
  output.continuous_backups_description = no_continuous_backups();
  co_return output;
}

protocol::Answer<wire::UpdateContinuousBackupsOutput> DynamoDb::update_continuous_backups(
    const Call&, wire::UpdateContinuousBackupsInput input) {
  const auto table = engine_.describe_table(table_name(input.table_name));
  if (!table) {
    co_return protocol::failure(wire::TableNotFoundException{.message = "Table not found: " + input.table_name});
  }
  if (input.point_in_time_recovery_specification.point_in_time_recovery_enabled) {
    co_return protocol::failure(wire::ContinuousBackupsUnavailableException{
        .message = "This server keeps no point-in-time backups; use on-demand backups"});
  }
  wire::UpdateContinuousBackupsOutput output;
  output.continuous_backups_description = no_continuous_backups();
  co_return output;
}

}  // namespace lambent::services::dynamodb
