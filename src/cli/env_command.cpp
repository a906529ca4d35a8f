#include "cli/env_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cli/commands.h"
#include "cli/endpoint_file.h"

namespace lambent::cli {
namespace {

bool is_running(pid_t pid) {
  return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

}  // namespace

std::string shell_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

int run_env(const std::string& data_dir, const GetVariable& variable, std::ostream& out, std::ostream& err) {
  const auto refuse = [&](const Error& error) {
    err << "lambent env: " << error.message() << '\n';
    return kFailed;
  };
  const auto endpoint = read_endpoint(data_dir);
  if (!endpoint) return refuse(endpoint.error());
  const auto keys = root_keys(data_dir, *endpoint, variable);
  if (!keys) return refuse(keys.error());
  const std::array<std::pair<const char*, std::string_view>, 5> lines = {
      {{"AWS_ENDPOINT_URL", endpoint->url},
       {"AWS_ACCESS_KEY_ID", keys->access_key_id},
       {"AWS_SECRET_ACCESS_KEY", keys->secret_access_key},
       {"AWS_REGION", endpoint->region},
       {"AWS_DEFAULT_REGION", endpoint->region}}};
  for (const auto& [name, value] : lines) out << fmt::format("export {}={}\n", name, shell_quote(value));
  // A token left over from another account would make every request wrong.
  out << "unset AWS_SESSION_TOKEN\n";
  if (!is_running(endpoint->pid)) err << fmt::format("lambent env: the server of {} is not running now\n", data_dir);
  return kDone;
}

}  // namespace lambent::cli
