#include "tables/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace lambent::tables {
namespace {

std::string names_of(const std::vector<KeyAttribute>& attributes) {
  std::vector<std::string> names;
  for (const auto& attribute : attributes) names.push_back(attribute.name);
  return fmt::format("[{}]", fmt::join(names, ", "));
}

TablesResult<KeyAttribute> definition_of(const std::vector<KeyAttribute>& attributes, const std::string& name,
                                         const std::vector<KeyElement>& key, bool of_index) {
  const auto at = std::ranges::find(attributes, name, &KeyAttribute::name);
  if (at != attributes.end()) return *at;
  std::vector<std::string> keys;
  for (const auto& element : key) keys.push_back(element.name);
  return invalid(fmt::format(
      "One or more parameter values were invalid: Some {} key attributes are not defined in AttributeDefinitions. "
      "Keys: [{}], AttributeDefinitions: {}",
      of_index ? "index" : "table", fmt::join(keys, ", "), names_of(attributes)));
}

TablesResult<KeySchema> define_key(const std::vector<KeyElement>& key, const std::vector<KeyAttribute>& attributes,
                                   bool of_index) {
  if (key.empty() || !key[0].hash) {
    return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  }
  if (key.size() > 2) return invalid("Too many KeySchema elements: at most two are allowed");
  if (key.size() == 2 && key[1].hash) {
    return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  }
  if (key.size() == 2 && key[0].name == key[1].name) {
    return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name");
  }
  LAMBENT_TRY(auto hash, definition_of(attributes, key[0].name, key, of_index));
  KeySchema schema{.hash = std::move(hash), .range = {}};
  if (key.size() == 2) {
    LAMBENT_TRY(schema.range, definition_of(attributes, key[1].name, key, of_index));
  }
  return schema;
}

TablesResult<> check_billing(bool on_demand, const std::optional<Throughput>& throughput) {
  constexpr std::string_view kStart = "One or more parameter values were invalid: ";
  if (on_demand && throughput) {
    return invalid(fmt::format(
        "{}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        kStart));
  }
  if (!on_demand && !throughput) {
    return invalid(fmt::format(
        "{}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED", kStart));
  }
  return {};
}

TablesResult<IndexDefinition> define_index(const IndexRequest& request, const TableDefinition& table, bool on_demand) {
  LAMBENT_TRY(auto key, define_key(request.key, table.attributes, true));
  constexpr std::string_view kStart = "One or more parameter values were invalid: ";
  if (!request.global && key.hash != table.key.hash) {
    return invalid(
        fmt::format("{}Index KeySchema does not have the same leading hash key as table KeySchema for index: {}. "
                    "index hash key: {}, table hash key: {}",
                    kStart, request.name, key.hash.name, table.key.hash.name));
  }
  if (!request.global && !key.range) {
    return invalid(fmt::format("{}Index KeySchema does not have a range key for index: {}", kStart, request.name));
  }
  if (!request.global && !table.key.range) {
    return invalid(fmt::format(
        "{}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        kStart));
  }
  if (!request.projection) return invalid(fmt::format("{}Unknown ProjectionType: null", kStart));
  const bool include = *request.projection == IndexDefinition::Projection::include;
  if (!include && !request.included.empty()) {
    return invalid(fmt::format("{}ProjectionType is {}, but NonKeyAttributes is specified", kStart,
                               *request.projection == IndexDefinition::Projection::all ? "ALL" : "KEYS_ONLY"));
  }
  if (include && request.included.empty()) {
    return invalid(fmt::format("{}ProjectionType is INCLUDE, but NonKeyAttributes is not specified", kStart));
  }
  if (request.global) LAMBENT_TRY_VOID(check_billing(on_demand, request.throughput));
  return IndexDefinition{.name = request.name,
                         .id = 0,
                         .global = request.global,
                         .key = std::move(key),
                         .projection = *request.projection,
                         .included = request.included,
                         .throughput = request.throughput};
}

std::set<std::string> key_attributes(const TableDefinition& table) {
  std::set<std::string> used;
  const auto note = [&](const KeySchema& key) {
    used.insert(key.hash.name);
    if (key.range) used.insert(key.range->name);
  };
  note(table.key);
  for (const auto& index : table.indexes) note(index.key);
  return used;
}

TablesResult<> check_all_attributes_used(const TableDefinition& table) {
  const auto used = key_attributes(table);
  if (used.size() == table.attributes.size()) return {};
  if (table.indexes.empty()) {
    return invalid(
        "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of "
        "attributes defined in AttributeDefinitions");
  }
  return invalid(fmt::format(
      "One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: {}, "
      "keys used: [{}]",
      names_of(table.attributes), fmt::join(used, ", ")));
}

TablesResult<> check_name(const std::string& name, std::string_view what) {
  const bool well_formed = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
  if (name.size() < 3 || name.size() > 255) {
    return invalid(fmt::format("{} must be at least 3 characters long and at most 255 characters long", what));
  }
  if (!well_formed) {
    return invalid(
        fmt::format("1 validation error detected: Value '{}' at '{}{}' failed to satisfy constraint: "
                    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                    name, static_cast<char>(what[0] - 'A' + 'a'), what.substr(1)));
  }
  return {};
}

}  // namespace

const IndexDefinition* TableDefinition::index(std::string_view index_name) const {
  const auto at = std::ranges::find(indexes, index_name, &IndexDefinition::name);
  return at == indexes.end() ? nullptr : &*at;
}

TablesResult<TableDefinition> define_table(const CreateTableRequest& request) {
  LAMBENT_TRY_VOID(check_name(request.name, "TableName"));
  LAMBENT_TRY_VOID(check_billing(request.on_demand, request.throughput));
  TableDefinition table{.name = request.name};
  table.attributes = request.attributes;
  table.throughput = request.throughput;
  table.deletion_protection = request.deletion_protection;
  table.table_class = request.table_class;
  table.tags = request.tags;
  if (request.stream) table.stream = StreamSettings{.view = *request.stream};
  LAMBENT_TRY_VOID(check_tags(table.tags));
  for (std::size_t i = 0; i < table.attributes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (table.attributes[i].name == table.attributes[j].name) {
        return invalid("Cannot have two attributes with the same name");
      }
    }
  }
  LAMBENT_TRY(table.key, define_key(request.key, table.attributes, false));

  std::size_t globals = 0;
  for (const auto& index : request.indexes) {
    LAMBENT_TRY_VOID(check_name(index.name, "IndexName"));
    if (table.index(index.name) != nullptr) {
      return invalid("One or more parameter values were invalid: Duplicate index name: " + index.name);
    }
    LAMBENT_TRY(auto defined, define_index(index, table, request.on_demand));
    defined.id = static_cast<std::uint8_t>(table.indexes.size() + 1);
    globals += defined.global ? 1 : 0;
    table.indexes.push_back(std::move(defined));
    if (globals > kMaxGlobalIndexes) {
      return refuse(
          ErrorKind::limit_exceeded,
          "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20");
    }
    if (table.indexes.size() - globals > kMaxLocalIndexes) {
      return invalid(
          "One or more parameter values were invalid: Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    }
  }
  LAMBENT_TRY_VOID(check_all_attributes_used(table));
  return table;
}

namespace {

TablesResult<> add_index(TableDefinition& table, const UpdateTableRequest& request, const IndexRequest& index) {
  LAMBENT_TRY_VOID(check_name(index.name, "IndexName"));
  if (table.index(index.name) != nullptr) {
    return invalid("One or more parameter values were invalid: Duplicate index name: " + index.name);
  }
  if (std::ranges::count(table.indexes, true, &IndexDefinition::global) >=
      static_cast<std::ptrdiff_t>(kMaxGlobalIndexes)) {
    return refuse(
        ErrorKind::limit_exceeded,
        "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20");
  }
  for (const auto& attribute : request.attributes) {
    const auto at = std::ranges::find(table.attributes, attribute.name, &KeyAttribute::name);
    if (at == table.attributes.end()) {
      table.attributes.push_back(attribute);
    } else if (at->type != attribute.type) {
      return invalid(fmt::format(
          "One or more parameter values were invalid: Attributes cannot be redefined. Please check that your attribute "
          "has the same type as previously defined. Existing schema: Schema:[SchemaElement: key{{{}:{}}}]",
          at->name, type_code(at->type)));
    }
  }
  LAMBENT_TRY(auto defined, define_index(index, table, !table.throughput.has_value()));
  defined.state = ViewState::creating;
  for (defined.id = 1; std::ranges::count(table.indexes, defined.id, &IndexDefinition::id) > 0;) ++defined.id;
  table.indexes.push_back(std::move(defined));
  return {};
}

TablesResult<> drop_index(TableDefinition& table, const std::string& name) {
  const auto at = std::ranges::find(table.indexes, name, &IndexDefinition::name);
  if (at == table.indexes.end() || !at->global) {
    return refuse(ErrorKind::table_not_found,
                  "Requested resource not found: Index: " + name + " not found for table: " + table.name);
  }
  at->state = ViewState::deleting;
  return {};
}

TablesResult<> change_indexes(TableDefinition& table, const UpdateTableRequest& request) {
  const auto busy = std::ranges::any_of(table.indexes, [](const auto& i) { return i.state != ViewState::active; });
  const auto wanted = request.new_indexes.size() + request.dropped_indexes.size();
  if (wanted > 1 || (wanted == 1 && busy)) {
    return refuse(ErrorKind::limit_exceeded,
                  "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
  }
  for (const auto& index : request.new_indexes) LAMBENT_TRY_VOID(add_index(table, request, index));
  for (const auto& name : request.dropped_indexes) LAMBENT_TRY_VOID(drop_index(table, name));
  for (const auto& [name, throughput] : request.index_throughput) {
    const auto at = std::ranges::find(table.indexes, name, &IndexDefinition::name);
    if (at == table.indexes.end() || !at->global) {
      return refuse(ErrorKind::table_not_found,
                    "Requested resource not found: Index: " + name + " not found for table: " + table.name);
    }
    if (!table.throughput) return check_billing(true, throughput);
    at->throughput = throughput;
  }
  return {};
}

TablesResult<> change_billing(TableDefinition& table, const UpdateTableRequest& request) {
  const bool on_demand = request.on_demand.value_or(!table.throughput.has_value());
  const auto throughput = request.throughput ? request.throughput : on_demand ? std::nullopt : table.throughput;
  LAMBENT_TRY_VOID(check_billing(on_demand, throughput));
  table.throughput = throughput;
  if (!on_demand) return {};
  for (auto& index : table.indexes) index.throughput.reset();
  return {};
}

TablesResult<> change_stream(TableDefinition& table, const UpdateTableRequest::Stream& wanted) {
  const bool enabled = table.stream && table.stream->enabled;
  if (wanted.enabled == enabled) {
    return invalid(enabled ? "Table already has an enabled stream: TableName: " + table.name
                           : "Table has no stream to disable: TableName: " + table.name);
  }
  if (!wanted.enabled) {
    table.stream->enabled = false;
    return {};
  }
  if (!wanted.view) {
    return invalid("One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true");
  }
  table.stream = StreamSettings{.view = *wanted.view};
  return {};
}

}  // namespace

TablesResult<TableDefinition> updated(const TableDefinition& before, const UpdateTableRequest& request) {
  TableDefinition table = before;
  if (request.on_demand || request.throughput) LAMBENT_TRY_VOID(change_billing(table, request));
  if (request.stream) LAMBENT_TRY_VOID(change_stream(table, *request.stream));
  LAMBENT_TRY_VOID(change_indexes(table, request));
  for (const auto& index : table.indexes) {
    if (index.global) LAMBENT_TRY_VOID(check_billing(!table.throughput.has_value(), index.throughput));
  }
  if (request.deletion_protection) table.deletion_protection = *request.deletion_protection;
  if (request.table_class) table.table_class = *request.table_class;
  return table;
}

void prune_attributes(TableDefinition& table) {
  const auto used = key_attributes(table);
  std::erase_if(table.attributes, [&](const auto& attribute) { return !used.contains(attribute.name); });
}

TablesResult<> check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > kMaxTags) {
    return invalid(
        fmt::format("One or more parameter values were invalid: Too many tags: a resource has at most {}", kMaxTags));
  }
  for (const auto& [key, value] : tags) {
    if (key.starts_with("aws:")) {
      return invalid("One or more parameter values were invalid: Tag keys starting with aws: are reserved: " + key);
    }
  }
  return {};
}

}  // namespace lambent::tables
