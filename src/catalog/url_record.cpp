#include "catalog/url_record.h"

namespace lambent::catalog {
namespace {

json::array to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

json::object to_json(const Cors& cors) {
  json::object object{{"allow_credentials", cors.allow_credentials},
                      {"allow_headers", to_json(cors.allow_headers)},
                      {"allow_methods", to_json(cors.allow_methods)},
                      {"allow_origins", to_json(cors.allow_origins)},
                      {"expose_headers", to_json(cors.expose_headers)}};
  if (cors.max_age_seconds) object["max_age_seconds"] = *cors.max_age_seconds;
  return object;
}

void read_cors(RecordReader& outer, const json::object& object, Cors& cors) {
  RecordReader reader(object);
  reader.boolean("allow_credentials", cors.allow_credentials);
  reader.texts("allow_headers", cors.allow_headers);
  reader.texts("allow_methods", cors.allow_methods);
  reader.texts("allow_origins", cors.allow_origins);
  reader.texts("expose_headers", cors.expose_headers);
  if (reader.has("max_age_seconds")) reader.number("max_age_seconds", cors.max_age_seconds.emplace());
  if (!reader.failed().empty()) outer.fail_at("cors." + reader.failed());
}

}  // namespace

json::object to_json(const FunctionUrl& url) {
  json::object object{{"url_id", url.url_id},
                      {"auth_type", url.auth_type},
                      {"invoke_mode", url.invoke_mode},
                      {"creation_time", url.creation_time},
                      {"last_modified_time", url.last_modified_time}};
  if (url.cors) object["cors"] = to_json(*url.cors);
  return object;
}

void read_url(RecordReader& outer, const json::object& object, FunctionUrl& url) {
  RecordReader reader(object);
  reader.text("url_id", url.url_id);
  reader.text("auth_type", url.auth_type);
  reader.text("invoke_mode", url.invoke_mode);
  reader.text("creation_time", url.creation_time);
  reader.text("last_modified_time", url.last_modified_time);
  if (const auto* cors = reader.object("cors")) read_cors(reader, *cors, url.cors.emplace());
  if (!reader.failed().empty()) outer.fail_at("url." + reader.failed());
}

}  // namespace lambent::catalog
