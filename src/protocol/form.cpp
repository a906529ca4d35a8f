#include "protocol/form.h"

#include "base/encoding.h"

namespace lambent::protocol {

std::optional<Form> parse_form(std::string_view text, bool plus_is_space) {
  Form form;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto key = percent_decode(pair.substr(0, equals), plus_is_space);
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), plus_is_space);
    if (!key || !value || !is_utf8(*key) || !is_utf8(*value) || form.size() == kMaxFormPairs) return {};
    form.emplace_back(*std::move(key), *std::move(value));
  }
  return form;
}

const std::string* find_in(const Form& form, std::string_view key) {
  for (const auto& [name, value] : form) {
    if (name == key) return &value;
  }
  return nullptr;
}

}  // namespace lambent::protocol
