#include "instance/launch_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::instance {
namespace {

constexpr const char* kTaskRoot = "/var/task";
constexpr const char* kLayers = "/opt";
constexpr const char* kRuntimeFolder = "/var/runtime";
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html: not of `provided` runtimes.
constexpr std::string_view kWrapper = "AWS_LAMBDA_EXEC_WRAPPER";
constexpr const char* kAttendantFolder = "/var/lambent";

void add_command(sandbox::Policy& policy, const Runtime& runtime) {
  switch (runtime.family) {
    case RuntimeFamily::python:
      policy.argv = {runtime.interpreter, "-S", "-B", "/var/runtime/bootstrap.py"};
      return;
    case RuntimeFamily::nodejs:
      policy.argv = {runtime.interpreter, "/var/runtime/bootstrap.cjs"};
      return;
    case RuntimeFamily::ruby:
      policy.argv = {runtime.interpreter, "/var/runtime/bootstrap.rb"};
      return;
    case RuntimeFamily::java:
      policy.argv = {runtime.interpreter,
                     "-XX:+UseSerialGC",
                     "-XX:TieredStopAtLevel=1",
                     "-XX:-UsePerfData",
                     "-cp",
                     "/var/runtime/lambent_runtime.jar",
                     "lambent.runtime.Main"};
      return;
    case RuntimeFamily::provided:
      policy.argv = {"/var/task/bootstrap"};
      return;
  }
}

// Under Platform::runtimes_folder; null where the function brings its own client.
const char* client_folder(RuntimeFamily family) {
  switch (family) {
    case RuntimeFamily::python:
      return "python";
    case RuntimeFamily::nodejs:
      return "nodejs";
    case RuntimeFamily::ruby:
      return "ruby";
    case RuntimeFamily::java:
      return "java";
    case RuntimeFamily::provided:
      break;
  }
  return nullptr;
}

sandbox::SeccompProfile profile_of(RuntimeFamily family) {
  switch (family) {
    case RuntimeFamily::python:
      return sandbox::SeccompProfile::python;
    case RuntimeFamily::nodejs:
      return sandbox::SeccompProfile::nodejs;
    case RuntimeFamily::ruby:
      return sandbox::SeccompProfile::ruby;
    case RuntimeFamily::java:
      return sandbox::SeccompProfile::java;
    case RuntimeFamily::provided:
      break;
  }
  return sandbox::SeccompProfile::provided;
}

void add_runtime_mounts(sandbox::Policy& policy, const Runtime& runtime, const Platform& platform) {
  if (const char* client = client_folder(runtime.family)) {
    policy.mounts.push_back({fmt::format("{}/{}", platform.runtimes_folder, client), kRuntimeFolder});
  }
  if (!runtime.prefix.empty()) policy.mounts.push_back({runtime.prefix, runtime.prefix});
}

void add_runtime_door(sandbox::Policy& policy, const Runtime& runtime, const Platform& platform) {
  policy.runtime_line = has_runtime_line(runtime.family);
  policy.runtime_port = platform.runtime_port;
}

std::string execution_environment(const Runtime& runtime) {
  return runtime.family == RuntimeFamily::provided ? std::string() : "AWS_Lambda_" + runtime.id;
}

void add_environment(sandbox::Policy& policy, const catalog::Function& function, const Runtime& runtime,
                     const Platform& platform, const identity::TemporaryCredentials& credentials,
                     const std::string& log_stream, std::string_view initialization_type) {
  const auto set = [&](std::string_view name, std::string_view value) {
    policy.environment.push_back(fmt::format("{}={}", name, value));
  };
  // AWS lets a function replace these; the reserved ones below are refused when they are set (services/lambda).
  const auto set_default = [&](std::string_view name, std::string_view value) {
    for (const auto& [own, unused] : function.environment) {
      if (own == name) return;
    }
    set(name, value);
  };
  for (const auto& [name, value] : function.environment) set(name, value);
  set_default("LANG", "en_US.UTF-8");
  set_default("TZ", ":UTC");
  set_default("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin");
  set_default("LD_LIBRARY_PATH", "/var/task:/var/task/lib:/opt/lib");
  if (runtime.family == RuntimeFamily::nodejs) {
    // "nodejs20.x" looks in node20 too.
    const std::string major = runtime.id.substr(6, runtime.id.find('.') - 6);
    set_default("NODE_PATH", fmt::format("/opt/nodejs/node{}/node_modules:/opt/nodejs/node_modules:"
                                         "/var/runtime/node_modules:/var/runtime:/var/task",
                                         major));
  }
  if (runtime.family == RuntimeFamily::python) set_default("PYTHONPATH", kRuntimeFolder);
  if (runtime.family == RuntimeFamily::ruby) {
    const std::string version = runtime.id.substr(4) + ".0";  // "ruby3.3" keeps gems under 3.3.0
    set_default("RUBYLIB", "/var/task:/opt/ruby/lib");
    set_default("GEM_PATH", fmt::format("/var/task/vendor/bundle/ruby/{0}:/opt/ruby/gems/{0}", version));
  }
  set_default("AWS_ENDPOINT_URL", fmt::format("http://127.0.0.1:{}", platform.api_port));

  set("_HANDLER", function.handler);
  set("LAMBDA_TASK_ROOT", kTaskRoot);
  set("LAMBDA_RUNTIME_DIR", kRuntimeFolder);
  set("AWS_REGION", platform.region);
  set("AWS_DEFAULT_REGION", platform.region);
  set("AWS_LAMBDA_FUNCTION_NAME", function.name);
  set("AWS_LAMBDA_FUNCTION_VERSION", function.version);
  set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(function.memory_mb));
  set("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + function.name);
  set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
  set("AWS_LAMBDA_INITIALIZATION_TYPE", initialization_type);
  set("AWS_LAMBDA_RUNTIME_API", fmt::format("127.0.0.1:{}", platform.runtime_port));
  if (has_runtime_line(runtime.family)) set("_LAMBENT_RUNTIME_LINE", std::to_string(sandbox::kRuntimeLine));
  set("AWS_ACCESS_KEY_ID", credentials.access_key_id);
  set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key);
  set("AWS_SESSION_TOKEN", credentials.session_token);
  if (const std::string environment = execution_environment(runtime); !environment.empty()) {
    set("AWS_EXECUTION_ENV", environment);
  }
}

