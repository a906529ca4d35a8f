// CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions, UpdateFunctionCode, UpdateFunctionConfiguration
// and DeleteFunction.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/time_format.h"
#include "identity/presign.h"
#include "services/lambda/code_download.h"
#include "services/lambda/configuration.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 50;  // ListFunctions returns at most 50 at a time, whatever MaxItems says

// What CreateFunction answers: the record is complete, but its clients wait for the step from Pending to Active.
catalog::Function as_creating(const catalog::Function& function) {
  auto shown = function;
  shown.state = "Pending";
  shown.state_reason = "The function is being created.";
  shown.state_reason_code = "Creating";
  shown.last_update_status.clear();
  return shown;
}

catalog::Function as_updating(const catalog::Function& function) {
  auto shown = function;
  shown.last_update_status = "InProgress";
  shown.last_update_status_reason = "The function is being created.";
  shown.last_update_status_reason_code = "Creating";
  return shown;
}

void set_code(catalog::Function& function, catalog::CodePackagePtr code) {
  function.code_digest = code->digest;
  function.code_sha256_base64 = code->sha256_base64;
  function.code_size = code->zip_bytes;
  function.code_unzipped = code->unzipped_bytes;
  function.code = std::move(code);
}

}  // namespace

LambdaService::LambdaService(LambdaParts parts, LambdaSettings settings)
    : parts_(parts), settings_(std::move(settings)) {}

ApiResult<LambdaService::Named> LambdaService::find_entry(std::string_view name, std::string_view qualifier) const {
  auto resolved = catalog::resolve_function_name(settings_.home, name, qualifier);
  if (!resolved) return failure(to_api_error(resolved.error()));
  auto arn = settings_.home.function_arn(resolved->name, resolved->qualifier);
  const auto* entry = parts_.catalog.entry(resolved->name);
  if (!entry) return failure(function_not_found(arn));
  return Named{entry, nullptr, std::move(resolved->qualifier), std::move(arn)};
}

ApiResult<LambdaService::Named> LambdaService::find(std::string_view name, std::string_view qualifier) const {
  auto named = find_entry(name, qualifier);
  if (!named) return named;
  named->function = named->entry->show(named->qualifier);
  if (!named->function) return failure(function_not_found(named->arn));
  return named;
}

ApiResult<LambdaService::Named> LambdaService::find_to_call(std::string_view name, std::string_view qualifier) const {
  auto named = find_entry(name, qualifier);
  if (!named) return named;
  named->function = named->entry->route(named->qualifier, parts_.random);
  if (!named->function) return failure(function_not_found(named->arn));
  return named;
}

ApiResult<std::string> LambdaService::name_to_change(std::string_view name) const {
  auto resolved = catalog::resolve_function_name(settings_.home, name);
  if (!resolved) return failure(to_api_error(resolved.error()));
  if (!resolved->qualifier.empty() && resolved->qualifier != catalog::kLatest) {
    return failure(
        invalid_parameter("This operation is permitted on Lambda functions only. Aliases and versions do "
                          "not support this operation. Please specify either a function name or an "
                          "unqualified function ARN."));
  }
  return std::move(resolved->name);
}

net::Task<ApiResult<LambdaService::Change>> LambdaService::begin_change(std::string name,
                                                                        std::optional<std::string> revision_id) {
  LAMBENT_CO_TRY(const auto bare_name, name_to_change(name));
  co_await parts_.snapshots.settled(bare_name);
  if (!parts_.catalog.find(bare_name)) co_return failure(function_not_found(settings_.home.function_arn(bare_name)));
  auto change = parts_.catalog.begin_change(bare_name);
  if (!change) co_return failure(to_api_error(change.error()));
  if (revision_id && *revision_id != change->current()->revision_id) co_return failure(revision_mismatch());
  co_return std::move(*change);
}

net::Task<ApiResult<LambdaService::Change>> LambdaService::begin_change_in_turn(std::string bare_name) {
  auto change = co_await parts_.catalog.begin_change_in_turn(bare_name);
  if (!change.entry()) co_return failure(function_not_found(settings_.home.function_arn(bare_name)));
  co_return std::move(change);
}

void LambdaService::stamp(catalog::Function& function) const {
  function.last_modified = format_lambda_time(parts_.clock.wall());
  function.revision_id = parts_.random.uuid();
  function.configuration_id = function.revision_id;
}

ApiResult<void> LambdaService::check_architectures(const std::optional<std::vector<std::string>>& architectures) const {
  const auto wanted = architectures && !architectures->empty() ? architectures->front() : std::string("x86_64");
  if (wanted == settings_.architecture) return {};
  return failure(invalid_parameter(fmt::format("The architecture {} is not available: this host runs {} functions.",
                                               wanted, settings_.architecture)));
}

