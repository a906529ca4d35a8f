// Lays folders over each other, as layers of a function are at /opt.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace lambent::catalog {

// Makes `into` (which is not there) of all of `from`: what is under the same name in several is that of the last one;
// folders are joined. Files are linked, or copied where that is not possible; symbolic links are kept and never
// followed. All of it is on disk at the end. `from` is not changed, and nobody changes it meanwhile. Blocks on the
// disk.
Result<> merge_folders(const std::vector<std::string>& from, const std::string& into);

}  // namespace lambent::catalog
