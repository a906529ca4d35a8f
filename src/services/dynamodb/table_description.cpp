#include "services/dynamodb/table_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.h"

namespace lambent::services::dynamodb {
namespace {

namespace wire = protocol::dynamodb;
using tables::IndexDefinition;
using tables::invalid;
using tables::TablesResult;

std::vector<tables::KeyElement> key_elements(const std::vector<wire::KeySchemaElement>& schema) {
  std::vector<tables::KeyElement> elements;
  for (const auto& element : schema) elements.push_back({element.attribute_name, element.key_type == "HASH"});
  return elements;
}

std::optional<tables::Throughput> throughput(const std::optional<wire::ProvisionedThroughput>& given) {
  if (!given) return std::nullopt;
  return tables::Throughput{given->read_capacity_units, given->write_capacity_units};
}

template <class Index>
tables::IndexRequest index_request(const Index& index, bool global) {
  tables::IndexRequest request{.name = index.index_name, .global = global, .key = key_elements(index.key_schema)};
  const auto& type = index.projection.projection_type;
  if (type == "ALL") request.projection = IndexDefinition::Projection::all;
  if (type == "KEYS_ONLY") request.projection = IndexDefinition::Projection::keys_only;
  if (type == "INCLUDE") request.projection = IndexDefinition::Projection::include;
  request.included = index.projection.non_key_attributes.value_or(std::vector<std::string>{});
  return request;
}

TablesResult<> check_supported(const wire::CreateTableInput& input) {
  const auto refuse = [](std::string_view what) {
    return invalid(fmt::format("{} is not supported by this server yet", what));
  };
  if (input.sse_specification && input.sse_specification->enabled.value_or(false)) return refuse("SSESpecification");
  if (input.resource_policy) return refuse("ResourcePolicy");
  if (input.vector_indexes && !input.vector_indexes->empty()) return refuse("VectorIndexes");
  if (input.global_table_source_arn) return refuse("GlobalTableSourceArn");
  return {};
}

wire::ProvisionedThroughputDescription describe(const std::optional<tables::Throughput>& throughput) {
  wire::ProvisionedThroughputDescription result;
  result.number_of_decreases_today = 0;
  result.read_capacity_units = throughput ? throughput->read : 0;
  result.write_capacity_units = throughput ? throughput->write : 0;
  return result;
}

std::string status_text(tables::TableStatus status) {
  switch (status) {
    case tables::TableStatus::creating:
      return "CREATING";
    case tables::TableStatus::deleting:
      return "DELETING";
    case tables::TableStatus::updating:
      return "UPDATING";
    default:
      return "ACTIVE";
  }
}

std::string index_status(const IndexDefinition& index, tables::TableStatus table) {
  if (index.state == tables::ViewState::creating) return "CREATING";
  if (index.state == tables::ViewState::deleting) return "DELETING";
  return table == tables::TableStatus::updating ? "ACTIVE" : status_text(table);
}

TablesResult<std::optional<tables::StreamView>> stream_view(const std::optional<wire::StreamSpecification>& given) {
  if (!given || !given->stream_enabled) {
    if (given && given->stream_view_type) {
      return invalid(
          "One or more parameter values were invalid: StreamViewType cannot be specified when StreamEnabled is false");
    }
    return std::nullopt;
  }
  for (const auto view : {tables::StreamView::keys_only, tables::StreamView::new_image, tables::StreamView::old_image,
                          tables::StreamView::new_and_old_images}) {
    if (given->stream_view_type == view_type(view)) return view;
  }
  return invalid("One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true");
}

std::vector<tables::KeyAttribute> attributes(const std::optional<std::vector<wire::AttributeDefinition>>& given) {
  std::vector<tables::KeyAttribute> result;
  if (!given) return result;
  for (const auto& attribute : *given) {
    const auto type = attribute.attribute_type == "S"   ? tables::Type::S
                      : attribute.attribute_type == "N" ? tables::Type::N
                                                        : tables::Type::B;
    result.push_back({attribute.attribute_name, type});
  }
  return result;
}

TablesResult<> add_index_updates(const std::vector<wire::GlobalSecondaryIndexUpdate>& updates,
                                 tables::UpdateTableRequest& request) {
  for (const auto& update : updates) {
    if (update.create.has_value() + update.update.has_value() + update.delete_.has_value() != 1) {
      return invalid(
          "One or more parameter values were invalid: Only one of GlobalSecondaryIndexUpdate Create, Update or Delete "
          "may be given");
    }
    if (update.create) {
      request.new_indexes.push_back(index_request(*update.create, true));
      request.new_indexes.back().throughput = throughput(update.create->provisioned_throughput);
    } else if (update.delete_) {
      request.dropped_indexes.push_back(update.delete_->index_name);
    } else if (const auto given = throughput(update.update->provisioned_throughput)) {
      request.index_throughput.emplace(update.update->index_name, *given);
    }
  }
  return {};
}

void add_settings(const tables::TableDefinition& definition, wire::TableDescription& result,
                  const protocol::CallContext& call) {
  if (const auto& stream = definition.stream) {
    result.latest_stream_label = stream->label;
    result.latest_stream_arn = *result.table_arn + "/stream/" + stream->label;
    if (stream->enabled) {
      result.stream_specification =
          wire::StreamSpecification{.stream_enabled = true, .stream_view_type = std::string(view_type(stream->view))};
    }
  }
  if (const auto& restored = definition.restored) {
    result.restore_summary.emplace();
    result.restore_summary->source_table_arn = table_arn(restored->table, call);
    result.restore_summary->source_backup_arn =
        *result.restore_summary->source_table_arn + "/backup/" + restored->backup;
    result.restore_summary->restore_date_time = protocol::Timestamp{std::chrono::milliseconds(restored->at_ms)};
    result.restore_summary->restore_in_progress = restored->running;
  }
}

void add_indexes(const tables::TableDescription& table, wire::TableDescription& result) {
  for (const auto& index : table.definition->indexes) {
    const auto fill = [&](auto& list, auto description) {
      description.index_name = index.name;
      description.key_schema = key_schema(index.key);
      description.projection = projection(index);
      description.index_arn = *result.table_arn + "/index/" + index.name;
      // Counted for tables only; DynamoDB's own numbers for indexes are up to six hours old.
      description.index_size_bytes = 0;
      description.item_count = 0;
      if (!list) list.emplace();
      list->push_back(std::move(description));
    };
    if (!index.global) {
      fill(result.local_secondary_indexes, wire::LocalSecondaryIndexDescription{});
      continue;
    }
    wire::GlobalSecondaryIndexDescription description;
    description.index_status = index_status(index, table.status);
    if (index.state == tables::ViewState::creating)
      description.backfilling = table.status == tables::TableStatus::active;
    description.provisioned_throughput = describe(index.throughput);
    fill(result.global_secondary_indexes, std::move(description));
  }
}

}  // namespace

std::vector<wire::KeySchemaElement> key_schema(const tables::KeySchema& key) {
  std::vector<wire::KeySchemaElement> schema{{.attribute_name = key.hash.name, .key_type = "HASH"}};
  if (key.range) schema.push_back({.attribute_name = key.range->name, .key_type = "RANGE"});
  return schema;
}

wire::Projection projection(const IndexDefinition& index) {
  wire::Projection result;
  switch (index.projection) {
    case IndexDefinition::Projection::all:
      result.projection_type = "ALL";
      break;
    case IndexDefinition::Projection::keys_only:
      result.projection_type = "KEYS_ONLY";
      break;
    case IndexDefinition::Projection::include:
      result.projection_type = "INCLUDE";
      result.non_key_attributes = index.included;
      break;
  }
  return result;
}

std::string_view view_type(tables::StreamView view) {
  switch (view) {
    case tables::StreamView::keys_only:
      return "KEYS_ONLY";
    case tables::StreamView::new_image:
      return "NEW_IMAGE";
    case tables::StreamView::old_image:
      return "OLD_IMAGE";
    case tables::StreamView::new_and_old_images:
      break;
  }
  return "NEW_AND_OLD_IMAGES";
}

std::string table_arn(std::string_view table, const protocol::CallContext& call) {
  return fmt::format("arn:aws:dynamodb:{}:{}:table/{}", call.region, call.account_id, table);
}

std::string backup_arn(const tables::Backup& backup, const protocol::CallContext& call) {
  return table_arn(backup.table.name, call) + "/backup/" + backup.id;
}

std::string table_name(std::string_view name_or_arn) {
  constexpr std::string_view kTable = ":table/";
  if (!name_or_arn.starts_with("arn:")) return std::string(name_or_arn);
  const auto at = name_or_arn.find(kTable);
  return std::string(at == std::string_view::npos ? name_or_arn : name_or_arn.substr(at + kTable.size()));
}

TablesResult<tables::CreateTableRequest> create_request(const wire::CreateTableInput& input) {
  LAMBENT_TRY_VOID(check_supported(input));
  tables::CreateTableRequest request{.name = table_name(input.table_name)};
  if (input.key_schema) request.key = key_elements(*input.key_schema);
  request.attributes = attributes(input.attribute_definitions);
  if (input.local_secondary_indexes) {
    for (const auto& index : *input.local_secondary_indexes) request.indexes.push_back(index_request(index, false));
  }
  if (input.global_secondary_indexes) {
    for (const auto& index : *input.global_secondary_indexes) {
      request.indexes.push_back(index_request(index, true));
      request.indexes.back().throughput = throughput(index.provisioned_throughput);
    }
  }
  request.on_demand = input.billing_mode == wire::billing_mode::pay_per_request;
  request.throughput = throughput(input.provisioned_throughput);
  request.deletion_protection = input.deletion_protection_enabled.value_or(false);
  request.table_class = input.table_class.value_or("");
  for (const auto& tag : input.tags.value_or(std::vector<wire::Tag>{})) request.tags[tag.key] = tag.value;
  LAMBENT_TRY(request.stream, stream_view(input.stream_specification));
  return request;
}

TablesResult<tables::UpdateTableRequest> update_request(const wire::UpdateTableInput& input) {
  const auto refuse = [](std::string_view what) {
    return invalid(fmt::format("{} is not supported by this server yet", what));
  };
  if (input.sse_specification && input.sse_specification->enabled.value_or(false)) return refuse("SSESpecification");
  if (input.replica_updates && !input.replica_updates->empty()) return refuse("ReplicaUpdates");
  if (input.vector_index_updates && !input.vector_index_updates->empty()) return refuse("VectorIndexUpdates");
  tables::UpdateTableRequest request{.name = table_name(input.table_name)};
  request.attributes = attributes(input.attribute_definitions);
  if (input.billing_mode) request.on_demand = *input.billing_mode == wire::billing_mode::pay_per_request;
  request.throughput = throughput(input.provisioned_throughput);
  request.deletion_protection = input.deletion_protection_enabled;
  request.table_class = input.table_class;
  if (input.global_secondary_index_updates) {
    LAMBENT_TRY_VOID(add_index_updates(*input.global_secondary_index_updates, request));
  }
  if (input.stream_specification) {
    LAMBENT_TRY(const auto view, stream_view(input.stream_specification));
    request.stream = {input.stream_specification->stream_enabled, view};
  }
  const bool any = request.on_demand || request.throughput || request.deletion_protection || request.table_class ||
                   request.stream || input.global_secondary_index_updates;
  if (!any) {
    return invalid(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
        "SSESpecification or ReplicaUpdates is required");
  }
  return request;
}

TablesResult<> override_definition(const wire::RestoreTableFromBackupInput& input,
                                   tables::TableDefinition& definition) {
  if (input.billing_mode_override == wire::billing_mode::pay_per_request) {
    definition.throughput.reset();
    for (auto& index : definition.indexes) index.throughput.reset();
  }
  if (input.provisioned_throughput_override) definition.throughput = throughput(input.provisioned_throughput_override);
  // Overrides may leave indexes out, not bring new ones.
  const auto keep = [&](const auto& wanted, bool global) {
    if (!wanted) return;
    std::erase_if(definition.indexes, [&](const auto& index) {
      return index.global == global &&
             std::ranges::none_of(*wanted, [&](const auto& given) { return given.index_name == index.name; });
    });
  };
  keep(input.global_secondary_index_override, true);
  keep(input.local_secondary_index_override, false);
  tables::prune_attributes(definition);
  return {};
}

wire::TableDescription describe(const tables::TableDescription& table, const protocol::CallContext& call) {
  const auto& definition = *table.definition;
  const protocol::Timestamp created{std::chrono::milliseconds(definition.created_ms)};
  wire::TableDescription result;
  result.table_name = definition.name;
  result.table_id = definition.uuid;
  result.table_arn = table_arn(definition.name, call);
  result.table_status = status_text(table.status);
  result.creation_date_time = created;
  result.item_count = table.item_count;
  result.table_size_bytes = table.size_bytes;
  result.key_schema = key_schema(definition.key);
  result.attribute_definitions.emplace();
  for (const auto& attribute : definition.attributes) {
    result.attribute_definitions->push_back(
        {.attribute_name = attribute.name, .attribute_type = std::string(tables::type_code(attribute.type))});
  }
  result.provisioned_throughput = describe(definition.throughput);
  if (!definition.throughput) {
    result.billing_mode_summary = {
        .billing_mode = std::string(wire::billing_mode::pay_per_request),
        .last_update_to_pay_per_request_date_time =
            definition.on_demand_since_ms == 0
                ? created
                : protocol::Timestamp{std::chrono::milliseconds(definition.on_demand_since_ms)}};
  }
  if (!definition.table_class.empty())
    result.table_class_summary = {.table_class = definition.table_class, .last_update_date_time = {}};
  result.deletion_protection_enabled = definition.deletion_protection;
  add_indexes(table, result);
  add_settings(definition, result, call);
  return result;
}

}  // namespace lambent::services::dynamodb
