#include "main/config_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <thread>
#include <utility>

#include "egress/lists.h"
#include "egress/protocol.h"
#include "main/config_values.h"

namespace lambent {
namespace {

using Outcome = std::expected<void, std::string>;

// `member` gives the setting's place: [](auto& c) -> auto& { return c.port; }.
#define LAMBENT_AT(path) [](auto& config) -> auto& { return config.path; }

template <class Member>
Setting number(std::string key, std::string group, std::string help, std::uint64_t least, std::uint64_t most,
               Member member) {
  using T = std::remove_cvref_t<decltype(member(std::declval<Config&>()))>;
  const auto set = [=](Config& config, std::string_view text) -> Outcome {
    const auto value = parse_number(text, least, std::min<std::uint64_t>(most, std::numeric_limits<T>::max()));
    if (!value) return std::unexpected(value.error());
    member(config) = static_cast<T>(*value);
    return {};
  };
  return {std::move(key), "N", std::move(help), std::move(group), false, set, [=](const Config& config) {
            return fmt::format("{}", member(config));
          }};
}

template <class Member>
Setting size(std::string key, std::string group, std::string help, Member member) {
  const auto set = [=](Config& config, std::string_view text) -> Outcome {
    const auto value = parse_size(text);
    if (!value) return std::unexpected(value.error());
    if (*value == 0) return std::unexpected("must not be 0");
    member(config) = *value;
    return {};
  };
  return {std::move(key), "SIZE", std::move(help), std::move(group), true, set, [=](const Config& config) {
            return show_size(member(config));
          }};
}

template <class Member>
Setting duration(std::string key, std::string group, std::string help, Member member) {
  const auto set = [=](Config& config, std::string_view text) -> Outcome {
    const auto value = parse_duration(text);
    if (!value) return std::unexpected(value.error());
    using T = std::remove_cvref_t<decltype(member(config))>;
    const auto kept = std::chrono::duration_cast<T>(*value);
    if (kept != *value) return std::unexpected("must be whole minutes");
    member(config) = kept;
    return {};
  };
  return {std::move(key), "TIME", std::move(help), std::move(group), true, set, [=](const Config& config) {
            return show_duration(member(config));
          }};
}

// A text that must please `good`; `what` says what that takes.
template <class Member>
Setting text(std::string key, std::string value_name, std::string help, bool (*good)(std::string_view),
             std::string what, Member member) {
  const auto set = [=](Config& config, std::string_view value) -> Outcome {
    if (!good(value)) return std::unexpected(what);
    member(config) = value;
    return {};
  };
  return {std::move(key), std::move(value_name), std::move(help), "Server", true, set, [=](const Config& config) {
            return member(config);
          }};
}

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

template <class T, class Member>
Setting choice(std::string key, std::string help, const Choices<T>& choices, Member member) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  const auto set = [=](Config& config, std::string_view given) -> Outcome {
    for (const auto& [name, value] : choices) {
      if (name != given) continue;
      member(config) = value;
      return {};
    }
    return std::unexpected(fmt::format("must be one of {}", fmt::join(names, ", ")));
  };
  const auto show = [=](const Config& config) {
    return std::ranges::find(choices, member(config), &std::pair<std::string, T>::second)->first;
  };
  return {std::move(key), fmt::format("{}", fmt::join(names, "|")), std::move(help), "Server", true, set, show};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool good_folder(std::string_view value) {
  return !value.empty() && value.find('\0') == std::string_view::npos;
}
bool good_user(std::string_view value) {
  return !value.empty() && value.size() <= 64 && value.front() != '-' &&
         std::ranges::all_of(value, [](unsigned char c) { return c > ' ' && c != ':' && c != '/' && c < 0x7f; });
}
bool good_account(std::string_view value) {
  return value.size() == 12 && std::ranges::all_of(value, is_digit);
}
bool good_region(std::string_view value) {
  return !value.empty() && value.size() <= 32 && is_lower(value.front()) &&
         std::ranges::all_of(value, [](char c) { return is_digit(c) || is_lower(c) || c == '-'; });
}
bool good_domain(std::string_view value) {
  return !value.empty() && value.size() <= 200 && value.front() != '.' && value.back() != '.' &&
         std::ranges::all_of(value, [](char c) { return is_digit(c) || is_lower(c) || c == '-' || c == '.'; });
}
bool good_address(std::string_view value) {
  const bool digits_only = std::ranges::all_of(value, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':';
  });
  return digits_only && (value.find('.') != std::string_view::npos || value.find(':') != std::string_view::npos);
}

// "python3.11=/usr/bin/python3.11,nodejs20.x=/opt/node/bin/node"; adds to what is there.
Outcome set_runtimes(Config& config, std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view pair = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    const auto equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const std::string_view path = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    const bool named = !name.empty() && is_lower(name.front()) &&
                       std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '.'; });
    if (!named || !path.starts_with('/')) {
      return std::unexpected("must be RUNTIME=/absolute/path, e.g. python3.11=/usr/bin/python3.11");
    }
    config.runtimes[std::string(name)] = path;
  }
  return {};
}

