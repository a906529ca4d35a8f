// The table of settings: the one place where each is declared.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "main/config.h"

namespace lambent {

struct Setting {
  std::string key;         // in the file: "port", "limits.header_bytes"
  std::string value_name;  // in --help: "PORT"
  std::string help;        // without the default
  std::string group;       // heading in --help
  bool quoted = true;      // in the file: a text or a number
  // The error says what the value must be: "must be a number from 0 to 65535".
  std::function<std::expected<void, std::string>(Config&, std::string_view)> set;
  // The value as it would be given.
  std::function<std::string(const Config&)> show;

  [[nodiscard]] std::string flag() const;         // "--limits-header-bytes"
  [[nodiscard]] std::string environment() const;  // "LAMBENT_LIMITS_HEADER_BYTES"
};

// In the order of --help and --print-config.
std::vector<Setting> settings_table();

// The candidate that differs least from a mistyped name, as " (did you mean X?)"; empty where none is near.
std::string near_match(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace lambent
