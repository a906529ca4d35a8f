#include "protocol/json_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <bitset>
#include <cmath>
#include <limits>

#include "base/encoding.h"
#include "protocol/attribute_value.h"
#include "protocol/slot.h"
#include "protocol/text_scalar.h"
#include "protocol/time_text.h"

namespace lambent::protocol {
namespace {

namespace dom = simdjson::dom;
using dom::element_type;

// A parser keeps its buffers, about ten times the largest text it has read; larger texts get a parser of their own.
constexpr std::size_t kKeptParserBytes = 1U << 20U;

bool is_null(dom::element element) {
  return element.type() == element_type::NULL_VALUE;
}

// The token's name in the texts of AWS's parser.
std::string_view token_name(dom::element element) {
  switch (element.type()) {
    case element_type::STRING:
      return "STRING_VALUE";
    case element_type::BOOL:
      return element.get_bool().value_unsafe() ? "TRUE_VALUE" : "FALSE_VALUE";
    default:
      return "NUMBER_VALUE";
  }
}

class Reader {
 public:
  Reader(const JsonOptions& options, Violations& violations, bool has_escapes)
      : options_(options), violations_(violations), has_escapes_(has_escapes) {}

  // The functions below give false where the request cannot be read; then error() says why.
  bool structure(const Structure& shape, void* target, dom::element element, const Path& path);
  [[nodiscard]] ServiceError error() && { return serialization_error(std::move(error_)); }

 private:
  bool value(const Shape& shape, void* target, dom::element element, const Path& path);
  bool scalar(const Shape& shape, void* target, dom::element element);
  bool list(const Shape& shape, void* target, dom::element element, const Path& path);
  bool map(const Shape& shape, void* target, dom::element element, const Path& path);

  bool string(std::string& target, dom::element element);
  bool blob(std::string& target, dom::element element);
  bool boolean(bool& target, dom::element element);
  bool integer(std::int64_t& target, dom::element element, std::int64_t least, std::int64_t most,
               std::string_view java_type);
  bool floating(double& target, dom::element element);
  bool timestamp(Timestamp& target, dom::element element, TimeFormat format);

  bool attribute_value(AttributeValue& target, dom::element element);
  bool attribute_member(AttributeValue& target, std::string_view type, dom::element element);
  bool attribute_texts(std::vector<std::string>& target, dom::element element, bool binary);
  bool attribute_list(AttributeValue& target, dom::element element);
  bool attribute_map(AttributeValue& target, dom::element element);

  bool fail(std::string message) {
    error_ = std::move(message);
    return false;
  }
  // A scalar of another type, or something with members where a scalar should be.
  bool wrong_type(dom::element element, std::string_view java_type);
  // A scalar, or the other kind of collection, where a collection should be.
  bool wrong_collection(dom::element element, std::string_view java_type);
  std::string java_type(const Shape& shape) const;

