#include "tables/stream.h"

#include "tables/item_codec.h"
#include "tables/key_codec.h"

namespace lambent::tables {
namespace {

// One megabyte ends a page of GetRecords, as at DynamoDB.
constexpr std::size_t kPageBytes = 1U << 20U;

Map key_map(const KeySchema& key) {
  const auto attribute = [](const KeyAttribute& of) {
    return AttributeValue(AttributeValue::Variant(
        Map{{"name", AttributeValue(of.name)}, {"type", AttributeValue(Number38(static_cast<int>(of.type)))}}));
  };
  Map result{{"hash", attribute(key.hash)}};
  if (key.range) result.emplace("range", attribute(*key.range));
  return result;
}

const AttributeValue* member(const Map& map, std::string_view name) {
  const auto at = map.find(name);
  return at == map.end() ? nullptr : &at->second;
}

std::int64_t integer(const Map& map, std::string_view name, bool& good) {
  const auto* value = member(map, name);
  const auto* number = value == nullptr ? nullptr : value->get_if<Number38>();
  const auto read = number == nullptr ? std::nullopt : number->as_int64();
  good = good && read.has_value();
  return read.value_or(0);
}

std::string text(const Map& map, std::string_view name, bool& good) {
  const auto* value = member(map, name);
  const auto* read = value == nullptr ? nullptr : value->get_if<std::string>();
  good = good && read != nullptr;
  return read == nullptr ? std::string() : *read;
}

KeyAttribute key_attribute(const Map& map, std::string_view name, bool& good) {
  const auto* value = member(map, name);
  const auto* inner = value == nullptr ? nullptr : value->get_if<Map>();
  good = good && inner != nullptr;
  if (inner == nullptr) return {};
  return {text(*inner, "name", good), static_cast<Type>(integer(*inner, "type", good))};
}

std::optional<Item> image(const Map& map, std::string_view name) {
  const auto* value = member(map, name);
  const auto* item = value == nullptr ? nullptr : value->get_if<Map>();
  if (item == nullptr) return std::nullopt;
  return *item;
}

AttributeValue number(std::int64_t value) {
  return {Number38(value)};
}

}  // namespace

std::string encode_stream(const StreamDefinition& stream, std::uint64_t first, std::int64_t closed_ms) {
  return encode_item({{"id", number(static_cast<std::int64_t>(stream.id))},
                      {"table", AttributeValue(stream.table)},
                      {"label", AttributeValue(stream.label)},
                      {"view", number(static_cast<int>(stream.view))},
                      {"key", AttributeValue(AttributeValue::Variant(key_map(stream.key)))},
                      {"created", number(stream.created_ms)},
                      {"first", number(static_cast<std::int64_t>(first))},
                      {"closed", number(closed_ms)}});
}

Result<StoredStream> decode_stream(std::string_view bytes) {
  LAMBENT_TRY(const auto map, decode_item(bytes));
  bool good = true;
  StoredStream stored;
  auto& stream = stored.definition;
  stream.id = static_cast<std::uint64_t>(integer(map, "id", good));
  stream.table = text(map, "table", good);
  stream.label = text(map, "label", good);
  stream.view = static_cast<StreamView>(integer(map, "view", good));
  stream.created_ms = integer(map, "created", good);
  stored.first = static_cast<std::uint64_t>(integer(map, "first", good));
  stored.closed_ms = integer(map, "closed", good);
  const auto key = image(map, "key");
  good = good && key.has_value();
  if (key) {
    stream.key.hash = key_attribute(*key, "hash", good);
    if (member(*key, "range") != nullptr) stream.key.range = key_attribute(*key, "range", good);
  }
  if (!good) return fail(Error::of("decode", "stream definition", "damaged"));
  return stored;
}

std::string encode_record(const StreamRecord& record) {
  Item item{{"e", number(static_cast<int>(record.kind))},
            {"t", number(record.at_ms)},
            {"k", AttributeValue(AttributeValue::Variant(record.keys))}};
  if (record.by_service) item.emplace("s", number(1));
  if (record.old_image) item.emplace("o", AttributeValue(AttributeValue::Variant(*record.old_image)));
  if (record.new_image) item.emplace("n", AttributeValue(AttributeValue::Variant(*record.new_image)));
  return encode_item(item);
}

Result<StreamRecord> decode_record(std::string_view bytes, std::uint64_t sequence) {
  LAMBENT_TRY(const auto map, decode_item(bytes));
  bool good = true;
  StreamRecord record{.sequence = sequence};
  record.kind = static_cast<StreamRecord::Kind>(integer(map, "e", good));
  record.at_ms = integer(map, "t", good);
  record.by_service = member(map, "s") != nullptr;
  auto keys = image(map, "k");
  if (!keys || !good) return fail(Error::of("decode", "stream record", "damaged"));
  record.keys = *std::move(keys);
  record.old_image = image(map, "o");
  record.new_image = image(map, "n");
  record.size_bytes = size_of(record.keys);
  if (record.old_image) record.size_bytes += size_of(*record.old_image);
  if (record.new_image) record.size_bytes += size_of(*record.new_image);
  return record;
}

std::string stream_meta_key(std::uint64_t stream) {
  return std::string(kStreams) + table_prefix(stream);
}
std::string record_prefix(std::uint64_t stream) {
  return table_prefix(stream);
}
std::string record_key(std::uint64_t stream, std::uint64_t sequence) {
  return table_prefix(stream) + table_prefix(sequence);
}
std::uint64_t sequence_of(std::string_view record_key) {
  std::uint64_t sequence = 0;
  for (const char c : record_key.substr(record_key.size() - 8)) {
    sequence = sequence << 8U | static_cast<unsigned char>(c);
  }
  return sequence;
}

TablesResult<std::vector<StreamRecord>> read_records(const store::Snapshot& snapshot, const Stream& stream,
                                                     std::uint64_t from, std::size_t limit) {
  const auto id = stream.definition.id;
  const auto cursor =
      snapshot.cursor(store::Space::streams, record_key(id, from), store::prefix_end(record_prefix(id)));
  std::vector<StreamRecord> records;
  std::size_t bytes = 0;
  for (cursor->seek_first(); cursor->valid() && records.size() < limit && bytes < kPageBytes; cursor->next()) {
    auto record = decode_record(cursor->value(), sequence_of(cursor->key()));
    if (!record) return refuse(ErrorKind::unavailable, record.error().message());
    bytes += record->size_bytes;
    records.push_back(*std::move(record));
  }
  if (const auto status = cursor->status(); !status) return refuse(ErrorKind::unavailable, status.error().message());
  return records;
}

}  // namespace lambent::tables
