#include "catalog/function_record.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

#include "catalog/record_reader.h"
#include "catalog/url_record.h"

namespace lambent::catalog {
namespace {

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

}  // namespace

bool has_snap_start(const Function& function) {
  const auto asked = std::ranges::find(function.echoed, "SnapStart", &std::pair<std::string, std::string>::first);
  return function.version != "$LATEST" && asked != function.echoed.end() && asked->second.contains("PublishedVersions");
}

std::string dead_letter_target(const Function& function) {
  for (const auto& [name, text] : function.echoed) {
    if (name != "DeadLetterConfig") continue;
    boost::system::error_code failed;
    const auto value = json::parse(text, failed);
    const auto* object = failed ? nullptr : value.if_object();
    const auto* target = object ? object->if_contains("TargetArn") : nullptr;
    if (target && target->is_string()) return std::string(target->get_string());
  }
  return {};
}

std::string encode_function(const Function& function) {
  json::object object{{"format", kRecordFormat}};
  visit_texts(function, [&](const char* name, const std::string& value) { object[name] = value; });
  object["timeout_seconds"] = function.timeout_seconds;
  object["memory_mb"] = function.memory_mb;
  object["ephemeral_storage_mb"] = function.ephemeral_storage_mb;
  object["code_size"] = function.code_size;
  object["environment"] = pairs_to_json(function.environment);
  object["tags"] = pairs_to_json(function.tags);
  object["echoed"] = pairs_to_json(function.echoed);
  object["configuration_id"] = function.configuration_id;
  object["network"] = function.network;
  object["isolation"] = function.isolation;
  object["code_unzipped"] = function.code_unzipped;
  if (!function.layers.empty()) {
    Pairs layers;
    for (const auto& layer : function.layers) layers.emplace_back(layer.arn, std::to_string(layer.code_size));
    object["layers"] = pairs_to_json(layers);
    object["layers_digest"] = function.layers_digest;
  }
  if (function.lacks_snapshot) object["lacks_snapshot"] = true;
  if (function.url) object["url"] = to_json(*function.url);
  return json::serialize(object);
}

Result<Function> decode_function(std::string_view text) {
  LAMBENT_TRY(const auto object, open_record(text, "function"));
  RecordReader reader(object);
  Function function;
  visit_texts(function, [&](const char* name, std::string& out) { reader.text(name, out); });
  reader.number("timeout_seconds", function.timeout_seconds);
  reader.number("memory_mb", function.memory_mb);
  reader.number("ephemeral_storage_mb", function.ephemeral_storage_mb);
  reader.number("code_size", function.code_size);
  reader.pairs("environment", function.environment);
  reader.pairs("tags", function.tags);
  reader.pairs("echoed", function.echoed);
  if (reader.has("network")) reader.text("network", function.network);
  if (reader.has("isolation")) reader.text("isolation", function.isolation);
  if (const auto* url = reader.object("url")) read_url(reader, *url, function.url.emplace());
  function.configuration_id = function.revision_id;  // as it was before format 2
  if (reader.has("configuration_id")) reader.text("configuration_id", function.configuration_id);
  if (reader.has("lacks_snapshot")) reader.boolean("lacks_snapshot", function.lacks_snapshot);
  if (reader.has("code_unzipped")) reader.number("code_unzipped", function.code_unzipped);
  if (reader.has("layers")) {
    Pairs layers;
    reader.pairs("layers", layers);
    for (const auto& [arn, size] : layers) function.layers.push_back({arn, std::strtoull(size.c_str(), nullptr, 10)});
    reader.text("layers_digest", function.layers_digest);
  }
  LAMBENT_TRY_VOID(reader.result("function"));
  return function;
}

}  // namespace lambent::catalog
