#include "catalog/settings.h"

#include "catalog/record_reader.h"

namespace lambent::catalog {
namespace {

json::object to_json(const EventInvokeConfig& config) {
  json::object object{
      {"on_success", config.on_success}, {"on_failure", config.on_failure}, {"modified_ms", config.modified_ms}};
  if (config.max_retries) object["max_retries"] = *config.max_retries;
  if (config.max_age_seconds) object["max_age_seconds"] = *config.max_age_seconds;
  return object;
}

json::object to_json(const ProvisionedConcurrency& config) {
  return {{"requested", config.requested}, {"last_modified", config.last_modified}};
}

json::string to_json(const std::string& text) {
  return json::string(text);
}

json::array to_json(const Pairs& pairs) {
  return pairs_to_json(pairs);
}

void read(RecordReader& reader, EventInvokeConfig& config) {
  reader.text("on_success", config.on_success);
  reader.text("on_failure", config.on_failure);
  reader.number("modified_ms", config.modified_ms);
  if (reader.has("max_retries")) reader.number("max_retries", config.max_retries.emplace());
  if (reader.has("max_age_seconds")) reader.number("max_age_seconds", config.max_age_seconds.emplace());
}

void read(RecordReader& reader, ProvisionedConcurrency& config) {
  reader.number("requested", config.requested);
  reader.text("last_modified", config.last_modified);
}

template <class T>
void put_map(json::object& object, const char* name, const Settings::ByQualifier<T>& map) {
  if (map.empty()) return;
  json::object out;
  for (const auto& [qualifier, value] : map) out[qualifier] = to_json(value);
  object[name] = std::move(out);
}

template <class T>
void read_map(RecordReader& reader, const char* name, Settings::ByQualifier<T>& map) {
  const auto* object = reader.object(name);
  if (!object) return;
  for (const auto& [qualifier, value] : *object) {
    auto& member = map[std::string(qualifier)];
    if constexpr (std::is_same_v<T, std::string>) {
      if (!value.is_string()) return reader.fail_at(name);
      member = std::string(value.get_string());
    } else if constexpr (std::is_same_v<T, Pairs>) {
      const json::object wrapped{{"pairs", value}};
      RecordReader inner(wrapped);
      inner.pairs("pairs", member);
      if (!inner.failed().empty()) reader.fail_at(name);
    } else {
      if (!value.is_object()) return reader.fail_at(name);
      RecordReader inner(value.get_object());
      read(inner, member);
      if (!inner.failed().empty()) reader.fail_at(std::string(name) + "." + inner.failed());
    }
  }
}

}  // namespace

void Settings::forget(const std::string& qualifier) {
  event_invoke.erase(qualifier);
  provisioned.erase(qualifier);
  policies.erase(qualifier);
  runtime_management.erase(qualifier);
  scaling.erase(qualifier);
}

std::string encode_settings(const Settings& settings) {
  json::object object{{"format", kRecordFormat}, {"last_version", settings.last_version}};
  if (settings.reserved_concurrency) object["reserved_concurrency"] = *settings.reserved_concurrency;
  if (settings.allows_recursion) object["allows_recursion"] = true;
  if (!settings.code_signing_config_arn.empty()) object["code_signing_config_arn"] = settings.code_signing_config_arn;
  put_map(object, "event_invoke", settings.event_invoke);
  put_map(object, "provisioned", settings.provisioned);
  put_map(object, "policies", settings.policies);
  put_map(object, "runtime_management", settings.runtime_management);
  put_map(object, "scaling", settings.scaling);
  return json::serialize(object);
}

Result<Settings> decode_settings(std::string_view text) {
  LAMBENT_TRY(const auto object, open_record(text, "settings"));
  RecordReader reader(object);
  Settings settings;
  reader.number("last_version", settings.last_version);
  if (reader.has("reserved_concurrency")) {
    reader.number("reserved_concurrency", settings.reserved_concurrency.emplace());
  }
  if (reader.has("allows_recursion")) reader.boolean("allows_recursion", settings.allows_recursion);
  if (reader.has("code_signing_config_arn")) reader.text("code_signing_config_arn", settings.code_signing_config_arn);
  read_map(reader, "event_invoke", settings.event_invoke);
  read_map(reader, "provisioned", settings.provisioned);
  read_map(reader, "policies", settings.policies);
  read_map(reader, "runtime_management", settings.runtime_management);
  read_map(reader, "scaling", settings.scaling);
  LAMBENT_TRY_VOID(reader.result("settings"));
  return settings;
}

}  // namespace lambent::catalog
