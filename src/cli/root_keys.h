// The keys by which a command speaks to the server of a data folder as its operator.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "cli/endpoint_file.h"
#include "identity/credentials.h"

namespace lambent::cli {

// Looks up an environment variable.
using GetVariable = std::function<std::optional<std::string>(const std::string& name)>;

// From LAMBENT_ROOT_ACCESS_KEY and LAMBENT_ROOT_SECRET_KEY where both are set, else from DIR/credentials. Fails where
// they are not those that the server of `endpoint` was started with.
Result<identity::KeyPair> root_keys(const std::string& data_dir, const Endpoint& endpoint, const GetVariable& variable);

}  // namespace lambent::cli
