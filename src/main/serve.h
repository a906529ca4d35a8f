// The command `lambent serve`, from its flags to its exit code.
#pragma once

#include <vector>

#include "cli/commands.h"

namespace lambent {

int serve(const std::vector<cli::FlagValue>& flags);

}  // namespace lambent
