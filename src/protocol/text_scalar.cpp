#include "protocol/text_scalar.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "protocol/slot.h"
#include "protocol/time_text.h"

namespace lambent::protocol {
namespace {

TimeFormat chosen(const Shape& shape, TimeFormat otherwise) {
  return shape.time_format == TimeFormat::automatic ? otherwise : shape.time_format;
}

template <class Number>
bool parse_number(std::string_view text, Number& target) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_boolean(std::string_view text, bool& target) {
  target = text == "true";
  return target || text == "false";
}

ServiceError mismatch(std::string_view java_type) {
  return serialization_error(conversion_text("STRING_VALUE", java_type));
}

}  // namespace

std::string conversion_text(std::string_view token, std::string_view java_type) {
  const bool vowel = std::string_view("AEIOU").contains(java_type.front());
  return fmt::format("{} can not be converted to {} {}", token, vowel ? "an" : "a", java_type);
}

std::optional<ServiceError> parse_scalar(const Shape& shape, std::string_view text, TimeFormat format, void* target) {
  if (!is_utf8(text)) return serialization_error("Invalid UTF-8 in a parameter");
  switch (shape.kind) {
    case Kind::boolean:
      if (!parse_boolean(text, as<bool>(target))) return mismatch("Boolean");
      return {};
    case Kind::integer:
      if (!parse_number(text, as<std::int32_t>(target))) return mismatch("Integer");
      return {};
    case Kind::long_integer:
      if (!parse_number(text, as<std::int64_t>(target))) return mismatch("Long");
      return {};
    case Kind::floating:
      if (!parse_number(text, as<double>(target)) || !std::isfinite(as<double>(target))) return mismatch("Double");
      return {};
    case Kind::timestamp: {
      const auto time = parse_time(text, chosen(shape, format));
      if (!time) return mismatch("Date");
      as<Timestamp>(target) = *time;
      return {};
    }
    case Kind::blob: {
      auto bytes = base64_decode(text);
      if (!bytes) return serialization_error("Invalid Base64 character detected");
      as<std::string>(target) = *std::move(bytes);
      return {};
    }
    case Kind::string:
      as<std::string>(target).assign(text);
      return {};
    default:
      return serialization_error("Start of structure or map found where not expected");
  }
}

std::string format_scalar(const Shape& shape, const void* value, TimeFormat format) {
  switch (shape.kind) {
    case Kind::boolean:
      return as<bool>(value) ? "true" : "false";
    case Kind::integer:
      return std::to_string(as<std::int32_t>(value));
    case Kind::long_integer:
      return std::to_string(as<std::int64_t>(value));
    case Kind::floating:
      return fmt::format("{}", as<double>(value));
    case Kind::timestamp:
      return format_time(as<Timestamp>(value), chosen(shape, format));
    case Kind::blob:
      return base64_encode(as<std::string>(value));
    case Kind::string:
      return as<std::string>(value);
    default:
      return {};
  }
}

}  // namespace lambent::protocol
