#include "services/lambda/validation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "services/lambda/errors.h"

namespace lambent::services::lambda {
namespace {

using protocol::failure;

// "Defined runtime environment variables" in the Lambda developer guide: the reserved ones.
constexpr std::array kReservedVariables = std::to_array<std::string_view>({"AWS_ACCESS_KEY",
                                                                           "AWS_ACCESS_KEY_ID",
                                                                           "AWS_DEFAULT_REGION",
                                                                           "AWS_EXECUTION_ENV",
                                                                           "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                                                           "AWS_LAMBDA_FUNCTION_NAME",
                                                                           "AWS_LAMBDA_FUNCTION_VERSION",
                                                                           "AWS_LAMBDA_INITIALIZATION_TYPE",
                                                                           "AWS_LAMBDA_LOG_GROUP_NAME",
                                                                           "AWS_LAMBDA_LOG_STREAM_NAME",
                                                                           "AWS_LAMBDA_RUNTIME_API",
                                                                           "AWS_REGION",
                                                                           "AWS_SECRET_ACCESS_KEY",
                                                                           "AWS_SECRET_KEY",
                                                                           "AWS_SECURITY_TOKEN",
                                                                           "AWS_SESSION_TOKEN",
                                                                           "LAMBDA_RUNTIME_DIR",
                                                                           "LAMBDA_TASK_ROOT",
                                                                           "_HANDLER",
                                                                           "_X_AMZN_TRACE_ID"});

constexpr std::array kHttpMethods =
    std::to_array<std::string_view>({"*", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"});

constexpr std::size_t kTagsPerFunction = 50;

std::string environment_json(const protocol::Map<std::string>& variables) {
  boost::json::object object;
  for (const auto& [name, value] : variables) object[name] = value;
  return boost::json::serialize(object);
}

ApiResult<void> check_maximum(const std::optional<std::int32_t>& value, std::uint32_t maximum, std::string_view name) {
  if (!value || static_cast<std::uint32_t>(*value) <= maximum) return {};
  return failure(protocol::validation_error(
      fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must have "
                  "value less than or equal to {}",
                  *value, name, maximum)));
}

// The first member that is given but not supported.
ApiResult<void> refuse_given(std::initializer_list<std::pair<bool, std::string_view>> members) {
  for (const auto& [given, name] : members) {
    if (given) return failure(invalid_parameter(fmt::format("{} is not supported by this server.", name)));
  }
  return {};
}

bool acts_on_logging(const std::optional<api::LoggingConfig>& logging) {
  if (!logging) return false;
  return logging->log_format == "JSON" || logging->log_group || logging->application_log_level ||
         logging->system_log_level;
}

template <class Request>
ApiResult<void> check_kept_members(const Request& request, const std::string& runtime) {
  const auto& vpc = request.vpc_config;
  const bool has_vpc = vpc && vpc->subnet_ids && !vpc->subnet_ids->empty();
  const bool is_traced = request.tracing_config && request.tracing_config->mode == "Active";
  for (const auto& [given, name] :
       {std::pair(has_vpc, "VpcConfig"), std::pair(!request.kms_key_arn.value_or("").empty(), "KMSKeyArn"),
        std::pair(acts_on_logging(request.logging_config), "LoggingConfig"),
        std::pair(is_traced, "TracingConfig Active")}) {
    if (!given) continue;
    return failure(
        invalid_parameter(fmt::format("{} is only kept by this server: refused, since it is strict.", name)));
  }
  const bool has_snap_start = request.snap_start && request.snap_start->apply_on == "PublishedVersions";
  if (has_snap_start && (runtime.starts_with("nodejs") || is_custom_runtime(runtime))) {
    return failure(invalid_parameter(fmt::format("{} is not supported for SnapStart enabled functions.", runtime)));
  }
  return {};
}

}  // namespace

ApiResult<void> check_runtime(const std::string& runtime, const invoke::RuntimeCatalog& runtimes) {
  const auto can = runtimes.can_run(runtime);
  if (can) return {};
  return failure(invalid_parameter(
      fmt::format("The runtime parameter of {} is not supported for creating or updating AWS Lambda functions on this "
                  "host: {}",
                  runtime, can.error())));
}

bool is_custom_runtime(std::string_view runtime) {
  return runtime == "provided" || runtime.starts_with("provided.");
}

ApiResult<void> check_environment(const api::Environment& environment, std::size_t limit_bytes) {
  if (!environment.variables) return {};
  std::vector<std::string_view> reserved;
  for (const auto& [name, value] : *environment.variables) {
    if (std::ranges::find(kReservedVariables, name) != kReservedVariables.end()) reserved.push_back(name);
    if (name.contains('\0') || value.contains('\0')) {
      return failure(invalid_parameter("Environment variables must not contain the NUL character."));
    }
  }
  if (!reserved.empty()) {
    return failure(invalid_parameter(
        fmt::format("Lambda was unable to configure your environment variables because the environment variables you "
                    "have provided contains reserved keys that are currently not supported for modification. Reserved "
                    "keys used in this request: {}",
                    fmt::join(reserved, ", "))));
  }
  auto json = environment_json(*environment.variables);
  if (json.size() > limit_bytes) {
    return failure(invalid_parameter(
        fmt::format("Lambda was unable to configure your environment variables because the environment variables you "
                    "have provided exceeded the {}KB limit. String measured: {}",
                    limit_bytes / kKiB, json)));
  }
  return {};
}

ApiResult<void> check_sizes(const std::optional<std::int32_t>& timeout, const std::optional<std::int32_t>& memory,
                            const std::optional<api::EphemeralStorage>& storage, const Limits& limits) {
  LAMBENT_TRY_VOID(check_maximum(timeout, limits.timeout_seconds, "timeout"));
  LAMBENT_TRY_VOID(check_maximum(memory, limits.memory_megabytes, "memorySize"));
  if (!storage) return {};
  return check_maximum(storage->size, limits.tmp_megabytes, "ephemeralStorage.size");
}

ApiResult<void> check_tags(const protocol::Map<std::string>& tags) {
  if (tags.size() > kTagsPerFunction) {
    return failure(invalid_parameter("Number of tags exceeds resource tag limit."));
  }
  for (const auto& [name, value] : tags) {
    if (name.empty() || name.size() > 128 || value.size() > 256) {
      return failure(invalid_parameter("Tag keys must have 1 to 128 characters, and tag values at most 256."));
    }
    if (name.starts_with("aws:")) {
      return failure(invalid_parameter("System tags cannot be added or updated by requester"));
    }
  }
  return {};
}

ApiResult<void> check_own_tags(const protocol::Map<std::string>& tags, const egress::NetworkRules& rules,
                               bool is_strict) {
  for (const auto& [name, value] : tags) {
    if (!is_strict || !name.starts_with("lambent:")) continue;
    return failure(invalid_parameter(fmt::format(
        "The tag {} has a meaning for this server that it has not on AWS: refused, since it is strict.", name)));
  }
  if (const auto* value = tags.find(egress::kNetworkTag)) {
    // A tag may be empty; an empty policy would read as the default.
    const auto policy = value->empty() ? fail(Error::of("network policy", "", "it is empty")) : rules.policy_of(*value);
    if (!policy) {
      return failure(invalid_parameter(fmt::format("The value of the tag {} is no network policy: {}.",
                                                   egress::kNetworkTag, policy.error().detail)));
    }
  }
  if (const auto* value = tags.find(catalog::kIsolationTag); value && *value != catalog::kIsolationRequest) {
    return failure(invalid_parameter(
        fmt::format("The only value of the tag {} is {}.", catalog::kIsolationTag, catalog::kIsolationRequest)));
  }
  return {};
}

ApiResult<void> check_code_source(bool zip_given, bool s3_given, bool image_given) {
  if (zip_given && (s3_given || image_given)) {
    return failure(invalid_parameter("Please do not provide other FunctionCode parameters when providing a ZipFile."));
  }
  if (image_given) {
    return failure(invalid_parameter("Container images are not supported by this server: give the code as ZipFile."));
  }
  if (s3_given) {
    return failure(invalid_parameter("Code in S3 is not supported by this server: give the code as ZipFile."));
  }
  if (!zip_given) return failure(invalid_parameter("Please provide a source for function code."));
  return {};
}

ApiResult<void> check_supported(const api::CreateFunctionRequest& request) {
  if (request.package_type == "Image") {
    return failure(invalid_parameter("PackageType Image is not supported by this server: use Zip."));
  }
  return refuse_given(
      {{request.publish_to.has_value(), "PublishTo"},
       {request.file_system_configs && !request.file_system_configs->empty(), "FileSystemConfigs"},
       {request.code_signing_config_arn && !request.code_signing_config_arn->empty(), "CodeSigningConfigArn"},
       {request.image_config.has_value(), "ImageConfig"},
       {request.tenancy_config.has_value(), "TenancyConfig"},
       {request.capacity_provider_config.has_value(), "CapacityProviderConfig"},
       {request.durable_config.has_value(), "DurableConfig"},
       {request.runtime_config.has_value(), "RuntimeConfig"},
       {request.accelerator_config.has_value(), "AcceleratorConfig"}});
}

ApiResult<void> check_supported(const api::UpdateFunctionConfigurationRequest& request) {
  return refuse_given({{request.file_system_configs && !request.file_system_configs->empty(), "FileSystemConfigs"},
                       {request.image_config.has_value(), "ImageConfig"},
                       {request.capacity_provider_config.has_value(), "CapacityProviderConfig"},
                       {request.durable_config.has_value(), "DurableConfig"},
                       {request.runtime_config.has_value(), "RuntimeConfig"},
                       {request.accelerator_config.has_value(), "AcceleratorConfig"}});
}

ApiResult<void> check_strict(const api::CreateFunctionRequest& request) {
  return check_kept_members(request, request.runtime.value_or(""));
}

ApiResult<void> check_strict(const api::UpdateFunctionConfigurationRequest& request, const std::string& runtime) {
  return check_kept_members(request, request.runtime.value_or(runtime));
}

ApiResult<void> check_cors(const api::Cors& cors) {
  if (!cors.allow_methods) return {};
  for (const auto& method : *cors.allow_methods) {
    if (std::ranges::find(kHttpMethods, method) != kHttpMethods.end()) continue;
    return failure(protocol::validation_error(
        fmt::format("1 validation error detected: Value '[{}]' at 'cors.allowMethods' failed to satisfy constraint: "
                    "Member must satisfy enum value set: [{}]",
                    fmt::join(*cors.allow_methods, ", "), fmt::join(kHttpMethods, ", "))));
  }
  return {};
}

}  // namespace lambent::services::lambda