std::string show_runtimes(const Config& config) {
  std::string out;
  for (const auto& [name, path] : config.runtimes) out += fmt::format("{}{}={}", out.empty() ? "" : ",", name, path);
  return out;
}

bool good_policy(std::string_view value) {
  return egress::parse_network_policy(value).has_value();
}
bool good_ranges(std::string_view value) {
  return value.size() < egress::protocol::kListBytes && egress::parse_ranges(value).has_value();
}
bool good_addresses(std::string_view value) {
  return value.size() < egress::protocol::kListBytes && egress::parse_addresses(value).has_value();
}

// A switch: on the command line its name alone.
Setting strict_setting() {
  auto setting = choice<bool>("strict",
                              "Refuses what AWS would refuse: limits beyond AWS's, tags and settings of this server's "
                              "own, and what is only kept where AWS acts on it",
                              {{"false", false}, {"true", true}}, LAMBENT_AT(strict));
  setting.value_name = "";
  return setting;
}

std::vector<Setting> server_settings() {
  return {
      strict_setting(),
      text("data", "DIR", "Folder for everything that is kept", good_folder, "must be a folder", LAMBENT_AT(data)),
      text("bind", "ADDRESS", "Address to listen on", good_address, "must be an IPv4 or IPv6 address",
           LAMBENT_AT(bind)),
      number("port", "Server", "Port to listen on; 0 takes any free one", 0, 65535, LAMBENT_AT(port)),
      text("user", "NAME",
           "User that the server becomes when root starts it: an account of the host, or a number; lambent may be "
           "missing",
           good_user, "must be an account or a number", LAMBENT_AT(user)),
      choice<sandbox::IsolationLevel>("require_isolation",
                                      "Isolation below which the server does not start; see lambent doctor",
                                      {{"any", sandbox::IsolationLevel::any},
                                       {"standard", sandbox::IsolationLevel::standard},
                                       {"full", sandbox::IsolationLevel::full}},
                                      LAMBENT_AT(require_isolation)),
      choice<bool>(
          "record_denied_calls",
          "Whether system calls that functions are refused are recorded for lambent doctor; costs time, and lines "
          "in the host's audit log",
          {{"no", false}, {"yes", true}}, LAMBENT_AT(record_denied_calls)),
      text("account_id", "ID", "Account that functions and tables belong to", good_account, "must be 12 digits",
           LAMBENT_AT(account_id)),
      text("region", "NAME", "Region in names and environments; requests for any other are answered too", good_region,
           "must be a region such as us-east-1", LAMBENT_AT(region)),
      choice<FunctionUrlStyle>(
          "function_url_style", "Form of function URLs: by host name, or by path",
          {{"auto", FunctionUrlStyle::automatic}, {"host", FunctionUrlStyle::host}, {"path", FunctionUrlStyle::path}},
          LAMBENT_AT(function_url_style)),
      text("url_domain", "DOMAIN", "Domain that function URLs end in", good_domain, "must be a lower-case domain",
           LAMBENT_AT(url_domain)),
      choice<log::Level>("log_level", "Least severity of the server's own log lines",
                         {{"debug", log::Level::debug},
                          {"info", log::Level::info},
                          {"warning", log::Level::warning},
                          {"error", log::Level::error}},
                         LAMBENT_AT(log_level)),
      number("work_threads", "Server", "Threads for blocking work", 1, 256, LAMBENT_AT(work_threads)),
      number("ready_sandboxes", "Server",
             "Sandboxes kept prepared for cold starts, for each runtime in use; 0 makes each one when it is needed", 0,
             256, LAMBENT_AT(ready_sandboxes)),
      choice<bool>("snapshots",
                   "Which instances are forks of a template in which INIT has run: those of published versions with "
                   "SnapStart, or all of Python, Node.js and Ruby",
                   {{"published", false}, {"all", true}}, LAMBENT_AT(snapshots.everything)),
      duration("drain_timeout", "Server", "How long calls in flight may take once SIGTERM has come",
               LAMBENT_AT(drain_timeout)),
      duration("idle_timeout", "Server", "How long an idle instance is kept", LAMBENT_AT(limits.idle_timeout)),
      {"runtimes", "RUNTIME=PATH",
       "Interpreter of a runtime, where it is not the host's; may be repeated; in the file a table [runtimes]",
       "Server", true, set_runtimes, show_runtimes},
  };
}

