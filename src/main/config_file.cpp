#include "main/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/files.h"

namespace lambent {
namespace {

constexpr std::size_t kFileLimit = 1024 * 1024;

Result<> flatten(const toml::table& table, const std::string& prefix, const std::string& path,
                 std::vector<FileValue>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const std::string place = fmt::format("{}:{}", path, node.source().begin.line);
    if (const toml::table* inner = node.as_table()) {
      LAMBENT_TRY_VOID(flatten(*inner, key + ".", path, out));
      continue;
    }
    std::string value;
    if (const auto text = node.value_exact<std::string>()) {
      value = *text;
    } else if (const auto number = node.value_exact<std::int64_t>()) {
      value = std::to_string(*number);
    } else {
      return fail(Error::of("read setting", place, fmt::format("{} must be a text or a whole number", key)));
    }
    if (prefix == "runtimes.") {
      out.push_back({"runtimes", fmt::format("{}={}", name.str(), value), place});
    } else {
      out.push_back({key, value, place});
    }
  }
  return {};
}

}  // namespace

Result<std::vector<FileValue>> read_config_file(const std::string& path) {
  LAMBENT_TRY(const std::string content, read_file(path, kFileLimit));
  std::vector<FileValue> values;
  try {
    LAMBENT_TRY_VOID(flatten(toml::parse(content, path), "", path, values));
  } catch (const toml::parse_error& problem) {
    return fail(
        Error::of("read settings", fmt::format("{}:{}", path, problem.source().begin.line), problem.description()));
  }
  return values;
}

}  // namespace lambent