bool is_wrapped(const catalog::Function& function, const Runtime& runtime) {
  return runtime.family != RuntimeFamily::provided && std::ranges::any_of(function.environment, [](const auto& entry) {
           return entry.first == kWrapper && !entry.second.empty();
         });
}

// By a shell, as AWS's bootstraps do it: what is wrong with the script is said, and exited with, as on AWS. Python then
// has its `site` module, by which tools for tracing load themselves.
void wrap_command(sandbox::Policy& policy) {
  std::erase(policy.argv, "-S");
  const std::string script = fmt::format("exec \"${}\" \"$@\"", kWrapper);
  const std::vector<std::string> shell = {"/bin/sh", "-c", script, "/var/runtime/bootstrap"};
  policy.argv.insert(policy.argv.begin(), shell.begin(), shell.end());
  policy.kind = 0;
}

// Environment that every function has unless it replaces it; the interpreter of a template is started with it.
std::vector<std::string> common_environment() {
  return {"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
          "LD_LIBRARY_PATH=/var/task:/var/task/lib:/opt/lib"};
}

// Empty where instances are started one by one. What each template is and needs: runtimes/*/README.md.
std::vector<std::string> template_arguments(RuntimeFamily family) {
  switch (family) {
    case RuntimeFamily::python:
      return {"-S", "-B", "/var/runtime/template.py"};
    case RuntimeFamily::nodejs:
      return {"--single-threaded", "--v8-pool-size=1", "--no-flush-bytecode", "/var/runtime/template.cjs"};
    case RuntimeFamily::ruby:
      return {"/var/runtime/template.rb"};
    case RuntimeFamily::java:
    case RuntimeFamily::provided:
      break;
  }
  return {};
}

void add_template_command(sandbox::Policy& policy, const Runtime& runtime) {
  policy.argv = template_arguments(runtime.family);
  policy.argv.insert(policy.argv.begin(), runtime.interpreter);
  policy.environment = common_environment();
  if (runtime.family == RuntimeFamily::python) {
    policy.environment.push_back(fmt::format("PYTHONPATH={}", kRuntimeFolder));
  }
}

}  // namespace