std::vector<Setting> store_settings() {
  return {
      size("store.cache_bytes", "Store", "Memory for what was read from the disk; taken as it is used",
           LAMBENT_AT(store.block_cache_bytes)),
      choice<bool>("store.accept_damaged_log",
                   "Whether a store whose log is damaged is opened with what comes before the damage: acknowledged "
                   "writes are lost. Set it for one start, after a copy of the data folder",
                   {{"no", false}, {"yes", true}}, LAMBENT_AT(store.accept_damaged_log)),
  };
}

std::vector<Setting> network_settings() {
  const std::string group = "Network of functions";
  const std::string policy = "must be platform, none, internet, or a list of host names and ranges of addresses";
  std::vector<Setting> table = {
      text("network.default", "POLICY", "Network policy of functions without the tag lambent:network", good_policy,
           policy, LAMBENT_AT(network.default_policy)),
      text("network.grantable", "POLICY", "What functions may ask for by their tag, besides platform and none",
           good_policy, policy, LAMBENT_AT(network.grantable)),
      text("network.denied", "RANGES", "Ranges of addresses that no function reaches, comma-separated, or none",
           good_ranges, "must be none, or ranges such as 10.0.0.0/8,2001:db8::/32", LAMBENT_AT(network.denied)),
      text("network.resolvers", "ADDRESSES",
           "Name servers that functions' questions go to, comma-separated; host: those of /etc/resolv.conf",
           good_addresses, "must be host, or addresses such as 9.9.9.9,2620:fe::fe", LAMBENT_AT(network.resolvers)),
      choice<bool>("network.log_attempts", "Whether what functions try without a way out is logged",
                   {{"no", false}, {"yes", true}}, LAMBENT_AT(network.log_attempts)),
      number("network.connections", group, "Open connections of one instance", 1, 8192,
             LAMBENT_AT(network.limits.connections)),
      number("network.connections_per_second", group, "New connections of one instance", 1, 100'000,
             LAMBENT_AT(network.limits.connections_per_second)),
      number("network.queries_per_second", group, "Names that one instance asks for", 1, 100'000,
             LAMBENT_AT(network.limits.queries_per_second)),
      duration("network.idle_timeout", group, "Until a connection on which nothing moves is reset",
               LAMBENT_AT(network.limits.idle_timeout)),
  };
  for (auto& setting : table) setting.group = group;
  return table;
}

