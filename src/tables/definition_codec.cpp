// Table definitions as bytes in the store: an item (tables/item_codec.h) with a member for each setting. Members that
// older programs did not write are optional.
#include "tables/item_codec.h"
#include "tables/schema.h"

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
             {"included", list(std::move(included))},
             {"state", number(static_cast<int>(index.state))}};
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
    if (reader.has("state")) result.state = static_cast<ViewState>(reader.integer("state"));
    merge(reader);
    return result;
  }

 private:
  const Map& map_;
  bool good_ = true;
};

void add_settings(const TableDefinition& definition, Map& to) {
  to.emplace("on_demand_since", number(definition.on_demand_since_ms));
  Map tags;
  for (const auto& [key, value] : definition.tags) tags.emplace(key, text(value));
  to.emplace("tags", map(std::move(tags)));
  if (definition.ttl) {
    to.emplace("ttl", map({{"attribute", text(definition.ttl->attribute)},
                           {"state", number(static_cast<int>(definition.ttl->state))}}));
  }
  if (definition.stream) {
    to.emplace("stream", map({{"id", number(static_cast<std::int64_t>(definition.stream->id))},
                              {"view", number(static_cast<int>(definition.stream->view))},
                              {"enabled", boolean(definition.stream->enabled)},
                              {"label", text(definition.stream->label)}}));
  }
  if (definition.restored) {
    to.emplace("restored", map({{"backup", text(definition.restored->backup)},
                                {"table", text(definition.restored->table)},
                                {"at", number(definition.restored->at_ms)},
                                {"running", boolean(definition.restored->running)}}));
  }
}

void read_settings(Reader& reader, TableDefinition& definition) {
  if (reader.has("on_demand_since")) definition.on_demand_since_ms = reader.integer("on_demand_since");
  if (reader.has("tags")) {
    for (const auto& [key, value] : reader.get<Map>("tags")) {
      if (const auto* tag = value.get_if<std::string>()) definition.tags.emplace(key, *tag);
    }
  }
  if (reader.has("ttl")) {
    Reader ttl(reader.get<Map>("ttl"));
    definition.ttl = TimeToLive{ttl.string("attribute"), static_cast<ViewState>(ttl.integer("state"))};
    reader.merge(ttl);
  }
  if (reader.has("stream")) {
    Reader stream(reader.get<Map>("stream"));
    definition.stream = StreamSettings{.id = static_cast<std::uint64_t>(stream.integer("id")),
                                       .view = static_cast<StreamView>(stream.integer("view")),
                                       .enabled = stream.get<bool>("enabled"),
                                       .label = stream.string("label")};
    reader.merge(stream);
  }
  if (reader.has("restored")) {
    Reader restored(reader.get<Map>("restored"));
    definition.restored = RestoredFrom{restored.string("backup"), restored.string("table"), restored.integer("at"),
                                       restored.get<bool>("running")};
    reader.merge(restored);
  }
}

}  // namespace

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
  add_settings(definition, result);
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
  read_settings(reader, definition);
  if (!reader.good()) return fail(Error::of("decode", "table definition", "damaged"));
  return definition;
}

}  // namespace lambent::tables