StartKind start_kind(const Runtime& runtime, const Platform& platform, const Limits& limits, bool has_gates) {
  StartKind kind;
  kind.number = runtime.start_kind;
  kind.is_template = has_template(runtime.family);
  sandbox::Policy& like = kind.like;
  if (kind.is_template) {
    add_runtime_mounts(like, runtime, platform);
    add_template_command(like, runtime);
  } else {
    like.argv = {"/var/task/bootstrap"};  // never executed: each launch brings its own
  }
  like.working_folder = "/";
  like.seccomp = profile_of(runtime.family);
  like.open_files = limits.open_files;
  add_runtime_door(like, runtime, platform);
  like.platform_port = platform.api_port;
  if (has_gates) like.network = sandbox::NetworkMode::open;  // becomes any other
  return kind;
}

bool wants_snapshot(const catalog::Function& function, const Runtime& runtime, const SnapshotSettings& settings) {
  if (!has_template(runtime.family) || is_wrapped(function, runtime)) return false;
  if (settings.everything) return true;
  return catalog::has_snap_start(function);
}

void make_template(sandbox::Policy& policy, const Runtime& runtime) {
  policy.argv = template_arguments(runtime.family);
  policy.argv.insert(policy.argv.begin(), runtime.interpreter);
  policy.environment.emplace_back("LAMBENT_TEMPLATE_MODE=snapshot");
  policy.is_template = true;
  policy.kind = 0;
}

std::uint32_t function_millicores(const catalog::Function& function, const Limits& limits) {
  return sandbox::millicores_for(std::uint64_t{function.memory_mb} * kMiB, limits.megabytes_per_core);
}

sandbox::Policy plan_launch(const catalog::Function& function, const Runtime& runtime, const Platform& platform,
                            const Limits& limits, const identity::TemporaryCredentials& credentials,
                            const std::string& log_stream, std::string_view initialization_type) {
  sandbox::Policy policy;
  add_runtime_mounts(policy, runtime, platform);  // first: a sandbox that is ready has them already
  policy.mounts.push_back({function.code->folder, kTaskRoot});
  if (function.layers_code) policy.mounts.push_back({function.layers_code->folder, kLayers});
  add_command(policy, runtime);
  add_environment(policy, function, runtime, platform, credentials, log_stream, initialization_type);
  policy.owner = function.name;
  policy.working_folder = kTaskRoot;
  policy.seccomp = profile_of(runtime.family);
  policy.memory_bytes = std::uint64_t{function.memory_mb} * kMiB;
  policy.cpu_millicores = std::max(function_millicores(function, limits), limits.init_millicores);
  policy.processes = limits.processes;
  policy.open_files = limits.open_files;
  policy.tmp_bytes = std::uint64_t{function.ephemeral_storage_mb} * kMiB;
  add_runtime_door(policy, runtime, platform);
  policy.platform_port = platform.api_port;
  policy.kind = runtime.start_kind;
  if (is_wrapped(function, runtime)) wrap_command(policy);
  return policy;
}

// Extensions may be programs of any kind; the list of system calls of `provided` holds those of all runtimes.
void attend_launch(sandbox::Policy& policy, const Platform& platform, const std::vector<std::string>& extensions) {
  policy.mounts.push_back({fmt::format("{}/attendant", platform.runtimes_folder), kAttendantFolder});
  std::vector<std::string> argv = {fmt::format("{}/lambent_attendant", kAttendantFolder)};
  for (const auto& name : extensions) argv.push_back(fmt::format("{}/extensions/{}", kLayers, name));
  argv.emplace_back("--");
  argv.insert(argv.end(), policy.argv.begin(), policy.argv.end());
  policy.argv = std::move(argv);
  policy.runtime_line = true;
  policy.seccomp = sandbox::SeccompProfile::provided;
  policy.kind = 0;
}

void confine_network(sandbox::Policy& policy, const egress::NetworkPolicy& network, bool has_gates) {
  using sandbox::NetworkMode;
  if (network.has_egress()) {
    policy.network = NetworkMode::open;
  } else if (has_gates) {
    policy.network = network.platform ? NetworkMode::platform : NetworkMode::none;
  } else {
    policy.network = NetworkMode::bare;
    if (!network.platform) policy.platform_port = 0;
  }
}

}  // namespace lambent::instance
