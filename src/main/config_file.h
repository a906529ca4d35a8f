// The TOML file of settings, flattened: one entry a value, with the place it stands at.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace lambent {

struct FileValue {
  std::string key;    // "limits.header_bytes"; an entry of [runtimes] is {"runtimes", "python3.11=/path"}
  std::string value;  // texts and whole numbers only
  std::string place;  // "/x/lambent.toml:3"
};

// Keys are not looked at here. Fails for a file that cannot be read, is no TOML, or holds other kinds of values.
Result<std::vector<FileValue>> read_config_file(const std::string& path);

}  // namespace lambent
