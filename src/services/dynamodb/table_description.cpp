#include "services/dynamodb/table_description.h"

#include <fmt/format.h>

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
  if (input.stream_specification && input.stream_specification->stream_enabled) return refuse("StreamSpecification");
  if (input.sse_specification && input.sse_specification->enabled.value_or(false)) return refuse("SSESpecification");
  if (input.tags && !input.tags->empty()) return refuse("Tags");
  if (input.resource_policy) return refuse("ResourcePolicy");
  if (input.vector_indexes && !input.vector_indexes->empty()) return refuse("VectorIndexes");
  if (input.global_table_source_arn) return refuse("GlobalTableSourceArn");
  return {};
}

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
    default:
      return "ACTIVE";
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
    description.index_status = status_text(table.status);
    description.provisioned_throughput = describe(index.throughput);
    fill(result.global_secondary_indexes, std::move(description));
  }
}

}  // namespace

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
  for (const auto& attribute : input.attribute_definitions.value_or(std::vector<wire::AttributeDefinition>{})) {
    const auto type = attribute.attribute_type == "S"   ? tables::Type::S
                      : attribute.attribute_type == "N" ? tables::Type::N
                                                        : tables::Type::B;
    request.attributes.push_back({attribute.attribute_name, type});
  }
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
  return request;
}

wire::TableDescription describe(const tables::TableDescription& table, const protocol::CallContext& call) {
  const auto& definition = *table.definition;
  const protocol::Timestamp created{std::chrono::milliseconds(definition.created_ms)};
  wire::TableDescription result;
  result.table_name = definition.name;
  result.table_id = definition.uuid;
  result.table_arn = fmt::format("arn:aws:dynamodb:{}:{}:table/{}", call.region, call.account_id, definition.name);
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
    result.billing_mode_summary = {.billing_mode = std::string(wire::billing_mode::pay_per_request),
                                   .last_update_to_pay_per_request_date_time = created};
  }
  if (!definition.table_class.empty())
    result.table_class_summary = {.table_class = definition.table_class, .last_update_date_time = {}};
  result.deletion_protection_enabled = definition.deletion_protection;
  add_indexes(table, result);
  return result;
}

}  // namespace lambent::services::dynamodb
