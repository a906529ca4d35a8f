// `lambent env`: lines for a shell's eval that point AWS's tools at the server of a data folder.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "cli/root_keys.h"

namespace lambent::cli {

int run_env(const std::string& data_dir, const GetVariable& variable, std::ostream& out, std::ostream& err);

// The text as one word of a POSIX shell, whatever it holds.
std::string shell_quote(std::string_view text);

}  // namespace lambent::cli