  const JsonOptions& options_;
  Violations& violations_;
  bool has_escapes_;
  std::string error_;
};

bool Reader::wrong_type(dom::element element, std::string_view java_type) {
  if (element.type() == element_type::OBJECT) return fail("Start of structure or map found where not expected");
  if (element.type() == element_type::ARRAY) return fail("Start of list found where not expected");
  if (options_.dialect == JsonDialect::rest_json) return fail(conversion_text(token_name(element), java_type));
  return fail(fmt::format("{} cannot be converted to {}", token_name(element), java_type));
}

bool Reader::wrong_collection(dom::element element, std::string_view java_type) {
  if (element.type() == element_type::OBJECT) return fail("Start of structure or map found where not expected");
  if (element.type() == element_type::ARRAY) return fail(fmt::format("Unrecognized collection type {}", java_type));
  return fail("Unexpected field type");
}

// As Java's Type.toString() shows it.
std::string Reader::java_type(const Shape& shape) const {
  if (shape.kind == Kind::map) return fmt::format("java.util.Map<java.lang.String, {}>", java_type(*shape.element));
  if (shape.kind == Kind::list) return fmt::format("java.util.List<{}>", java_type(*shape.element));
  if (shape.kind == Kind::structure || shape.kind == Kind::attribute_value) {
    return fmt::format("{}.{}", options_.type_namespace, shape.name);
  }
  return "java.lang.String";
}

bool Reader::structure(const Structure& shape, void* target, dom::element element, const Path& path) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return wrong_collection(element, fmt::format("class {}.{}", options_.type_namespace, shape.name));
  }
  // Found first, then read in the model's order: of duplicates the last one counts.
  std::array<dom::element, kMaxMembers> found;
  std::bitset<kMaxMembers> present;
  for (const auto [key, value] : object) {
    for (std::size_t i = 0; i < shape.members.size(); ++i) {
      const Member& member = shape.members[i];
      if (member.place != Place::body || member.wire != key) continue;
      found[i] = value;
      present.set(i, !is_null(value));
      break;
    }
  }
  for (std::size_t i = 0; i < shape.members.size(); ++i) {
    const Member& member = shape.members[i];
    if (member.place != Place::body) continue;
    const Path here = path.member(member.name);
    if (!present[i]) {
      if (member.required) violations_.missing(here);
      continue;
    }
    void* slot = fill(member, target);
    if (!value(*member.shape, slot, found[i], here)) return false;
    violations_.check(*member.shape, slot, here);
  }
  return true;
}

bool Reader::value(const Shape& shape, void* target, dom::element element, const Path& path) {
  switch (shape.kind) {
    case Kind::structure:
      return structure(*shape.structure, target, element, path);
    case Kind::list:
      return list(shape, target, element, path);
    case Kind::map:
      return map(shape, target, element, path);
    case Kind::attribute_value:
      return attribute_value(as<AttributeValue>(target), element);
    default:
      return scalar(shape, target, element);
  }
}

bool Reader::scalar(const Shape& shape, void* target, dom::element element) {
  switch (shape.kind) {
    case Kind::boolean:
      return boolean(as<bool>(target), element);
    case Kind::integer: {
      using Limit = std::numeric_limits<std::int32_t>;
      std::int64_t wide = 0;
      if (!integer(wide, element, Limit::min(), Limit::max(), "Integer")) return false;
      as<std::int32_t>(target) = static_cast<std::int32_t>(wide);
      return true;
    }
    case Kind::long_integer: {
      using Limit = std::numeric_limits<std::int64_t>;
      return integer(as<std::int64_t>(target), element, Limit::min(), Limit::max(), "Long");
    }
    case Kind::floating:
      return floating(as<double>(target), element);
    case Kind::blob:
      return blob(as<std::string>(target), element);
    case Kind::timestamp:
      return timestamp(as<Timestamp>(target), element, shape.time_format);
    default:
      return string(as<std::string>(target), element);
  }
}

bool Reader::string(std::string& target, dom::element element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return wrong_type(element, "String");
  // The parser has checked the bytes, but not every escape: "\udc00" becomes a surrogate on its own.
  if (has_escapes_ && !is_utf8(text)) return fail("Invalid UTF-16 surrogate in a string");
  target.assign(text);
  return true;
}

