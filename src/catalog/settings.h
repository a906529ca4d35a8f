// What belongs to a function as a whole and is no part of any version.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lambent::catalog {

// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html
struct EventInvokeConfig {
  std::optional<std::uint32_t> max_retries;
  std::optional<std::uint32_t> max_age_seconds;
  std::string on_success;  // ARNs; empty: none
  std::string on_failure;
  std::int64_t modified_ms = 0;
};

struct ProvisionedConcurrency {
  std::uint32_t requested = 0;
  std::string last_modified;  // format_lambda_time
};

struct Settings {
  template <class T>
  using ByQualifier = std::map<std::string, T, std::less<>>;  // "$LATEST", a version's number or an alias

  std::uint64_t last_version = 0;  // the highest number ever published: none is given twice
  std::optional<std::uint32_t> reserved_concurrency;
  bool allows_recursion = false;
  ByQualifier<EventInvokeConfig> event_invoke;
  ByQualifier<ProvisionedConcurrency> provisioned;  // never of $LATEST
  // Statements of resource policies, by statement id in the order in which they were added; JSON.
  ByQualifier<std::vector<std::pair<std::string, std::string>>> policies;
  // Kept and shown; nothing acts on them.
  std::string code_signing_config_arn;
  ByQualifier<std::string> runtime_management;  // JSON
  ByQualifier<std::string> scaling;             // JSON

  // What a version or alias that is deleted takes with it.
  void forget(const std::string& qualifier);
};

using SettingsPtr = std::shared_ptr<const Settings>;

// How they are kept in the store; see function_record.h.
std::string encode_settings(const Settings& settings);
Result<Settings> decode_settings(std::string_view text);

}  // namespace lambent::catalog
