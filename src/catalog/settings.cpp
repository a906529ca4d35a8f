#include "catalog/settings.h"

#include "catalog/record_reader.h"

namespace lambent::catalog {

std::string encode_settings(const Settings& settings) {
  return json::serialize(json::object{{"format", kRecordFormat}, {"last_version", settings.last_version}});
}

Result<Settings> decode_settings(std::string_view text) {
  LAMBENT_TRY(const auto object, open_record(text, "settings"));
  RecordReader reader(object);
  Settings settings;
  reader.number("last_version", settings.last_version);
  LAMBENT_TRY_VOID(reader.result("settings"));
  return settings;
}

}  // namespace lambent::catalog