bool Reader::blob(std::string& target, dom::element element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return wrong_type(element, "Blob");
  if (text.size() % 4 != 0) {
    return fail(fmt::format("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.size()));
  }
  auto bytes = base64_decode(text);
  if (!bytes) return fail("Invalid Base64 character detected");
  target = *std::move(bytes);
  return true;
}

bool Reader::boolean(bool& target, dom::element element) {
  return element.get(target) == simdjson::SUCCESS || wrong_type(element, "Boolean");
}

bool Reader::integer(std::int64_t& target, dom::element element, std::int64_t least, std::int64_t most,
                     std::string_view java_type) {
  double real = 0;
  if (element.type() == element_type::DOUBLE) {  // 3.0 and 1e3 are whole numbers too
    real = element.get_double().value_unsafe();
    // Below 2^53 every whole double is exact; beyond, the client meant something else.
    if (std::abs(real) > 9007199254740992.0 || real != std::trunc(real)) return wrong_type(element, java_type);
    target = static_cast<std::int64_t>(real);
  } else if (element.get(target) != simdjson::SUCCESS) {
    return wrong_type(element, java_type);
  }
  return (target >= least && target <= most) || wrong_type(element, java_type);
}

bool Reader::floating(double& target, dom::element element) {
  return element.get(target) == simdjson::SUCCESS || wrong_type(element, "Double");
}

bool Reader::timestamp(Timestamp& target, dom::element element, TimeFormat format) {
  std::optional<Timestamp> time;
  double seconds = 0;
  std::string_view text;
  if (element.get(seconds) == simdjson::SUCCESS) {
    time = epoch_time(seconds);
  } else if (element.get(text) == simdjson::SUCCESS) {
    time = parse_time(text, format == TimeFormat::automatic ? TimeFormat::iso8601 : format);
  }
  if (!time) return wrong_type(element, "Date");
  target = *time;
  return true;
}

bool Reader::list(const Shape& shape, void* target, dom::element element, const Path& path) {
  dom::array array;
  if (element.get(array) != simdjson::SUCCESS) return wrong_collection(element, java_type(shape));
  shape.list->clear(target);
  bool has_null = false;
  std::size_t index = 0;
  for (const dom::element item : array) {
    const Path here = path.element(index++);
    if (!is_null(item)) {
      if (!value(*shape.element, shape.list->append(target), item, here)) return false;
    } else {
      shape.list->append(target);  // counts; the service refuses an empty attribute value in its own words
      if (shape.element->kind == Kind::structure) violations_.missing(here);
      has_null = has_null || (shape.element->kind != Kind::structure && shape.element->kind != Kind::attribute_value);
    }
  }
  violations_.check_elements(shape, target, has_null, path);
  return true;
}

bool Reader::map(const Shape& shape, void* target, dom::element element, const Path& path) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return wrong_collection(element, java_type(shape));
  shape.map->clear(target);
  bool has_null = false;
  for (const auto [key, item] : object) {
    if (has_escapes_ && !is_utf8(key)) return fail("Invalid UTF-16 surrogate in a string");
    if (is_null(item) && shape.element->kind != Kind::attribute_value) {
      has_null = true;
      continue;
    }
    if (!value(*shape.element, shape.map->append(target, std::string(key)), item, path.entry(key))) return false;
  }
  shape.map->finish(target);
  violations_.check_elements(shape, target, has_null, path);
  return true;
}

bool Reader::attribute_value(AttributeValue& target, dom::element element) {
  if (is_null(element)) return true;
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return wrong_collection(element, fmt::format("class {}.AttributeValue", options_.type_namespace));
  }
  std::string_view first;
  for (const auto [key, value] : object) {
    if (is_null(value)) continue;
    AttributeValue member;
    if (!attribute_member(member, key, value)) return false;
    if (member.type() == AttributeValue::Type::empty) continue;  // unknown
    target = first.empty() || first == key ? std::move(member) : AttributeValue::conflicting();
    if (first.empty()) first = key;
    if (target.type() == AttributeValue::Type::conflicting) first = "conflict";
  }
  return true;
}

