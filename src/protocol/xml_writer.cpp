#include "protocol/xml_writer.h"

#include "base/encoding.h"
#include "protocol/slot.h"
#include "protocol/text_scalar.h"

namespace lambent::protocol {
namespace {

void open(std::string& out, std::string_view name) {
  out.append("<").append(name).append(">");
}
void close(std::string& out, std::string_view name) {
  out.append("</").append(name).append(">");
}

// One value inside an element of that name.
void append_value(std::string& out, const Shape& shape, const void* value, std::string_view name);

void append_list(std::string& out, const Shape& shape, const void* value, std::string_view name) {
  if (!shape.flattened) open(out, name);
  for (std::size_t i = 0; i < shape.list->size(value); ++i) {
    append_value(out, *shape.element, shape.list->at(value, i), shape.flattened ? name : shape.element_name);
  }
  if (!shape.flattened) close(out, name);
}

void append_map(std::string& out, const Shape& shape, const void* value, std::string_view name) {
  if (!shape.flattened) open(out, name);
  const std::string_view entry = shape.flattened ? name : "entry";
  for (std::size_t i = 0; i < shape.map->size(value); ++i) {
    open(out, entry);
    append_xml_element(out, "key", shape.map->key(value, i));
    append_value(out, *shape.element, shape.map->value(value, i), "value");
    close(out, entry);
  }
  if (!shape.flattened) close(out, name);
}

void append_value(std::string& out, const Shape& shape, const void* value, std::string_view name) {
  switch (shape.kind) {
    case Kind::list:
      return append_list(out, shape, value, name);
    case Kind::map:
      return append_map(out, shape, value, name);
    case Kind::structure:
      open(out, name);
      append_xml(out, *shape.structure, value);
      return close(out, name);
    default:
      return append_xml_element(out, name, format_scalar(shape, value, TimeFormat::iso8601));
  }
}

bool allowed(unsigned char c) {
  return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

void append_xml_text(std::string& out, std::string_view text) {
  const bool valid = is_utf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\r') {
      out += "&#13;";
    } else if (!allowed(byte) || (!valid && byte >= 0x80)) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
}

void append_xml_element(std::string& out, std::string_view name, std::string_view text) {
  open(out, name);
  append_xml_text(out, text);
  close(out, name);
}

void append_xml(std::string& out, const Structure& structure, const void* value) {
  for (const auto& member : structure.members) {
    if (const void* inner = peek(member, value)) append_value(out, *member.shape, inner, member.wire);
  }
}

}  // namespace lambent::protocol
