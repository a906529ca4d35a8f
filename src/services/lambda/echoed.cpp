#include "services/lambda/echoed.h"

#include <algorithm>
#include <boost/json.hpp>

namespace lambent::services::lambda {
namespace {

namespace api = protocol::lambda;
namespace json = boost::json;

constexpr const char* kVpcConfig = "VpcConfig";
constexpr const char* kDeadLetterConfig = "DeadLetterConfig";
constexpr const char* kKmsKeyArn = "KMSKeyArn";
constexpr const char* kLoggingConfig = "LoggingConfig";
constexpr const char* kSnapStart = "SnapStart";

void erase(catalog::Function& function, std::string_view name) {
  std::erase_if(function.echoed, [&](const auto& entry) { return entry.first == name; });
}

void keep(catalog::Function& function, const char* name, const json::object& object) {
  erase(function, name);
  function.echoed.emplace_back(name, json::serialize(object));
}

// Empty where there is none.
json::object find(const catalog::Function& function, std::string_view name) {
  const auto entry = std::ranges::find(function.echoed, name, &std::pair<std::string, std::string>::first);
  if (entry == function.echoed.end()) return {};
  boost::system::error_code failed;
  auto value = json::parse(entry->second, failed);
  return failed || !value.is_object() ? json::object() : value.get_object();
}

void set(json::object& object, const char* name, const std::optional<std::string>& value) {
  if (value) object[name] = *value;
}

std::optional<std::string> text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

json::array to_json(const std::optional<std::vector<std::string>>& texts) {
  json::array array;
  for (const auto& item : texts.value_or(std::vector<std::string>())) array.emplace_back(item);
  return array;
}

std::vector<std::string> texts(const json::object& object, const char* name) {
  std::vector<std::string> out;
  const auto* value = object.if_contains(name);
  if (!value || !value->is_array()) return out;
  for (const auto& item : value->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

}  // namespace

void keep_vpc_config(catalog::Function& function, const std::optional<api::VpcConfig>& given) {
  if (!given) return;
  if (!given->subnet_ids || given->subnet_ids->empty()) return erase(function, kVpcConfig);
  keep(function, kVpcConfig,
       {{"SubnetIds", to_json(given->subnet_ids)},
        {"SecurityGroupIds", to_json(given->security_group_ids)},
        {"Ipv6AllowedForDualStack", given->ipv6_allowed_for_dual_stack.value_or(false)}});
}

void keep_dead_letter_config(catalog::Function& function, const std::optional<api::DeadLetterConfig>& given) {
  if (!given) return;
  if (given->target_arn.value_or("").empty()) return erase(function, kDeadLetterConfig);
  keep(function, kDeadLetterConfig, {{"TargetArn", *given->target_arn}});
}

void keep_kms_key_arn(catalog::Function& function, const std::optional<std::string>& given) {
  if (!given) return;
  if (given->empty()) return erase(function, kKmsKeyArn);
  keep(function, kKmsKeyArn, {{"KMSKeyArn", *given}});
}

void keep_logging_config(catalog::Function& function, const std::optional<api::LoggingConfig>& given) {
  if (!given) return;
  auto object = find(function, kLoggingConfig);
  set(object, "LogFormat", given->log_format);
  set(object, "ApplicationLogLevel", given->application_log_level);
  set(object, "SystemLogLevel", given->system_log_level);
  set(object, "LogGroup", given->log_group);
  keep(function, kLoggingConfig, object);
}

void keep_snap_start(catalog::Function& function, const std::optional<api::SnapStart>& given) {
  if (!given) return;
  keep(function, kSnapStart, {{"ApplyOn", given->apply_on.value_or("None")}});
}

void show_echoed(const catalog::Function& function, api::FunctionConfiguration& out) {
  if (const auto vpc = find(function, kVpcConfig); !vpc.empty()) {
    auto& shown = out.vpc_config.emplace();
    shown.subnet_ids = texts(vpc, "SubnetIds");
    shown.security_group_ids = texts(vpc, "SecurityGroupIds");
    shown.vpc_id = "";
    const auto* dual = vpc.if_contains("Ipv6AllowedForDualStack");
    shown.ipv6_allowed_for_dual_stack = dual && dual->is_bool() && dual->get_bool();
  }
  if (const auto target = text(find(function, kDeadLetterConfig), "TargetArn")) {
    out.dead_letter_config.emplace().target_arn = *target;
  }
  out.kms_key_arn = text(find(function, kKmsKeyArn), "KMSKeyArn");

  const auto logging = find(function, kLoggingConfig);
  auto& shown = out.logging_config.emplace();
  shown.log_format = text(logging, "LogFormat").value_or("Text");
  shown.application_log_level = text(logging, "ApplicationLogLevel");
  shown.system_log_level = text(logging, "SystemLogLevel");
  shown.log_group = text(logging, "LogGroup").value_or("/aws/lambda/" + function.name);

  auto& snap_start = out.snap_start.emplace();
  snap_start.apply_on = text(find(function, kSnapStart), "ApplyOn").value_or("None");
  snap_start.optimization_status = catalog::has_snap_start(function) && !function.lacks_snapshot ? "On" : "Off";
}

}  // namespace lambent::services::lambda
