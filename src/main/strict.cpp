#include "main/strict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "main/config_table.h"

namespace lambent {
namespace {

// AWS's own limits, whose defaults are AWS's. Settings of hosts (threads, connections, logs) are none.
struct AwsLimit {
  std::string_view key;
  std::int64_t (*value)(const Config&);
};

#define LAMBENT_LIMIT(name, path)                                           \
  AwsLimit {                                                                \
    name, [](const Config& c) { return static_cast<std::int64_t>(c.path); } \
  }

constexpr std::array kAtMost = {
    LAMBENT_LIMIT("limits.timeout_seconds", limits.timeout_seconds),
    LAMBENT_LIMIT("limits.memory_megabytes", limits.memory_megabytes),
    LAMBENT_LIMIT("limits.tmp_megabytes", limits.tmp_megabytes),
    LAMBENT_LIMIT("limits.sync_payload_bytes", limits.sync_payload_bytes),
    LAMBENT_LIMIT("limits.async_payload_bytes", limits.async_payload_bytes),
    LAMBENT_LIMIT("limits.streamed_bytes", calls.streamed_bytes),
    LAMBENT_LIMIT("limits.zip_upload_bytes", limits.zip_upload_bytes),
    LAMBENT_LIMIT("limits.unzipped_bytes", limits.unzipped_bytes),
    LAMBENT_LIMIT("limits.environment_bytes", limits.environment_bytes),
    LAMBENT_LIMIT("limits.policy_bytes", calls.policy_bytes),
    LAMBENT_LIMIT("limits.layers", calls.layers),
    LAMBENT_LIMIT("limits.filters", calls.filters),
    LAMBENT_LIMIT("limits.recursion_depth", calls.recursion_depth),
    LAMBENT_LIMIT("limits.account_concurrency", limits.account_concurrency),
    LAMBENT_LIMIT("limits.open_files", limits.open_files),
    LAMBENT_LIMIT("limits.processes", limits.processes),
    LAMBENT_LIMIT("limits.extensions", limits.extensions),
    LAMBENT_LIMIT("limits.init_timeout", limits.init_timeout.count()),
    LAMBENT_LIMIT("limits.shutdown_timeout", limits.shutdown_timeout.count()),
    LAMBENT_LIMIT("limits.tail_bytes", limits.tail_bytes),
};
constexpr std::array kAtLeast = {
    LAMBENT_LIMIT("limits.unreserved_concurrency", calls.unreserved_concurrency),
    LAMBENT_LIMIT("limits.megabytes_per_core", limits.megabytes_per_core),
};

std::string shown(std::string_view key, const Config& config) {
  const auto table = settings_table();
  const auto found = std::ranges::find(table, key, &Setting::key);
  return found == table.end() ? std::string() : found->show(config);
}

std::string beyond(std::string_view key, const Config& config, std::string_view word) {
  return fmt::format("{} is {}, AWS has {} {}", key, shown(key, config), word, shown(key, Config()));
}

}  // namespace

Result<> check_strict(const Config& config) {
  if (!config.strict) return {};
  const Config aws;
  std::vector<std::string> found;
  for (const auto& limit : kAtMost) {
    if (limit.value(config) > limit.value(aws)) found.push_back(beyond(limit.key, config, "at most"));
  }
  for (const auto& limit : kAtLeast) {
    if (limit.value(config) < limit.value(aws)) found.push_back(beyond(limit.key, config, "at least"));
  }
  if (config.snapshots.everything) found.emplace_back("snapshots is all, AWS takes them of published versions only");
  if (found.empty()) return {};
  return fail(Error::of("strict", "", fmt::format("{}", fmt::join(found, "; "))));
}

}  // namespace lambent
