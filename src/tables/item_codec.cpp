#include "tables/item_codec.h"

namespace lambent::tables {
namespace {

constexpr char kVersion = 1;

void append_value(std::string& out, const AttributeValue& value);

void append_map(std::string& out, const Item& item) {
  append_varint(out, item.size());
  for (const auto& [name, value] : item) {
    append_text(out, name);
    append_value(out, value);
  }
}

struct Appender {
  std::string& out;
  void operator()(const std::string& text) const { append_text(out, text); }
  void operator()(const Number38& number) const { number.append_compact(out); }
  void operator()(const Binary& binary) const { append_text(out, binary.bytes); }
  void operator()(bool value) const { out.push_back(value ? 1 : 0); }
  void operator()(const Null&) const {}
  void operator()(const Map& map) const { append_map(out, map); }
  void operator()(const List& list) const {
    append_varint(out, list.size());
    for (const auto& element : list) append_value(out, element);
  }
  template <class T>
  void operator()(const SetOf<T>& set) const {
    append_varint(out, set.members.size());
    for (const auto& member : set.members) (*this)(member);
  }
};

void append_value(std::string& out, const AttributeValue& value) {
  out.push_back(static_cast<char>(value.type()));
  std::visit(Appender{out}, value.variant());
}

// Reads one item; every take_* is false at the first byte that cannot be.
class Decoder {
 public:
  explicit Decoder(std::string_view in) : in_(in) {}

  bool take_map(Item& item, int depth) {
    std::uint64_t count = 0;
    if (depth > kMaxStoredDepth || !read_varint(in_, count) || count > in_.size()) return false;
    for (; count > 0; --count) {
      std::string name;
      AttributeValue value;
      if (!read_text(in_, name) || !take_value(value, depth)) return false;
      if (!item.empty() && name <= item.rbegin()->first) return false;
      item.emplace_hint(item.end(), std::move(name), std::move(value));
    }
    return true;
  }
  [[nodiscard]] bool at_end() const { return in_.empty(); }

 private:
  bool take_member(std::string& text) { return read_text(in_, text); }
  bool take_member(Binary& binary) { return read_text(in_, binary.bytes); }
  bool take_member(Number38& number) {
    const auto read = Number38::read_compact(in_);
    if (read) number = *read;
    return read.has_value();
  }

  template <class T>
  bool take_scalar(AttributeValue& value) {
    T member;
    if (!take_member(member)) return false;
    value = AttributeValue(AttributeValue::Variant(std::move(member)));
    return true;
  }

  template <class T>
  bool take_set(AttributeValue& value) {
    std::uint64_t count = 0;
    if (!read_varint(in_, count) || count > in_.size()) return false;
    SetOf<T> set;
    for (; count > 0; --count) {
      if (!take_member(set.members.emplace_back())) return false;
    }
    value = AttributeValue(AttributeValue::Variant(std::move(set)));
    return true;
  }

  bool take_list(AttributeValue& value, int depth) {
    std::uint64_t count = 0;
    if (depth > kMaxStoredDepth || !read_varint(in_, count) || count > in_.size()) return false;
    List list;
    for (; count > 0; --count) {
      if (!take_value(list.emplace_back(), depth)) return false;
    }
    value = AttributeValue(AttributeValue::Variant(std::move(list)));
    return true;
  }

  bool take_value(AttributeValue& value, int depth) {
    if (in_.empty()) return false;
    const auto type = static_cast<Type>(in_[0]);
    in_.remove_prefix(1);
    switch (type) {
      case Type::S:
        return take_scalar<std::string>(value);
      case Type::N:
        return take_scalar<Number38>(value);
      case Type::B:
        return take_scalar<Binary>(value);
      case Type::BOOL: {
        if (in_.empty() || static_cast<unsigned char>(in_[0]) > 1) return false;
        value = AttributeValue(AttributeValue::Variant(in_[0] == 1));
        in_.remove_prefix(1);
        return true;
      }
      case Type::NULL_:
        value = AttributeValue();
        return true;
      case Type::L:
        return take_list(value, depth + 1);
      case Type::M: {
        Map map;
        if (!take_map(map, depth + 1)) return false;
        value = AttributeValue(AttributeValue::Variant(std::move(map)));
        return true;
      }
      case Type::SS:
        return take_set<std::string>(value);
      case Type::NS:
        return take_set<Number38>(value);
      case Type::BS:
        return take_set<Binary>(value);
    }
    return false;
  }

  std::string_view in_;
};

}  // namespace

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
}

bool read_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in[0]);
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out += text;
}

bool read_text(std::string_view& in, std::string& text) {
  std::uint64_t length = 0;
  if (!read_varint(in, length) || length > in.size()) return false;
  text = in.substr(0, length);
  in.remove_prefix(length);
  return true;
}

std::string encode_item(const Item& item) {
  std::string out;
  out.push_back(kVersion);
  append_map(out, item);
  return out;
}

Result<Item> decode_item(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != kVersion) return fail(Error::of("decode", "item", "unknown version"));
  Decoder decoder(bytes.substr(1));
  Item item;
  if (!decoder.take_map(item, 0) || !decoder.at_end()) return fail(Error::of("decode", "item", "damaged"));
  return item;
}

}  // namespace lambent::tables
