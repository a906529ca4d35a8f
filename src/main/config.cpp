#include "main/config.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/json_text.h"
#include "main/config_file.h"
#include "main/config_table.h"

namespace lambent {
namespace {

constexpr std::string_view kConfigFlag = "--config";
constexpr std::string_view kPrintFlag = "--print-config";
constexpr std::string_view kConfigVariable = "LAMBENT_CONFIG";
constexpr std::string_view kAccessKeyVariable = "LAMBENT_ROOT_ACCESS_KEY";
constexpr std::string_view kSecretKeyVariable = "LAMBENT_ROOT_SECRET_KEY";

// Builds the configuration from the weakest source to the strongest.
class Loader {
 public:
  Loader() : table_(settings_table()), origins_(table_.size()) {}

  Result<> apply_file(const std::string& path) {
    LAMBENT_TRY(const std::vector<FileValue> values, read_config_file(path));
    for (const FileValue& value : values) {
      LAMBENT_TRY_VOID(apply(&Setting::key, value.key, value.value, Origin::file, value.place, value.place));
    }
    return {};
  }

  Result<> apply_environment(const std::map<std::string, std::string>& environment) {
    for (const auto& [name, value] : environment) {
      if (name == kConfigVariable || name == kAccessKeyVariable || name == kSecretKeyVariable) continue;
      LAMBENT_TRY_VOID(apply(&Setting::environment, name, value, Origin::environment, name, "environment"));
    }
    return {};
  }

  Result<> apply_flags(const std::vector<cli::FlagValue>& flags) {
    for (const cli::FlagValue& flag : flags) {
      if (flag.name == kConfigFlag || flag.name == kPrintFlag) continue;
      LAMBENT_TRY_VOID(apply(&Setting::flag, flag.name, flag.value, Origin::flag, flag.name, "command line"));
    }
    return {};
  }

  Result<> apply_root_keys(const std::map<std::string, std::string>& environment) {
    const auto access = environment.find(std::string(kAccessKeyVariable));
    const auto secret = environment.find(std::string(kSecretKeyVariable));
    if (access == environment.end() && secret == environment.end()) return {};
    if (access == environment.end() || secret == environment.end()) {
      return fail(Error::of("read setting", "environment",
                            fmt::format("{} and {} must be given together", kAccessKeyVariable, kSecretKeyVariable)));
    }
    loaded_.config.root_keys = RootKeys{access->second, secret->second};
    return {};
  }

  LoadedConfig finish() && {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      loaded_.settings.push_back(
          {table_[i].key, table_[i].show(loaded_.config), origins_[i].first, origins_[i].second});
    }
    if (loaded_.config.root_keys) {
      loaded_.settings.push_back({"root_access_key", loaded_.config.root_keys->access_key_id, Origin::environment,
                                  std::string(kAccessKeyVariable)});
    }
    return std::move(loaded_);
  }

 private:
  // `name_of` is what the source calls a setting; `place` is where an unknown name is said to stand.
  template <class NameOf>
  Result<> apply(NameOf name_of, const std::string& name, std::string_view value, Origin origin,
                 const std::string& source, std::string_view place) {
    std::vector<std::string> names;
    for (const Setting& setting : table_) names.push_back(std::invoke(name_of, setting));
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      return fail(Error::of("read setting", place, fmt::format("unknown setting {}{}", name, near_match(name, names))));
    }
    const auto at = static_cast<std::size_t>(found - names.begin());
    if (auto set = table_[at].set(loaded_.config, value); !set) {
      return fail(Error::of("read setting", place, fmt::format("{} {}, not \"{}\"", name, set.error(), value)));
    }
    origins_[at] = {origin, source};
    return {};
  }

  std::vector<Setting> table_;
  std::vector<std::pair<Origin, std::string>> origins_;
  LoadedConfig loaded_;
};

std::optional<std::string> last_flag(const std::vector<cli::FlagValue>& flags, std::string_view name) {
  std::optional<std::string> value;
  for (const cli::FlagValue& flag : flags) {
    if (flag.name == name) value = flag.value;
  }
  return value;
}

std::optional<std::string> variable(const std::map<std::string, std::string>& environment, std::string_view name) {
  const auto found = environment.find(std::string(name));
  return found == environment.end() ? std::nullopt : std::optional(found->second);
}

