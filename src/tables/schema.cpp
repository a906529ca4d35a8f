#include "tables/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "tables/item_codec.h"

namespace lambent::tables {
namespace {

AttributeValue text(std::string_view value) {
  return {std::string(value)};
}
AttributeValue number(std::int64_t value) {
  return {Number38(value)};
}
AttributeValue boolean(bool value) {
  return {AttributeValue::Variant(value)};
}
AttributeValue list(List values) {
  return {AttributeValue::Variant(std::move(values))};
}
AttributeValue map(Map values) {
  return {AttributeValue::Variant(std::move(values))};
}

AttributeValue to_value(const KeyAttribute& attribute) {
  return map({{"name", text(attribute.name)}, {"type", number(static_cast<int>(attribute.type))}});
}

AttributeValue to_value(const KeySchema& key) {
  Map result{{"hash", to_value(key.hash)}};
  if (key.range) result.emplace("range", to_value(*key.range));
  return map(std::move(result));
}

void add(Map& to, const std::optional<Throughput>& throughput) {
  if (!throughput) return;
  to.emplace("read", number(throughput->read));
  to.emplace("write", number(throughput->write));
}

AttributeValue to_value(const IndexDefinition& index) {
  List included;
  for (const auto& name : index.included) included.push_back(text(name));
  Map result{{"name", text(index.name)},
             {"id", number(index.id)},
             {"global", boolean(index.global)},
             {"key", to_value(index.key)},
             {"projection", number(static_cast<int>(index.projection))},
             {"included", list(std::move(included))}};
  add(result, index.throughput);
  return map(std::move(result));
}

// Reads members of a stored definition; the first that is missing or of another type is remembered.
class Reader {
 public:
  explicit Reader(const Map& map) : map_(map) {}

  template <class T>
  const T& get(std::string_view name) {
    static const T none{};
    const auto at = map_.find(name);
    const T* value = at == map_.end() ? nullptr : at->second.get_if<T>();
    if (value == nullptr) good_ = false;
    return value == nullptr ? none : *value;
  }
  std::string string(std::string_view name) { return get<std::string>(name); }
  std::int64_t integer(std::string_view name) {
    const auto value = get<Number38>(name).as_int64();
    if (!value) good_ = false;
    return value.value_or(0);
  }
  [[nodiscard]] bool has(std::string_view name) const { return map_.contains(name); }
  [[nodiscard]] bool good() const { return good_; }
  void merge(const Reader& other) { good_ = good_ && other.good_; }

  KeyAttribute key_attribute(std::string_view name) { return key_attribute(get<Map>(name)); }
  KeyAttribute key_attribute(const Map& from) {
    Reader reader(from);
    KeyAttribute result{reader.string("name"), static_cast<Type>(reader.integer("type"))};
    merge(reader);
    good_ = good_ && is_orderable(result.type);
    return result;
  }
  KeySchema key() {
    Reader reader(get<Map>("key"));
    KeySchema result{.hash = reader.key_attribute("hash"), .range = {}};
    if (reader.has("range")) result.range = reader.key_attribute("range");
    merge(reader);
    return result;
  }
  std::optional<Throughput> throughput() {
    if (!has("read")) return std::nullopt;
    return Throughput{integer("read"), integer("write")};
  }
  IndexDefinition index(const Map& from) {
    Reader reader(from);
    IndexDefinition result{.name = reader.string("name"),
                           .id = static_cast<std::uint8_t>(reader.integer("id")),
                           .global = reader.get<bool>("global"),
                           .key = reader.key(),
                           .projection = static_cast<IndexDefinition::Projection>(reader.integer("projection")),
                           .included = {},
                           .throughput = reader.throughput()};
    for (const auto& name : reader.get<List>("included")) {
      if (const auto* value = name.get_if<std::string>()) result.included.push_back(*value);
    }
    merge(reader);
    return result;
  }

 private:
  const Map& map_;
  bool good_ = true;
};

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

TablesResult<> check_all_attributes_used(const TableDefinition& table) {
  std::set<std::string> used;
  const auto note = [&](const KeySchema& key) {
    used.insert(key.hash.name);
    if (key.range) used.insert(key.range->name);
  };
  note(table.key);
  for (const auto& index : table.indexes) note(index.key);
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

std::string encode_definition(const TableDefinition& definition) {
  List attributes, indexes;
  for (const auto& attribute : definition.attributes) attributes.push_back(to_value(attribute));
  for (const auto& index : definition.indexes) indexes.push_back(to_value(index));
  Map result{{"name", text(definition.name)},        {"id", number(static_cast<std::int64_t>(definition.id))},
             {"uuid", text(definition.uuid)},        {"created", number(definition.created_ms)},
             {"key", to_value(definition.key)},      {"attributes", list(std::move(attributes))},
             {"indexes", list(std::move(indexes))},  {"protected", boolean(definition.deletion_protection)},
             {"class", text(definition.table_class)}};
  add(result, definition.throughput);
  return encode_item(result);
}

Result<TableDefinition> decode_definition(std::string_view bytes) {
  LAMBENT_TRY(const auto stored, decode_item(bytes));
  Reader reader(stored);
  TableDefinition definition{.name = reader.string("name"),
                             .id = static_cast<std::uint64_t>(reader.integer("id")),
                             .uuid = reader.string("uuid"),
                             .created_ms = reader.integer("created"),
                             .key = reader.key(),
                             .attributes = {},
                             .indexes = {},
                             .throughput = reader.throughput(),
                             .deletion_protection = reader.get<bool>("protected"),
                             .table_class = reader.string("class")};
  for (const auto& value : reader.get<List>("attributes")) {
    if (const auto* attribute = value.get_if<Map>()) definition.attributes.push_back(reader.key_attribute(*attribute));
  }
  for (const auto& value : reader.get<List>("indexes")) {
    if (const auto* index = value.get_if<Map>()) definition.indexes.push_back(reader.index(*index));
  }
  if (!reader.good()) return fail(Error::of("decode", "table definition", "damaged"));
  return definition;
}

TablesResult<TableDefinition> define_table(const CreateTableRequest& request) {
  LAMBENT_TRY_VOID(check_name(request.name, "TableName"));
  LAMBENT_TRY_VOID(check_billing(request.on_demand, request.throughput));
  TableDefinition table{.name = request.name};
  table.attributes = request.attributes;
  table.throughput = request.throughput;
  table.deletion_protection = request.deletion_protection;
  table.table_class = request.table_class;
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

}  // namespace lambent::tables
