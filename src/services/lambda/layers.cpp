// PublishLayerVersion, GetLayerVersion, GetLayerVersionByArn, ListLayers, ListLayerVersions, DeleteLayerVersion,
// AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy, and the layers of a function.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/time_format.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/paging.h"
#include "services/lambda/policy_text.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 50;

protocol::ServiceError no_such_layer() {
  return api::ResourceNotFoundException{.message = "The resource you requested does not exist."};
}

std::optional<std::vector<std::string>> shown(const std::vector<std::string>& texts) {
  return texts.empty() ? std::nullopt : std::optional(texts);
}

bool suits(const catalog::LayerVersion& layer, const std::optional<std::string>& runtime,
           const std::optional<std::string>& architecture) {
  const auto has = [](const std::vector<std::string>& list, const std::optional<std::string>& wanted) {
    return !wanted || std::ranges::find(list, *wanted) != list.end();
  };
  return has(layer.runtimes, runtime) && has(layer.architectures, architecture);
}

// "arn:aws:lambda:us-east-1:000000000000:layer:<name>" with or without ":<version>".
struct LayerName {
  std::string_view region;
  std::string_view account;
  std::string_view name;
  std::uint64_t version = 0;  // 0 where none is given
};

std::optional<LayerName> parse_layer_arn(std::string_view arn) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto colon = arn.find(':');
    parts.push_back(arn.substr(0, colon));
    if (colon == std::string_view::npos) break;
    arn.remove_prefix(colon + 1);
  }
  if (parts.size() < 7 || parts.size() > 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "layer") {
    return std::nullopt;
  }
  LayerName name{.region = parts[3], .account = parts[4], .name = parts[6]};
  if (parts.size() == 8) {
    const auto version = catalog::version_number(parts[7]);
    if (!version) return std::nullopt;
    name.version = *version;
  }
  return name;
}

std::string turn_of(std::string_view layer) {
  return fmt::format("/layer/{}", layer);  // no function has such a name
}

// What GetLayerVersion, PublishLayerVersion and the lists have in common.
template <class Reply>
void fill(Reply& reply, const catalog::LayerVersion& layer, const std::string& layer_arn) {
  reply.layer_version_arn = fmt::format("{}:{}", layer_arn, layer.version);
  reply.version = static_cast<std::int64_t>(layer.version);
  reply.description = layer.description;
  reply.created_date = layer.created;
  reply.compatible_runtimes = shown(layer.runtimes);
  reply.compatible_architectures = shown(layer.architectures);
  if (!layer.license.empty()) reply.license_info = layer.license;
}

}  // namespace

std::string LambdaService::layer_arn(std::string_view name) const {
  return fmt::format("arn:aws:lambda:{}:{}:layer:{}", settings_.home.region, settings_.home.account_id, name);
}

// A bare name, or the ARN of a layer of this server.
ApiResult<std::string> LambdaService::layer_name(std::string_view name_or_arn) const {
  if (!name_or_arn.starts_with("arn:")) return std::string(name_or_arn);
  const auto parsed = parse_layer_arn(name_or_arn);
  if (!parsed) return failure(invalid_parameter(fmt::format("Invalid layer name: {}", name_or_arn)));
  if (parsed->account != settings_.home.account_id || parsed->region != settings_.home.region) {
    return failure(no_such_layer());
  }
  return std::string(parsed->name);
}

ApiResult<catalog::LayerVersionPtr> LambdaService::find_layer(std::string_view name_or_arn,
                                                              std::int64_t version) const {
  if (version < 1) return failure(invalid_parameter("Layer Version Cannot be less than 1."));
  LAMBENT_TRY(const auto name, layer_name(name_or_arn));
  auto layer = parts_.layers.find(name, static_cast<std::uint64_t>(version));
  if (!layer) return failure(no_such_layer());
  return layer;
}

