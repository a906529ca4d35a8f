// Every setting of `lambent serve`, and where its value came from. A flag wins over an environment variable
// (LAMBENT_…), that over the TOML file (--config FILE, LAMBENT_CONFIG, or DATA/lambent.toml where it exists), that over
// the default. One table in config_table.cpp declares each setting once and drives all four forms.
//
// Unknown flags, unknown LAMBENT_… variables and unknown keys in the file are errors that name the nearest known one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/call_limits.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/table_limits.h"
#include "cli/commands.h"
#include "egress/settings.h"
#include "instance/snapshot_settings.h"
#include "main/server_user.h"
#include "sandbox/host_report.h"
#include "store/rocksdb_store.h"

namespace lambent {

// How a function's URL looks.
enum class FunctionUrlStyle {
  automatic,  // host form where <id>.lambda-url.<region>.<url_domain> is local, path form otherwise
  host,       // http://<id>.lambda-url.<region>.<url_domain>:<port>/
  path,       // http://<bind>:<port>/lambda-url/<id>/
};

struct RootKeys {
  std::string access_key_id;
  std::string secret_access_key;
};

struct Config {
  std::string data = "./data";
  std::string bind = "127.0.0.1";
  std::uint16_t port = 4566;  // 0: any free port
  std::string user = kServerAccount;
  sandbox::IsolationLevel require_isolation = sandbox::IsolationLevel::any;  // below it the server does not start
  bool record_denied_calls = false;
  bool strict = false;  // refuses what AWS would refuse (strict.h)
  std::string account_id = "000000000000";
  std::string region = "us-east-1";
  FunctionUrlStyle function_url_style = FunctionUrlStyle::automatic;
  std::string url_domain = "localhost";
  log::Level log_level = log::Level::info;
  std::uint32_t work_threads = 4;     // the pool for blocking work
  std::uint32_t ready_sandboxes = 2;  // kept prepared of each kind; 0: none
  instance::SnapshotSettings snapshots;
  std::chrono::milliseconds drain_timeout{30'000};  // SIGTERM: how long calls in flight may still take
  std::map<std::string, std::string> runtimes;      // "python3.11" -> "/usr/bin/python3.11"; others are searched for
  std::optional<RootKeys> root_keys;                // environment only: flags show in ps, files get copied
  Limits limits;                                    // idle_timeout among them
  CallLimits calls;
  TableLimits tables;
  egress::NetworkSettings network;
  store::RocksDbSettings store;
};

enum class Origin { built_in, file, environment, flag };

struct SettingValue {
  std::string key;    // "limits.sync_payload_bytes"
  std::string value;  // as it would be written in the file; the root secret never appears
  Origin origin = Origin::built_in;
  std::string source;  // "--port", "LAMBENT_PORT", "/x/lambent.toml:3"; empty for a default
};

struct LoadedConfig {
  Config config;
  std::vector<SettingValue> settings;  // in the table's order
  bool print_only = false;             // --print-config was given
};

// For cli::Commands::serve_flags. --config and --print-config are among them.
std::vector<cli::FlagSpec> serve_flags();

// `environment` holds the variables whose names start with LAMBENT_ (lambent_environment gives them).
// The error's message is one sentence for the operator that names the setting and the place it was given.
Result<LoadedConfig> load_config(const std::vector<cli::FlagValue>& flags,
                                 const std::map<std::string, std::string>& environment);

// The LAMBENT_… variables of this process.
std::map<std::string, std::string> lambent_environment();

// What --print-config prints: a TOML file with the origin of each value as a comment.
std::string print_config(const LoadedConfig& loaded);

}  // namespace lambent
