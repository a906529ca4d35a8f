#include "cli/root_keys.h"

#include <cerrno>
#include <utility>

namespace lambent::cli {

Result<identity::KeyPair> root_keys(const std::string& data_dir, const Endpoint& endpoint,
                                    const GetVariable& variable) {
  const auto access = variable("LAMBENT_ROOT_ACCESS_KEY");
  const auto secret = variable("LAMBENT_ROOT_SECRET_KEY");
  identity::KeyPair keys;
  if (access && secret) {
    keys = {*access, *secret};
  } else if (auto read = identity::read_credentials_file(identity::credentials_path(data_dir))) {
    keys = *std::move(read);
  } else if (read.error().code != ENOENT) {
    return fail(std::move(read).error());
  }
  if (endpoint.root_access_key.empty() ? !keys.access_key_id.empty() : keys.access_key_id == endpoint.root_access_key) {
    return keys;
  }
  return fail(Error::of("find keys", data_dir,
                        "the server was started with keys of its own: set LAMBENT_ROOT_ACCESS_KEY and "
                        "LAMBENT_ROOT_SECRET_KEY to the same ones here"));
}

}  // namespace lambent::cli