api::GetLayerVersionResponse LambdaService::show_layer(const catalog::LayerVersion& layer) const {
  api::GetLayerVersionResponse reply;
  reply.layer_arn = layer_arn(layer.name);
  fill(reply, layer, *reply.layer_arn);
  auto& content = reply.content.emplace();
  content.location = code_location(layer.code_digest);
  content.code_sha256 = catalog::code_sha256_base64(layer.code_digest);
  content.code_size = static_cast<std::int64_t>(layer.code_size);
  return reply;
}

Answer<api::PublishLayerVersionResponse> LambdaService::publish_layer_version(const CallContext&,
                                                                              api::PublishLayerVersionRequest request) {
  LAMBENT_CO_TRY(auto name, layer_name(request.layer_name));
  auto& content = request.content;
  LAMBENT_CO_TRY_VOID(check_code_source(content.zip_file.has_value(), content.s3_bucket || content.s3_key, false));
  LAMBENT_CO_TRY_VOID(check_zip(*content.zip_file, "PublishLayerVersion"));
  auto code = co_await parts_.code.put(std::move(*content.zip_file));
  if (!code) co_return failure(to_api_error(code.error(), settings_.limits));

  catalog::LayerVersion layer;
  layer.name = std::move(name);
  layer.description = request.description.value_or("");
  layer.license = request.license_info.value_or("");
  layer.runtimes = request.compatible_runtimes.value_or(std::vector<std::string>());
  layer.architectures = request.compatible_architectures.value_or(std::vector<std::string>());
  layer.created = format_lambda_time(parts_.clock.wall());
  layer.code_digest = (*code)->digest;
  layer.code_size = (*code)->zip_bytes;
  layer.code_unzipped = (*code)->unzipped_bytes;
  layer.code = *std::move(code);
  layer.revision_id = parts_.random.uuid();
  const auto turn = co_await parts_.catalog.begin_change_in_turn(turn_of(layer.name));
  const auto published = co_await parts_.layers.publish(std::move(layer));
  if (!published) co_return failure(storage_failed(published.error().message()));

  auto shown_layer = show_layer(**published);
  api::PublishLayerVersionResponse reply;
  reply.layer_arn = std::move(shown_layer.layer_arn);
  fill(reply, **published, *reply.layer_arn);
  reply.content = std::move(shown_layer.content);
  co_return reply;
}

Answer<api::GetLayerVersionResponse> LambdaService::get_layer_version(const CallContext&,
                                                                      api::GetLayerVersionRequest request) {
  LAMBENT_CO_TRY(const auto layer, find_layer(request.layer_name, request.version_number));
  co_return show_layer(*layer);
}

Answer<api::GetLayerVersionResponse> LambdaService::get_layer_version_by_arn(const CallContext&,
                                                                             api::GetLayerVersionByArnRequest request) {
  const auto parsed = parse_layer_arn(request.arn);
  if (!parsed || parsed->version == 0) co_return failure(no_such_layer());
  LAMBENT_CO_TRY(const auto layer, find_layer(request.arn, static_cast<std::int64_t>(parsed->version)));
  co_return show_layer(*layer);
}

