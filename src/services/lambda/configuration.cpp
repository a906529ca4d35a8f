#include "services/lambda/configuration.h"

#include <algorithm>
#include <utility>

#include "egress/network_policy.h"
#include "services/lambda/echoed.h"

namespace lambent::services::lambda {
namespace {

template <class T>
void set_if(const std::optional<T>& given, auto& member) {
  if (given) member = *given;
}

void apply_environment(const std::optional<api::Environment>& given, catalog::Function& function) {
  if (given && given->variables) function.environment = to_pairs(*given->variables);
}

void apply_tracing(const std::optional<api::TracingConfig>& given, catalog::Function& function) {
  if (given) set_if(given->mode, function.tracing_mode);
}

std::optional<std::string> shown(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<std::vector<std::string>> shown(const std::vector<std::string>& texts) {
  return texts.empty() ? std::nullopt : std::optional(texts);
}

// The members that both requests have under the same names.
template <class Request>
void apply_common(const Request& request, catalog::Function& function) {
  set_if(request.runtime, function.runtime);
  set_if(request.handler, function.handler);
  set_if(request.description, function.description);
  set_if(request.timeout, function.timeout_seconds);
  set_if(request.memory_size, function.memory_mb);
  if (request.ephemeral_storage) {
    function.ephemeral_storage_mb = static_cast<std::uint32_t>(request.ephemeral_storage->size);
  }
  apply_environment(request.environment, function);
  apply_tracing(request.tracing_config, function);
  keep_vpc_config(function, request.vpc_config);
  keep_dead_letter_config(function, request.dead_letter_config);
  keep_kms_key_arn(function, request.kms_key_arn);
  keep_logging_config(function, request.logging_config);
  keep_snap_start(function, request.snap_start);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> to_pairs(const protocol::Map<std::string>& map) {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(map.size());
  for (const auto& [name, value] : map) pairs.emplace_back(name, value);
  return pairs;
}

protocol::Map<std::string> to_map(const std::vector<std::pair<std::string, std::string>>& pairs) {
  protocol::Map<std::string> map;
  map.reserve(pairs.size());
  for (const auto& [name, value] : pairs) map.push_back(name, value);
  return map;
}

bool apply_own_tags(catalog::Function& function) {
  const auto value_of = [&](const char* name) {
    const auto tag = std::ranges::find(function.tags, name, &std::pair<std::string, std::string>::first);
    return tag == function.tags.end() ? std::string() : tag->second;
  };
  const auto before = std::pair(function.network, function.isolation);
  function.network = value_of(egress::kNetworkTag);
  function.isolation = value_of(catalog::kIsolationTag);
  return before != std::pair(function.network, function.isolation);
}

void apply(const api::CreateFunctionRequest& request, catalog::Function& function) {
  function.role = request.role;
  apply_common(request, function);
  if (request.tags) function.tags = to_pairs(*request.tags);
  apply_own_tags(function);
}

void apply(const api::UpdateFunctionConfigurationRequest& request, catalog::Function& function) {
  set_if(request.role, function.role);
  apply_common(request, function);
}

catalog::Cors to_record(const api::Cors& cors) {
  catalog::Cors record;
  record.allow_credentials = cors.allow_credentials.value_or(false);
  set_if(cors.allow_headers, record.allow_headers);
  set_if(cors.allow_methods, record.allow_methods);
  set_if(cors.allow_origins, record.allow_origins);
  set_if(cors.expose_headers, record.expose_headers);
  record.max_age_seconds = cors.max_age;
  return record;
}

api::Cors to_api(const catalog::Cors& cors) {
  api::Cors out;
  if (cors.allow_credentials) out.allow_credentials = true;
  out.allow_headers = shown(cors.allow_headers);
  out.allow_methods = shown(cors.allow_methods);
  out.allow_origins = shown(cors.allow_origins);
  out.expose_headers = shown(cors.expose_headers);
  out.max_age = cors.max_age_seconds;
  return out;
}

api::FunctionConfiguration to_configuration(const catalog::Function& function, std::string_view arn) {
  api::FunctionConfiguration out;
  out.function_name = function.name;
  out.function_arn = std::string(arn);
  out.runtime = function.runtime;
  out.role = function.role;
  out.handler = shown(function.handler);
  out.code_size = static_cast<std::int64_t>(function.code_size);
  out.description = function.description;
  out.timeout = static_cast<std::int32_t>(function.timeout_seconds);
  out.memory_size = static_cast<std::int32_t>(function.memory_mb);
  out.last_modified = function.last_modified;
  out.code_sha256 = function.code_sha256_base64;
  out.version = function.version;
  if (!function.environment.empty()) out.environment.emplace().variables = to_map(function.environment);
  out.tracing_config.emplace().mode = function.tracing_mode;
  out.revision_id = function.revision_id;
  out.state = function.state;
  out.state_reason = shown(function.state_reason);
  out.state_reason_code = shown(function.state_reason_code);
  out.last_update_status = shown(function.last_update_status);
  out.last_update_status_reason = shown(function.last_update_status_reason);
  out.last_update_status_reason_code = shown(function.last_update_status_reason_code);
  out.package_type = function.package_type;
  out.architectures = std::vector{function.architecture};
  out.ephemeral_storage.emplace().size = static_cast<std::int32_t>(function.ephemeral_storage_mb);
  if (!function.layers.empty()) {
    auto& layers = out.layers.emplace();
    for (const auto& layer : function.layers) {
      auto& shown_layer = layers.emplace_back();
      shown_layer.arn = layer.arn;
      shown_layer.code_size = static_cast<std::int64_t>(layer.code_size);
    }
  }
  show_echoed(function, out);
  return out;
}

}  // namespace lambent::services::lambda
