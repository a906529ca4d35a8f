#include "edge/http.h"

#include <algorithm>

#include "edge/http_error.h"

namespace lambent::edge {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_token_char(char c) {
  const bool alphanumeric = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
  return alphanumeric || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

Headers::Headers(std::initializer_list<Header> fields) {
  for (const auto& field : fields) add(field.name, field.value);
}

bool Headers::add(std::string_view name, std::string_view value) {
  value = trim(value);
  if (!is_token(name) || !std::ranges::all_of(value, is_value_char)) return false;
  add_checked(name, value);
  return true;
}

bool Headers::set(std::string_view name, std::string_view value) {
  // Copies, because the views may be of the fields that are about to go.
  const std::string kept_name(name);
  const std::string kept_value(trim(value));
  if (!is_token(kept_name) || !std::ranges::all_of(kept_value, is_value_char)) return false;
  remove(kept_name);
  add_checked(kept_name, kept_value);
  return true;
}

void Headers::remove(std::string_view name) {
  if (!has(name)) return;
  Headers kept;
  kept.reserve(fields_.size(), wire_.size());
  for (const auto field : *this) {
    if (!equals_ignoring_case(field.name, name)) kept.add_checked(field.name, field.value);
  }
  *this = std::move(kept);
}

void Headers::clear() {
  wire_.clear();
  fields_.clear();
}

void Headers::reserve(std::size_t fields, std::size_t bytes) {
  fields_.reserve(fields);
  wire_.reserve(bytes);
}

void Headers::add_checked(std::string_view name, std::string_view value) {
  fields_.push_back({.begin = static_cast<std::uint32_t>(wire_.size()),
                     .name_size = static_cast<std::uint32_t>(name.size()),
                     .value_size = static_cast<std::uint32_t>(value.size())});
  wire_.append(name).append(": ").append(value).append("\r\n");
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto field : *this) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view Headers::get_or(std::string_view name, std::string_view otherwise) const {
  return get(name).value_or(otherwise);
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto field : *this) {
    if (equals_ignoring_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

Header Headers::operator[](std::size_t index) const {
  const Field& field = fields_[index];
  const std::string_view wire = wire_;
  return {.name = wire.substr(field.begin, field.name_size),
          .value = wire.substr(field.begin + field.name_size + 2, field.value_size)};
}

std::string_view RequestHead::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

Response error_response(const HttpError& error) {
  Response response;
  response.status = error.status == 0 ? 400 : error.status;
  response.headers.add("Content-Type", "application/json");
  response.body.append(R"({"message":")").append(error.message).append("\"}");
  return response;
}

}  // namespace lambent::edge
