// What belongs to a function as a whole and is no part of any version.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace lambent::catalog {

struct Settings {
  std::uint64_t last_version = 0;  // the highest number ever published: none is given twice
};

using SettingsPtr = std::shared_ptr<const Settings>;

// How they are kept in the store; see function_record.h.
std::string encode_settings(const Settings& settings);
Result<Settings> decode_settings(std::string_view text);

}  // namespace lambent::catalog
