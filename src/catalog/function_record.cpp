#include "catalog/function_record.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace lambent::catalog {
namespace {

namespace json = boost::json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

json::array to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

// An array of [name, value]: keeps order and duplicates as they are.
json::array to_json(const Pairs& pairs) {
  json::array array;
  for (const auto& [name, value] : pairs) array.emplace_back(json::array{json::string(name), json::string(value)});
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

json::object to_json(const FunctionUrl& url) {
  json::object object{{"url_id", url.url_id},
                      {"auth_type", url.auth_type},
                      {"invoke_mode", url.invoke_mode},
                      {"creation_time", url.creation_time},
                      {"last_modified_time", url.last_modified_time}};
  if (url.cors) object["cors"] = to_json(*url.cors);
  return object;
}

// Takes members one by one; the first that is missing or of a wrong type is remembered, and the rest is skipped.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  void text(const char* name, std::string& out) {
    if (const auto* value = member(name, json::kind::string)) out = std::string(value->get_string());
  }
  void boolean(const char* name, bool& out) {
    if (const auto* value = member(name, json::kind::bool_)) out = value->get_bool();
  }
  template <class Number>
  void number(const char* name, Number& out) {
    const auto* value = member(name, std::nullopt);
    if (!value) return;
    boost::system::error_code failed;
    const auto read = value->to_number<Number>(failed);
    if (failed) return fail_at(name);
    out = read;
  }
  void texts(const char* name, std::vector<std::string>& out) {
    const auto* value = member(name, json::kind::array);
    if (!value) return;
    for (const auto& element : value->get_array()) {
      if (!element.is_string()) return fail_at(name);
      out.emplace_back(element.get_string());
    }
  }
  void pairs(const char* name, Pairs& out) {
    const auto* value = member(name, json::kind::array);
    if (!value) return;
    for (const auto& element : value->get_array()) {
      const auto* pair = element.if_array();
      if (!pair || pair->size() != 2 || !pair->at(0).is_string() || !pair->at(1).is_string()) return fail_at(name);
      out.emplace_back(std::string(pair->at(0).get_string()), std::string(pair->at(1).get_string()));
    }
  }
  // Null where absent: for members that may be.
  const json::object* object(const char* name) {
    const auto* value = object_.if_contains(name);
    if (!value) return nullptr;
    if (!value->is_object()) fail_at(name);
    return value->if_object();
  }
  bool has(const char* name) const { return object_.contains(name); }
  void fail_at(std::string name) {
    if (failed_.empty()) failed_ = std::move(name);
  }
  [[nodiscard]] const std::string& failed() const { return failed_; }

 private:
  const json::value* member(const char* name, std::optional<json::kind> kind) {
    if (!failed_.empty()) return nullptr;
    const auto* value = object_.if_contains(name);
    if (!value || (kind && value->kind() != *kind)) {
      fail_at(name);
      return nullptr;
    }
    return value;
  }

  const json::object& object_;
  std::string failed_;
};

void read_cors(Reader& outer, const json::object& object, Cors& cors) {
  Reader reader(object);
  reader.boolean("allow_credentials", cors.allow_credentials);
  reader.texts("allow_headers", cors.allow_headers);
  reader.texts("allow_methods", cors.allow_methods);
  reader.texts("allow_origins", cors.allow_origins);
  reader.texts("expose_headers", cors.expose_headers);
  if (reader.has("max_age_seconds")) reader.number("max_age_seconds", cors.max_age_seconds.emplace());
  if (!reader.failed().empty()) outer.fail_at("cors." + reader.failed());
}

void read_url(Reader& outer, const json::object& object, FunctionUrl& url) {
  Reader reader(object);
  reader.text("url_id", url.url_id);
  reader.text("auth_type", url.auth_type);
  reader.text("invoke_mode", url.invoke_mode);
  reader.text("creation_time", url.creation_time);
  reader.text("last_modified_time", url.last_modified_time);
  if (const auto* cors = reader.object("cors")) read_cors(reader, *cors, url.cors.emplace());
  if (!reader.failed().empty()) outer.fail_at("url." + reader.failed());
}

// The members that are plain texts, in one place for both directions.
template <class FunctionOf, class Visit>
void visit_texts(FunctionOf& function, Visit visit) {
  visit("name", function.name);
  visit("arn", function.arn);
  visit("version", function.version);
  visit("description", function.description);
  visit("role", function.role);
  visit("package_type", function.package_type);
  visit("runtime", function.runtime);
  visit("handler", function.handler);
  visit("architecture", function.architecture);
  visit("tracing_mode", function.tracing_mode);
  visit("code_digest", function.code_digest);
  visit("code_sha256_base64", function.code_sha256_base64);
  visit("last_modified", function.last_modified);
  visit("revision_id", function.revision_id);
  visit("state", function.state);
  visit("state_reason", function.state_reason);
  visit("state_reason_code", function.state_reason_code);
  visit("last_update_status", function.last_update_status);
  visit("last_update_status_reason", function.last_update_status_reason);
  visit("last_update_status_reason_code", function.last_update_status_reason_code);
}

std::unexpected<Error> bad_record(std::string detail) {
  return fail(Error::of("read function record", "", detail));
}

}  // namespace

std::string encode_function(const Function& function) {
  json::object object{{"format", kRecordFormat}};
  visit_texts(function, [&](const char* name, const std::string& value) { object[name] = value; });
  object["timeout_seconds"] = function.timeout_seconds;
  object["memory_mb"] = function.memory_mb;
  object["ephemeral_storage_mb"] = function.ephemeral_storage_mb;
  object["code_size"] = function.code_size;
  object["environment"] = to_json(function.environment);
  object["tags"] = to_json(function.tags);
  object["echoed"] = to_json(function.echoed);
  if (function.url) object["url"] = to_json(*function.url);
  return json::serialize(object);
}

Result<Function> decode_function(std::string_view text) {
  boost::system::error_code failed;
  const auto value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return bad_record("no JSON: " + failed.message());
  const auto* object = value.if_object();
  if (!object) return bad_record("no JSON object");

  Reader reader(*object);
  int format = 0;
  reader.number("format", format);
  if (!reader.failed().empty()) return bad_record("no format");
  if (format < 1 || format > kRecordFormat) {
    return bad_record(fmt::format("format {} is not known: it was written by a newer Lambent (this one knows 1 to {})",
                                  format, kRecordFormat));
  }
  Function function;
  visit_texts(function, [&](const char* name, std::string& out) { reader.text(name, out); });
  reader.number("timeout_seconds", function.timeout_seconds);
  reader.number("memory_mb", function.memory_mb);
  reader.number("ephemeral_storage_mb", function.ephemeral_storage_mb);
  reader.number("code_size", function.code_size);
  reader.pairs("environment", function.environment);
  reader.pairs("tags", function.tags);
  reader.pairs("echoed", function.echoed);
  if (const auto* url = reader.object("url")) read_url(reader, *url, function.url.emplace());
  if (!reader.failed().empty()) return bad_record("member missing or wrong: " + reader.failed());
  return function;
}

}  // namespace lambent::catalog