Answer<api::ListLayersResponse> LambdaService::list_layers(const CallContext&, api::ListLayersRequest request) {
  // Those of which a version suits, with the newest that does.
  std::map<std::string, catalog::LayerVersionPtr, std::less<>> newest;
  for (const auto& [name, layer] : parts_.layers.all()) {
    for (const auto& [number, version] : layer.versions) {
      if (!suits(*version, request.compatible_runtime, request.compatible_architecture)) continue;
      newest.emplace(name, version);
      break;
    }
  }
  api::ListLayersResponse reply;
  auto& layers = reply.layers.emplace();
  auto next = each_of_page(newest, parts_.catalog.markers(), "layers", request.marker, request.max_items, kDefaultPage,
                           [&](const std::string& name, const catalog::LayerVersionPtr& version) {
                             auto& item = layers.emplace_back();
                             item.layer_name = name;
                             item.layer_arn = layer_arn(name);
                             fill(item.latest_matching_version.emplace(), *version, *item.layer_arn);
                           });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

Answer<api::ListLayerVersionsResponse> LambdaService::list_layer_versions(const CallContext&,
                                                                          api::ListLayerVersionsRequest request) {
  LAMBENT_CO_TRY(const auto name, layer_name(request.layer_name));
  // By a key whose order is from the newest to the oldest.
  std::map<std::string, catalog::LayerVersionPtr, std::less<>> versions;
  if (const auto layer = parts_.layers.all().find(name); layer != parts_.layers.all().end()) {
    for (const auto& [number, version] : layer->second.versions) {
      if (!suits(*version, request.compatible_runtime, request.compatible_architecture)) continue;
      versions.emplace(fmt::format("{:020}", UINT64_MAX - number), version);
    }
  }
  api::ListLayerVersionsResponse reply;
  auto& shown_versions = reply.layer_versions.emplace();
  auto next =
      each_of_page(versions, parts_.catalog.markers(), "versions of layer " + name, request.marker, request.max_items,
                   kDefaultPage, [&](const std::string&, const catalog::LayerVersionPtr& version) {
                     fill(shown_versions.emplace_back(), *version, layer_arn(name));
                   });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

// One that is not there is deleted already.
Answer<protocol::Nothing> LambdaService::delete_layer_version(const CallContext&,
                                                              api::DeleteLayerVersionRequest request) {
  if (request.version_number < 1) co_return failure(invalid_parameter("Layer Version Cannot be less than 1."));
  LAMBENT_CO_TRY(const auto name, layer_name(request.layer_name));
  const auto turn = co_await parts_.catalog.begin_change_in_turn(turn_of(name));
  const auto erased = co_await parts_.layers.erase(name, static_cast<std::uint64_t>(request.version_number));
  if (!erased) co_return failure(storage_failed(erased.error().message()));
  co_return protocol::Nothing{};
}

net::Task<ApiResult<std::string>> LambdaService::change_layer_policy(
    std::string name_or_arn, std::int64_t version, std::optional<std::string> revision_id,
    std::function<ApiResult<void>(catalog::LayerVersion&)> edit) {
  LAMBENT_CO_TRY(const auto before, find_layer(name_or_arn, version));
  const auto turn = co_await parts_.catalog.begin_change_in_turn(turn_of(before->name));
  LAMBENT_CO_TRY(const auto current, find_layer(name_or_arn, version));
  if (revision_id && *revision_id != current->revision_id) co_return failure(revision_mismatch());
  auto layer = *current;
  LAMBENT_CO_TRY_VOID(edit(layer));
  layer.revision_id = parts_.random.uuid();
  auto revision = layer.revision_id;
  const auto replaced = co_await parts_.layers.replace(std::move(layer));
  if (!replaced) co_return failure(storage_failed(replaced.error().message()));
  co_return revision;
}

Answer<api::AddLayerVersionPermissionResponse> LambdaService::add_layer_version_permission(
    const CallContext&, api::AddLayerVersionPermissionRequest request) {
  std::string statement;
  const auto add = [&](catalog::LayerVersion& layer) -> ApiResult<void> {
    if (has_statement(layer.policy, request.statement_id)) {
      return failure(api::ResourceConflictException{
          .message = fmt::format("The statement id ({}) provided already exists. Please provide a new statement id, or "
                                 "remove the existing statement.",
                                 request.statement_id)});
    }
    const auto arn = fmt::format("{}:{}", layer_arn(layer.name), layer.version);
    statement = make_statement({.sid = request.statement_id,
                                .action = request.action,
                                .principal = request.principal,
                                .resource = arn,
                                .organization = request.organization_id});
    layer.policy.emplace_back(request.statement_id, statement);
    return {};
  };
  LAMBENT_CO_TRY(auto revision,
                 co_await change_layer_policy(request.layer_name, request.version_number, request.revision_id, add));
  api::AddLayerVersionPermissionResponse reply;
  reply.statement = std::move(statement);
  reply.revision_id = std::move(revision);
  co_return reply;
}

Answer<protocol::Nothing> LambdaService::remove_layer_version_permission(
    const CallContext&, api::RemoveLayerVersionPermissionRequest request) {
  const auto remove = [&](catalog::LayerVersion& layer) -> ApiResult<void> {
    if (std::erase_if(layer.policy, [&](const auto& each) { return each.first == request.statement_id; }) > 0) {
      return {};
    }
    return failure(api::ResourceNotFoundException{
        .message = fmt::format("Statement {} is not found in resource policy.", request.statement_id)});
  };
  LAMBENT_CO_TRY_VOID(
      co_await change_layer_policy(request.layer_name, request.version_number, request.revision_id, remove));
  co_return protocol::Nothing{};
}

Answer<api::GetLayerVersionPolicyResponse> LambdaService::get_layer_version_policy(
    const CallContext&, api::GetLayerVersionPolicyRequest request) {
  LAMBENT_CO_TRY(const auto layer, find_layer(request.layer_name, request.version_number));
  if (layer->policy.empty()) {
    co_return failure(api::ResourceNotFoundException{.message = "No policy is associated with the given resource."});
  }
  api::GetLayerVersionPolicyResponse reply;
  reply.policy = make_policy(layer->policy);
  reply.revision_id = layer->revision_id;
  co_return reply;
}

// What a function's request names, found; the order stays.
ApiResult<std::vector<catalog::LayerVersionPtr>> LambdaService::find_layers(
    const std::vector<std::string>& arns) const {
  if (arns.size() > settings_.calls.layers) {
    return failure(invalid_parameter(fmt::format("Cannot reference more than {} layers.", settings_.calls.layers)));
  }
  std::vector<catalog::LayerVersionPtr> layers;
  std::set<std::string_view> names;
  for (const auto& arn : arns) {
    const auto parsed = parse_layer_arn(arn);
    const bool is_ours = parsed && parsed->version > 0 && parsed->account == settings_.home.account_id &&
                         parsed->region == settings_.home.region;
    auto layer = is_ours ? parts_.layers.find(parsed->name, parsed->version) : nullptr;
    if (!layer) return failure(invalid_parameter(fmt::format("Layer version {} does not exist.", arn)));
    if (!names.insert(layer->name).second) {
      return failure(invalid_parameter(
          fmt::format("Two different versions of the same layer are not allowed to be referenced in the same function. "
                      "{} and {}:{}",
                      arn, layer_arn(layer->name), layer->version)));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

net::Task<ApiResult<void>> LambdaService::apply_layers(const std::vector<std::string>& arns,
                                                       catalog::Function& function) {
  LAMBENT_CO_TRY(const auto layers, find_layers(arns));
  function.layers.clear();
  function.layers_digest.clear();
  function.layers_code = nullptr;
  if (layers.empty()) co_return ApiResult<void>();
  std::vector<catalog::CodePackagePtr> packages;
  std::uint64_t bytes = function.code_unzipped;
  for (const auto& layer : layers) {
    function.layers.push_back({fmt::format("{}:{}", layer_arn(layer->name), layer->version), layer->code_size});
    packages.push_back(layer->code);
    bytes += layer->code_unzipped;
  }
  if (bytes > settings_.limits.unzipped_bytes) {
    co_return failure(invalid_parameter(
        fmt::format("Function code combined with layers exceeds the maximum allowed size of {} bytes. The actual size "
                    "is {} bytes.",
                    settings_.limits.unzipped_bytes, bytes)));
  }
  if (packages.size() == 1) {
    function.layers_code = packages.front();
  } else {
    auto merged = co_await parts_.code.merge(std::move(packages));
    if (!merged) co_return failure(to_api_error(merged.error(), settings_.limits));
    function.layers_code = *std::move(merged);
  }
  function.layers_digest = function.layers_code->digest;
  co_return ApiResult<void>();
}

}  // namespace lambent::services::lambda
