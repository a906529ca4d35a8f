#include "cli/endpoint_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>

#include "base/files.h"

namespace lambent::cli {
namespace {

constexpr std::size_t kFileLimit = 64 * 1024;

std::string endpoint_path(const std::string& data_dir) {
  return data_dir + "/endpoint";
}

}  // namespace

Result<> write_endpoint(const std::string& data_dir, const Endpoint& endpoint) {
  return write_file_durably(endpoint_path(data_dir),
                            fmt::format("url={}\nregion={}\naccount_id={}\npid={}\nroot_access_key={}\n", endpoint.url,
                                        endpoint.region, endpoint.account_id, endpoint.pid, endpoint.root_access_key));
}

Result<Endpoint> read_endpoint(const std::string& data_dir) {
  const std::string path = endpoint_path(data_dir);
  auto content = read_file(path, kFileLimit);
  if (!content && content.error().code == ENOENT) {
    return fail(Error::of(
        "find server", data_dir,
        fmt::format("no server has run with this data folder; start one: lambent serve --data {}", data_dir)));
  }
  if (!content) return fail(std::move(content).error());
  Endpoint endpoint;
  for (std::string_view rest = *content; !rest.empty();) {
    const auto newline = rest.find('\n');
    const std::string_view line = rest.substr(0, newline);
    rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (key == "url") endpoint.url = value;
    if (key == "region") endpoint.region = value;
    if (key == "account_id") endpoint.account_id = value;
    if (key == "root_access_key") endpoint.root_access_key = value;
    if (key == "pid") std::from_chars(value.data(), value.data() + value.size(), endpoint.pid);
  }
  if (endpoint.url.empty() || endpoint.region.empty()) {
    return fail(Error::of("read", path, "url and region must be there; start the server again"));
  }
  return endpoint;
}

}  // namespace lambent::cli