std::vector<Setting> function_limits() {
  constexpr std::uint64_t kMany = 1'000'000;
  const std::string group = "Limits of functions";
  return {
      number("limits.timeout_seconds", group, "Longest Timeout of a function", 1, 86'400,
             LAMBENT_AT(limits.timeout_seconds)),
      number("limits.memory_megabytes", group, "Largest MemorySize", 128, kMany, LAMBENT_AT(limits.memory_megabytes)),
      number("limits.tmp_megabytes", group, "Largest EphemeralStorage", 512, kMany, LAMBENT_AT(limits.tmp_megabytes)),
      size("limits.sync_payload_bytes", group, "Request and response of a synchronous call",
           LAMBENT_AT(limits.sync_payload_bytes)),
      size("limits.async_payload_bytes", group, "Request of an asynchronous call",
           LAMBENT_AT(limits.async_payload_bytes)),
      size("limits.zip_upload_bytes", group, "Code package given inline", LAMBENT_AT(limits.zip_upload_bytes)),
      size("limits.unzipped_bytes", group, "Code unpacked", LAMBENT_AT(limits.unzipped_bytes)),
      number("limits.unzipped_entries", group, "Files in one code package", 1, 100 * kMany,
             LAMBENT_AT(limits.unzipped_entries)),
      size("limits.environment_bytes", group, "Environment variables of one function, all together",
           LAMBENT_AT(limits.environment_bytes)),
      number("limits.account_concurrency", group, "Calls that run at the same time", 1, kMany,
             LAMBENT_AT(limits.account_concurrency)),
      number("limits.unreserved_concurrency", group, "Of these, what PutFunctionConcurrency cannot reserve", 0, kMany,
             LAMBENT_AT(calls.unreserved_concurrency)),
      number("limits.async_concurrency", group, "Of these, asynchronous calls; what is over it waits", 1, kMany,
             LAMBENT_AT(calls.async_concurrency)),
      size("limits.streamed_bytes", group, "Answer of a call that takes a stream", LAMBENT_AT(calls.streamed_bytes)),
      size("limits.policy_bytes", group, "Resource policy of one function", LAMBENT_AT(calls.policy_bytes)),
      size("limits.item_collection_bytes", group,
           "Items of one partition key value in a table with local indexes, with their entries in these",
           LAMBENT_AT(tables.item_collection_bytes)),
      number("limits.layers", group, "Layers of one function", 0, 100, LAMBENT_AT(calls.layers)),
      number("limits.filters", group, "Filters of one event source mapping", 0, 100, LAMBENT_AT(calls.filters)),
      number("limits.recursion_depth", group, "Calls of one function in one chain of requests", 1, kMany,
             LAMBENT_AT(calls.recursion_depth)),
      duration("limits.first_retry", group, "Wait before the second attempt of an asynchronous call",
               LAMBENT_AT(calls.first_retry)),
      duration("limits.second_retry", group, "Wait before the third attempt of an asynchronous call",
               LAMBENT_AT(calls.second_retry)),
      number("limits.open_files", group, "Open files of one instance", 64, kMany, LAMBENT_AT(limits.open_files)),
      number("limits.processes", group, "Processes and threads of one instance", 1, kMany,
             LAMBENT_AT(limits.processes)),
      number("limits.megabytes_per_core", group, "MemorySize that buys one core", 1, kMany,
             LAMBENT_AT(limits.megabytes_per_core)),
      number("limits.init_millicores", group, "Least processor share during INIT, in thousandths of a core", 10,
             1'024'000, LAMBENT_AT(limits.init_millicores)),
      duration("limits.init_timeout", group, "INIT phase", LAMBENT_AT(limits.init_timeout)),
      number("limits.extensions", group, "Extensions of one instance", 0, 50, LAMBENT_AT(limits.extensions)),
      duration("limits.shutdown_timeout", group, "Shutdown phase of an instance with extensions",
               LAMBENT_AT(limits.shutdown_timeout)),
      duration("limits.init_backoff", group,
               "Longest pause before a function whose INIT keeps failing is started again",
               LAMBENT_AT(limits.init_backoff)),
      duration("limits.freeze_after", group, "Idle time after which an instance is frozen until its next call",
               LAMBENT_AT(limits.freeze_after)),
      number("limits.snapshot_templates", group, "Templates in which a function's INIT has run, at the same time", 0,
             100'000, LAMBENT_AT(snapshots.templates)),
      number("limits.memory_reserve_percent", group,
             "Free memory of the host below which templates without instances end, in percent", 0, 100,
             LAMBENT_AT(snapshots.memory_reserve_percent)),
      size("limits.tail_bytes", group, "Log returned for LogType Tail", LAMBENT_AT(limits.tail_bytes)),
      size("limits.log_bytes_per_function", group, "Log kept on disk for one function",
           LAMBENT_AT(limits.log_bytes_per_function)),
      size("limits.log_line_bytes", group, "One line of log", LAMBENT_AT(limits.log_line_bytes)),
      size("limits.log_bytes_per_second", group,
           "Log of one function in a second, 128 bytes added for each line; what is over it is dropped",
           LAMBENT_AT(limits.log_bytes_per_second)),
      size("limits.log_burst_bytes", group, "Log that one function may write at once after it was quiet",
           LAMBENT_AT(limits.log_burst_bytes)),
  };
}

std::vector<Setting> front_door_limits() {
  const std::string group = "Limits of connections";
  return {
      size("limits.header_bytes", group, "Headers of one request", LAMBENT_AT(limits.header_bytes)),
      size("limits.body_bytes", group, "Body of one request", LAMBENT_AT(limits.body_bytes)),
      number("limits.connections", group, "Open connections", 1, 1'000'000, LAMBENT_AT(limits.connections)),
      duration("limits.header_timeout", group, "Until a request's headers must be there",
               LAMBENT_AT(limits.header_timeout)),
      duration("limits.idle_connection_timeout", group, "Until an idle connection is closed",
               LAMBENT_AT(limits.idle_connection_timeout)),
      duration("limits.signature_skew", group, "Difference of clocks that a signature may have; whole minutes",
               LAMBENT_AT(limits.signature_skew)),
  };
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substitute}));
    }
  }
  return row.back();
}

}  // namespace

std::string Setting::flag() const {
  std::string name = "--" + key;
  std::ranges::replace_if(name, [](char c) { return c == '_' || c == '.'; }, '-');
  // One flag names one interpreter.
  return name == "--runtimes" ? "--runtime" : name;
}

std::string Setting::environment() const {
  std::string name = "LAMBENT_";
  for (const char c : key) name += c == '.' ? '_' : is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::vector<Setting> settings_table() {
  std::vector<Setting> table = server_settings();
  std::ranges::move(store_settings(), std::back_inserter(table));
  std::ranges::move(network_settings(), std::back_inserter(table));
  std::ranges::move(function_limits(), std::back_inserter(table));
  std::ranges::move(front_door_limits(), std::back_inserter(table));
  return table;
}

std::string near_match(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(2, name.size() / 4) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = &candidate;
  }
  return nearest == nullptr ? "" : fmt::format(" (did you mean {}?)", *nearest);
}

}  // namespace lambent
