#include "protocol/json_writer.h"

#include <fmt/format.h>

#include <cmath>

#include "base/encoding.h"
#include "base/json_text.h"

namespace lambent::protocol {
void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  comma_ = false;
}

void JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
}

void JsonWriter::base64(std::string_view bytes) {
  separate();
  out_ += '"';
  out_ += base64_encode(bytes);
  out_ += '"';
}

void JsonWriter::boolean(bool value) {
  raw(value ? "true" : "false");
}

void JsonWriter::integer(std::int64_t value) {
  raw(fmt::format_int(value).c_str());
}

void JsonWriter::floating(double value) {
  if (std::isnan(value)) return string("NaN");
  if (std::isinf(value)) return string(value < 0 ? "-Infinity" : "Infinity");
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  raw(text);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

}  // namespace lambent::protocol
