// `lambent env`: lines for a shell's eval that point AWS's tools at the server of a data folder.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace lambent::cli {

// Looks up an environment variable.
using GetVariable = std::function<std::optional<std::string>(const std::string& name)>;

// Keys come from LAMBENT_ROOT_ACCESS_KEY and LAMBENT_ROOT_SECRET_KEY where both are set, else from DIR/credentials;
// they must be those the server was started with.
int run_env(const std::string& data_dir, const GetVariable& variable, std::ostream& out, std::ostream& err);

// The text as one word of a POSIX shell, whatever it holds.
std::string shell_quote(std::string_view text);

}  // namespace lambent::cli