// The data folder belongs to the user that the server becomes; who can make that user write a file there must not so
// tell root what to do.
Result<> check_owner(const std::string& path) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) return fail_errno("stat", path);
  if (info.st_uid == 0 || info.st_uid == geteuid()) return {};
  return fail(Error::of(
      "read settings", path,
      fmt::format("the file belongs to user {}; run chown root {}, or name it with --config", info.st_uid, path)));
}

// Named by flag or environment, or the one in the data folder; nothing where there is none.
Result<std::optional<std::string>> config_file(const std::vector<cli::FlagValue>& flags,
                                               const std::map<std::string, std::string>& environment) {
  if (auto named = last_flag(flags, kConfigFlag)) return named;
  if (auto named = variable(environment, kConfigVariable)) return named;
  const std::string data =
      last_flag(flags, "--data").value_or(variable(environment, "LAMBENT_DATA").value_or(Config().data));
  std::string path = data + "/lambent.toml";
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) return std::nullopt;
  LAMBENT_TRY_VOID(check_owner(path));
  return path;
}

std::string_view origin_text(Origin origin) {
  switch (origin) {
    case Origin::built_in:
      return "default";
    case Origin::file:
      return "file";
    case Origin::environment:
      return "environment";
    case Origin::flag:
      return "flag";
  }
  std::unreachable();
}

std::string with_origin(std::string assignment, const SettingValue& setting) {
  return fmt::format("{:<48}  # {}{}{}\n", assignment, origin_text(setting.origin), setting.source.empty() ? "" : ": ",
                     setting.source);
}

}  // namespace

std::vector<cli::FlagSpec> serve_flags() {
  std::vector<cli::FlagSpec> flags = {
      {std::string(kConfigFlag), "FILE", "TOML file of settings (default: lambent.toml in the data folder)", "Server"},
      {std::string(kPrintFlag), "", "Print every setting with its origin, and stop", "Server"}};
  const Config defaults;
  for (const Setting& setting : settings_table()) {
    const std::string value = setting.show(defaults);
    flags.push_back({setting.flag(), setting.value_name,
                     setting.help + (value.empty() ? "" : fmt::format(" (default: {})", value)), setting.group,
                     setting.key == "runtimes"});
  }
  return flags;
}

Result<LoadedConfig> load_config(const std::vector<cli::FlagValue>& flags,
                                 const std::map<std::string, std::string>& environment) {
  Loader loader;
  LAMBENT_TRY(const auto path, config_file(flags, environment));
  if (path) LAMBENT_TRY_VOID(loader.apply_file(*path));
  LAMBENT_TRY_VOID(loader.apply_environment(environment));
  LAMBENT_TRY_VOID(loader.apply_root_keys(environment));
  LAMBENT_TRY_VOID(loader.apply_flags(flags));
  LoadedConfig loaded = std::move(loader).finish();
  loaded.print_only = last_flag(flags, kPrintFlag).has_value();
  return loaded;
}

std::map<std::string, std::string> lambent_environment() {
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const auto equals = line.find('=');
    if (line.starts_with("LAMBENT_") && equals != std::string_view::npos) {
      found.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  return found;
}

std::string print_config(const LoadedConfig& loaded) {
  std::string top;
  std::vector<std::pair<std::string_view, std::string>> sections;  // in the table's order
  std::string runtimes = "\n[runtimes]\n";
  const auto table = settings_table();
  for (const SettingValue& setting : loaded.settings) {
    const auto declared = std::ranges::find(table, setting.key, &Setting::key);
    if (setting.key == "runtimes") {
      for (const auto& [name, path] : loaded.config.runtimes) {
        runtimes += with_origin(fmt::format("{} = {}", json_string(name), json_string(path)), setting);
      }
      continue;
    }
    if (declared == table.end()) {  // environment only
      top += with_origin(fmt::format("# {} = {}", setting.key, json_string(setting.value)), setting);
      continue;
    }
    std::string_view name = setting.key;
    std::string* into = &top;
    if (const auto dot = name.find('.'); dot != std::string_view::npos) {
      const auto section = name.substr(0, dot);
      name.remove_prefix(dot + 1);
      if (sections.empty() || sections.back().first != section) {
        sections.emplace_back(section, fmt::format("\n[{}]\n", section));
      }
      into = &sections.back().second;
    }
    *into += with_origin(fmt::format("{} = {}", name, declared->quoted ? json_string(setting.value) : setting.value),
                         setting);
  }
  for (const auto& [section, text] : sections) top += text;
  return top + runtimes;
}

}  // namespace lambent
