// The runtime clients (runtimes/ of the source tree) travel inside the binary and are written to disk when the server
// starts, so that sandboxes can mount them at /var/runtime.
#pragma once

#include <string>

#include "base/error.h"
#include "instance/runtime_set.h"

namespace lambent::instance {

// Writes them to DIR/runtimes/<digest>/ unless they are there, compiles the Python client for each interpreter (a
// read-only /var/runtime could not keep the bytecode, and each start would pay for it), and removes those of other
// versions of this program. Returns that folder. Blocks; before the loop runs.
Result<std::string> install_runtime_clients(const std::string& data_folder, const RuntimeSet& runtimes);

}  // namespace lambent::instance