ApiResult<void> LambdaService::check_zip(const std::string& zip, std::string_view operation) const {
  if (zip.empty()) return failure(invalid_parameter("Uploaded file must be a non-empty zip"));
  if (zip.size() > settings_.limits.zip_upload_bytes) {
    return failure(package_too_large(settings_.limits.zip_upload_bytes, operation));
  }
  return {};
}

ApiResult<void> LambdaService::check_new(const api::CreateFunctionRequest& request) const {
  LAMBENT_TRY_VOID(check_supported(request));
  if (settings_.strict) LAMBENT_TRY_VOID(check_strict(request));
  const auto& code = request.code;
  LAMBENT_TRY_VOID(
      check_code_source(code.zip_file.has_value(), code.s3_bucket || code.s3_key, code.image_uri.has_value()));
  if (!request.runtime || (!request.handler && !is_custom_runtime(*request.runtime))) {
    return failure(invalid_parameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages."));
  }
  LAMBENT_TRY_VOID(check_runtime(*request.runtime, parts_.runtimes));
  LAMBENT_TRY_VOID(check_architectures(request.architectures));
  LAMBENT_TRY_VOID(check_sizes(request.timeout, request.memory_size, request.ephemeral_storage, settings_.limits));
  if (request.environment) {
    LAMBENT_TRY_VOID(check_environment(*request.environment, settings_.limits.environment_bytes));
  }
  if (request.tags) {
    LAMBENT_TRY_VOID(check_tags(*request.tags));
    LAMBENT_TRY_VOID(check_own_tags(*request.tags, settings_.network, settings_.strict));
  }
  return check_zip(*code.zip_file, "CreateFunction");
}

Answer<api::FunctionConfiguration> LambdaService::create_function(const CallContext&,
                                                                  api::CreateFunctionRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY_VOID(check_new(request));
  if (parts_.catalog.find(name)) {
    co_return failure(api::ResourceConflictException{.message = fmt::format("Function already exist: {}", name)});
  }
  auto change = parts_.catalog.begin_change(name);
  if (!change) co_return failure(to_api_error(change.error()));

  auto code = co_await parts_.code.put(std::move(*request.code.zip_file));
  if (!code) co_return failure(to_api_error(code.error(), settings_.limits));

  catalog::Function function;
  function.name = name;
  function.arn = settings_.home.function_arn(name);
  function.architecture = settings_.architecture;
  function.state = "Active";
  apply(request, function);
  set_code(function, std::move(*code));
  if (request.layers) LAMBENT_CO_TRY_VOID(co_await apply_layers(*request.layers, function));
  stamp(function);
  catalog::Edit edit{.latest = std::move(function)};
  if (request.publish.value_or(false)) add_version(nullptr, std::nullopt, edit);
  parts_.runtimes.expect(edit.latest->runtime);
  auto created = as_creating(edit.published ? *edit.published : *edit.latest);
  const auto committed = co_await change->commit(std::move(edit));
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.follow(*change->entry());
  parts_.snapshots.publish(change->entry()->version(created.version));
  co_return to_configuration(created, created.arn);
}

std::string LambdaService::code_location(std::string_view digest) const {
  const auto* credential = parts_.credentials.find(parts_.credentials.root().access_key_id);
  if (!credential) return {};
  const auto path = code_download_path(digest);
  return "http://" + settings_.authority +
         identity::presign(*credential,
                           {.host = settings_.authority,
                            .path = path,
                            .service = kCodeDownloadService,
                            .region = settings_.home.region},
                           parts_.clock.wall());
}

Answer<api::GetFunctionResponse> LambdaService::get_function(const CallContext&, api::GetFunctionRequest request) {
  LAMBENT_CO_TRY(const auto named, find(request.function_name, request.qualifier.value_or("")));
  api::GetFunctionResponse reply;
  reply.configuration = to_configuration(*named.function, named.arn);
  auto& code = reply.code.emplace();
  code.repository_type = "S3";
  code.location = code_location(named.function->code_digest);
  if (const auto& tags = named.entry->latest->tags; !tags.empty()) reply.tags = to_map(tags);
  if (const auto& reserved = named.entry->settings->reserved_concurrency) {
    reply.concurrency.emplace().reserved_concurrent_executions = static_cast<std::int32_t>(*reserved);
  }
  co_return reply;
}

Answer<api::FunctionConfiguration> LambdaService::get_function_configuration(
    const CallContext&, api::GetFunctionConfigurationRequest request) {
  LAMBENT_CO_TRY(const auto named, find(request.function_name, request.qualifier.value_or("")));
  co_return to_configuration(*named.function, named.arn);
}

Answer<api::ListFunctionsResponse> LambdaService::list_functions(const CallContext&,
                                                                 api::ListFunctionsRequest request) {
  const auto wanted = static_cast<std::size_t>(request.max_items.value_or(kDefaultPage));
  const auto page = parts_.catalog.list(request.marker.value_or(""), std::min(wanted, kDefaultPage),
                                        request.function_version == "ALL");
  if (!page) co_return failure(to_api_error(page.error()));
  api::ListFunctionsResponse reply;
  auto& functions = reply.functions.emplace();
  for (const auto& function : page->functions) {
    // With FunctionVersion=ALL each version is listed under its qualified ARN, $LATEST too.
    const auto qualifier = request.function_version ? function->version : std::string();
    functions.push_back(to_configuration(*function, settings_.home.function_arn(function->name, qualifier)));
  }
  if (!page->next_marker.empty()) reply.next_marker = page->next_marker;
  co_return reply;
}

Answer<api::FunctionConfiguration> LambdaService::update_function_code(const CallContext&,
                                                                       api::UpdateFunctionCodeRequest request) {
  LAMBENT_CO_TRY(auto change, co_await begin_change(request.function_name, request.revision_id));
  LAMBENT_CO_TRY_VOID(check_code_source(request.zip_file.has_value(), request.s3_bucket || request.s3_key,
                                        request.image_uri.has_value()));
  if (request.architectures) LAMBENT_CO_TRY_VOID(check_architectures(request.architectures));
  if (request.publish_to) co_return failure(invalid_parameter("PublishTo is not supported by this server."));
  LAMBENT_CO_TRY_VOID(check_zip(*request.zip_file, "UpdateFunctionCode"));

  auto code = co_await parts_.code.put(std::move(*request.zip_file));
  if (!code) co_return failure(to_api_error(code.error(), settings_.limits));
  auto function = *change.current();
  set_code(function, std::move(*code));
  if (request.dry_run.value_or(false)) co_return to_configuration(function, function.arn);
  stamp(function);
  const auto before = change.current();
  catalog::Edit edit{.latest = std::move(function)};
  catalog::FunctionPtr shown;
  if (request.publish.value_or(false)) shown = add_version(change.entry(), std::nullopt, edit);
  if (edit.published) shown = std::make_shared<const catalog::Function>(*edit.published);
  const auto committed = co_await change.commit(std::move(edit));
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.retire(*before);
  if (shown) parts_.snapshots.publish(change.entry()->version(shown->version));
  if (shown) co_return to_configuration(as_updating(*shown), version_arn(*shown));
  co_return to_configuration(as_updating(*change.current()), before->arn);
}

Answer<api::FunctionConfiguration> LambdaService::update_function_configuration(
    const CallContext&, api::UpdateFunctionConfigurationRequest request) {
  LAMBENT_CO_TRY(auto change, co_await begin_change(request.function_name, request.revision_id));
  LAMBENT_CO_TRY_VOID(check_supported(request));
  if (settings_.strict) LAMBENT_CO_TRY_VOID(check_strict(request, change.current()->runtime));
  if (request.runtime) LAMBENT_CO_TRY_VOID(check_runtime(*request.runtime, parts_.runtimes));
  LAMBENT_CO_TRY_VOID(check_sizes(request.timeout, request.memory_size, request.ephemeral_storage, settings_.limits));
  if (request.environment) {
    LAMBENT_CO_TRY_VOID(check_environment(*request.environment, settings_.limits.environment_bytes));
  }
  auto function = *change.current();
  apply(request, function);
  if (function.handler.empty() && !is_custom_runtime(function.runtime)) {
    co_return failure(invalid_parameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages."));
  }
  if (request.layers) LAMBENT_CO_TRY_VOID(co_await apply_layers(*request.layers, function));
  stamp(function);
  const auto before = change.current();
  const auto committed = co_await change.commit({.latest = std::move(function)});
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.retire(*before);
  co_return to_configuration(as_updating(*change.current()), before->arn);
}

Answer<api::DeleteFunctionResponse> LambdaService::delete_function(const CallContext&,
                                                                   api::DeleteFunctionRequest request) {
  LAMBENT_CO_TRY(const auto named, find_entry(request.function_name, request.qualifier.value_or("")));
  api::DeleteFunctionResponse reply;
  reply.status_code = 204;
  if (!named.qualifier.empty()) {
    LAMBENT_CO_TRY_VOID(co_await delete_version(named.entry->latest->name, named.qualifier));
    co_return reply;
  }
  LAMBENT_CO_TRY(auto change, co_await begin_change(named.entry->latest->name));
  const auto former = *change.entry();
  const auto erased = co_await change.erase();
  if (!erased) co_return failure(to_api_error(erased.error()));
  parts_.invoker.retire(*former.latest);
  for (const auto& [number, version] : former.versions) parts_.invoker.retire(*version);
  parts_.invoker.forget(former.latest->name);
  co_return reply;
}

}  // namespace lambent::services::lambda
