#include "protocol/json_encode.h"

#include "protocol/slot.h"
#include "protocol/time_text.h"

namespace lambent::protocol {
namespace {

void write_attribute_value(JsonWriter& out, const AttributeValue& value);

void write_texts(JsonWriter& out, std::string_view type, const std::vector<std::string>& texts, bool binary) {
  out.key(type);
  out.begin_array();
  for (const auto& text : texts) {
    if (binary) {
      out.base64(text);
    } else {
      out.string(text);
    }
  }
  out.end_array();
}

void write_attribute_map(JsonWriter& out, const Map<AttributeValue>& map) {
  out.key("M");
  out.begin_object();
  for (const auto& [key, value] : map) {
    out.key(key);
    write_attribute_value(out, value);
  }
  out.end_object();
}

void write_attribute_list(JsonWriter& out, const std::vector<AttributeValue>& list) {
  out.key("L");
  out.begin_array();
  for (const auto& value : list) write_attribute_value(out, value);
  out.end_array();
}

void write_attribute_member(JsonWriter& out, const AttributeValue& value) {
  using Type = AttributeValue::Type;
  switch (value.type()) {
    case Type::empty:
    case Type::conflicting:
      return;
    case Type::s:
      return out.key("S"), out.string(value.text());
    case Type::n:
      return out.key("N"), out.string(value.text());
    case Type::b:
      return out.key("B"), out.base64(value.text());
    case Type::ss:
      return write_texts(out, "SS", value.texts(), false);
    case Type::ns:
      return write_texts(out, "NS", value.texts(), false);
    case Type::bs:
      return write_texts(out, "BS", value.texts(), true);
    case Type::m:
      return write_attribute_map(out, value.map());
    case Type::l:
      return write_attribute_list(out, value.list());
    case Type::null:
      return out.key("NULL"), out.boolean(value.boolean());
    case Type::boolean:
      return out.key("BOOL"), out.boolean(value.boolean());
  }
}

void write_attribute_value(JsonWriter& out, const AttributeValue& value) {
  out.begin_object();
  write_attribute_member(out, value);
  out.end_object();
}

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  void structure(const Structure& shape, const void* value) {
    out_.begin_object();
    members(shape, value, {});
    out_.end_object();
  }

  void members(const Structure& shape, const void* value, std::string_view except) {
    for (const auto& member : shape.members) {
      if (member.place != Place::body || (!except.empty() && member.wire == except)) continue;
      const void* inner = peek(member, value);
      if (inner == nullptr) continue;
      out_.key(member.wire);
      any(*member.shape, inner);
    }
  }

 private:
  void any(const Shape& shape, const void* value) {
    switch (shape.kind) {
      case Kind::boolean:
        return out_.boolean(as<bool>(value));
      case Kind::integer:
        return out_.integer(as<std::int32_t>(value));
      case Kind::long_integer:
        return out_.integer(as<std::int64_t>(value));
      case Kind::floating:
        return out_.floating(as<double>(value));
      case Kind::string:
        return out_.string(as<std::string>(value));
      case Kind::blob:
        return out_.base64(as<std::string>(value));
      case Kind::timestamp:
        return timestamp(shape, as<Timestamp>(value));
      case Kind::list:
        return list(shape, value);
      case Kind::map:
        return map(shape, value);
      case Kind::structure:
        return structure(*shape.structure, value);
      case Kind::attribute_value:
        return write_attribute_value(out_, as<AttributeValue>(value));
    }
  }

  void timestamp(const Shape& shape, Timestamp time) {
    if (shape.time_format == TimeFormat::iso8601 || shape.time_format == TimeFormat::http_date) {
      return out_.string(format_time(time, shape.time_format));
    }
    out_.raw(format_epoch(time));
  }

  void list(const Shape& shape, const void* value) {
    out_.begin_array();
    for (std::size_t i = 0; i < shape.list->size(value); ++i) any(*shape.element, shape.list->at(value, i));
    out_.end_array();
  }

  void map(const Shape& shape, const void* value) {
    out_.begin_object();
    for (std::size_t i = 0; i < shape.map->size(value); ++i) {
      out_.key(shape.map->key(value, i));
      any(*shape.element, shape.map->value(value, i));
    }
    out_.end_object();
  }

  JsonWriter out_;
};

}  // namespace

void append_json(std::string& out, const Structure& structure, const void* value) {
  Encoder(out).structure(structure, value);
}

std::string json_members(const Structure& structure, const void* value, std::string_view except) {
  std::string out;
  Encoder(out).members(structure, value, except);
  return out;
}

void append_json(std::string& out, const AttributeValue& value) {
  JsonWriter writer(out);
  write_attribute_value(writer, value);
}

}  // namespace lambent::protocol
