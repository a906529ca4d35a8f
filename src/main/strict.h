// What the setting `strict` refuses when the server starts: limits beyond AWS's, and what only this server has.
#pragma once

#include "base/error.h"
#include "main/config.h"

namespace lambent {

// All of it in one sentence for the operator. Nothing where the configuration is not strict.
Result<> check_strict(const Config& config);

}  // namespace lambent
