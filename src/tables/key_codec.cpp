#include "tables/key_codec.h"

#include "store/key_value_store.h"

namespace lambent::tables {
namespace {

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
}

std::string_view bytes_in(const AttributeValue& value) {
  if (const auto* text = value.get_if<std::string>()) return *text;
  return value.get_if<Binary>()->bytes;
}

template <class Int>
void append_big_endian(std::string& out, Int value) {
  for (int shift = sizeof(Int) * 8 - 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// FNV-1a with a final mix (MurmurHash3's); part of the format on disk.
std::uint32_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
  return static_cast<std::uint32_t>(hash >> 32U);
}

void append_keys(std::string& out, const KeySchema& key, const Item& item) {
  append_key_value(out, item.find(key.hash.name)->second);
  if (key.range) append_key_value(out, item.find(key.range->name)->second);
}

}  // namespace

void append_key_value(std::string& out, const AttributeValue& value) {
  if (const auto* number = value.get_if<Number38>()) return number->append_ordered(out);
  append_escaped(out, bytes_in(value));
  out.append(2, '\0');
}

void append_key_start(std::string& out, const AttributeValue& value) {
  append_escaped(out, bytes_in(value));
}

std::string table_prefix(std::uint64_t table_id) {
  std::string out;
  append_big_endian(out, table_id);
  return out;
}

std::string view_prefix(std::uint64_t table_id, std::uint8_t view) {
  std::string out = table_prefix(table_id);
  out.push_back(static_cast<char>(view));
  return out;
}

std::string partition_prefix(std::string_view view, const AttributeValue& hash) {
  std::string value;
  append_key_value(value, hash);
  std::string out(view);
  append_big_endian(out, hash_of(value));
  return out + value;
}

std::string segment_start(std::string_view view, std::uint32_t segment, std::uint32_t total) {
  if (segment == total) return store::prefix_end(view);
  std::string out(view);
  append_big_endian(out, static_cast<std::uint32_t>((std::uint64_t{segment} << 32U) / total));
  return out;
}

std::string item_key(std::string_view view, const KeySchema& key, const Item& item) {
  std::string out = partition_prefix(view, item.find(key.hash.name)->second);
  if (key.range) append_key_value(out, item.find(key.range->name)->second);
  return out;
}

std::string index_key(std::string_view view, const KeySchema& index, const KeySchema& table, const Item& item) {
  std::string out = item_key(view, index, item);
  append_keys(out, table, item);
  return out;
}

}  // namespace lambent::tables
