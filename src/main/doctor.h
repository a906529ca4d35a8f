// `lambent doctor`: what this host lets Lambent enforce, found out by doing what `lambent serve` does: the spawner is
// started, the rights are given up, a sandbox is made and looked at from inside.
#pragma once

#include <vector>

#include "cli/commands.h"

namespace lambent {

// Flags of serve that doctor takes too: where settings are read from, and those that change what is found.
std::vector<cli::FlagSpec> doctor_flags();

// Exit code 0 where nothing that the setting require_isolation asks for is missing and sandboxes can be made, 1
// otherwise.
int doctor(const std::vector<cli::FlagValue>& flags, bool json);

}  // namespace lambent