bool Reader::attribute_member(AttributeValue& target, std::string_view type, dom::element element) {
  if (type == "S" || type == "N") {
    std::string text;
    if (!string(text, element)) return false;
    target = type == "S" ? AttributeValue::s(std::move(text)) : AttributeValue::n(std::move(text));
  } else if (type == "B") {
    std::string bytes;
    if (!blob(bytes, element)) return false;
    target = AttributeValue::b(std::move(bytes));
  } else if (type == "M") {
    return attribute_map(target, element);
  } else if (type == "L") {
    return attribute_list(target, element);
  } else if (type == "BOOL" || type == "NULL") {
    bool value = false;
    if (!boolean(value, element)) return false;
    target = type == "BOOL" ? AttributeValue::boolean(value) : AttributeValue::null(value);
  } else if (type == "SS" || type == "NS" || type == "BS") {
    std::vector<std::string> texts;
    if (!attribute_texts(texts, element, type == "BS")) return false;
    target = type == "SS"   ? AttributeValue::ss(std::move(texts))
             : type == "NS" ? AttributeValue::ns(std::move(texts))
                            : AttributeValue::bs(std::move(texts));
  }
  return true;
}

bool Reader::attribute_texts(std::vector<std::string>& target, dom::element element, bool binary) {
  dom::array array;
  if (element.get(array) != simdjson::SUCCESS) {
    return wrong_collection(element,
                            binary ? "java.util.List<java.nio.ByteBuffer>" : "java.util.List<java.lang.String>");
  }
  target.reserve(array.size());
  for (const dom::element item : array) {
    if (!(binary ? blob(target.emplace_back(), item) : string(target.emplace_back(), item))) return false;
  }
  return true;
}

bool Reader::attribute_list(AttributeValue& target, dom::element element) {
  dom::array array;
  if (element.get(array) != simdjson::SUCCESS) {
    return wrong_collection(element, fmt::format("java.util.List<{}.AttributeValue>", options_.type_namespace));
  }
  std::vector<AttributeValue> list;
  list.reserve(array.size());
  for (const dom::element item : array) {
    if (!attribute_value(list.emplace_back(), item)) return false;
  }
  target = AttributeValue::l(std::move(list));
  return true;
}

bool Reader::attribute_map(AttributeValue& target, dom::element element) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return wrong_collection(element,
                            fmt::format("java.util.Map<java.lang.String, {}.AttributeValue>", options_.type_namespace));
  }
  Map<AttributeValue> map;
  map.reserve(object.size());
  for (const auto [key, item] : object) {
    if (has_escapes_ && !is_utf8(key)) return fail("Invalid UTF-16 surrogate in a string");
    if (!attribute_value(map.push_back(std::string(key), AttributeValue()), item)) return false;
  }
  map.sort();
  target = AttributeValue::m(std::move(map));
  return true;
}

// A document over `body`, whose capacity is enlarged so that the parser reads it in place.
simdjson::error_code parse(dom::parser& parser, std::string& body, dom::element& root) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  if (parser.capacity() < body.size() || parser.max_depth() != kMaxJsonDepth) {
    if (const auto error = parser.allocate(std::max<std::size_t>(body.size(), 4096), kMaxJsonDepth)) return error;
  }
  return parser.parse(body.data(), body.size(), false).get(root);
}

ServiceError not_json(const JsonOptions& options, simdjson::error_code error) {
  if (options.dialect == JsonDialect::aws_json) return serialization_error("");
  return {.code = "InvalidRequestContentException",
          .message = fmt::format("Could not parse request body into json: {}", simdjson::error_message(error)),
          .members = R"("Type":"User")"};
}

}  // namespace

std::optional<ServiceError> read_json(std::string& body, const Structure& structure, void* target, const Path& path,
                                      const JsonOptions& options, Violations& violations) {
  if (body.empty()) body = "{}";
  // Buffers that the loop's thread uses again for every request; nothing in them outlives this call.
  thread_local dom::parser kept;
  std::optional<dom::parser> own;
  dom::parser& parser = body.size() <= kKeptParserBytes ? kept : own.emplace();
  dom::element root;
  if (const auto error = parse(parser, body, root); error != simdjson::SUCCESS) return not_json(options, error);

  Reader reader(options, violations, body.find("\\u") != std::string::npos);
  if (!reader.structure(structure, target, root, path)) return std::move(reader).error();
  return std::nullopt;
}

}  // namespace lambent::protocol
