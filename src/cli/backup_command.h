// `lambent backup`: a copy of a running server's data folder, as it is at one moment, in a folder of its own.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "cli/operator_request.h"
#include "cli/root_keys.h"

namespace lambent::cli {

struct BackupOptions {
  std::string data_dir;
  std::string to;               // the new folder
  std::string endpoint;         // of the server; empty: as DIR/endpoint says
  bool shows_progress = false;  // a line on `err`, written again and again
};

// Asks the server for a backup; its answer is the folder's path, in DIR/backups.
using AskOperator = std::function<Result<std::string>(const OperatorRequest& request)>;

// The server makes the backup in its data folder, mostly of links; this copies it to `to`, and removes it there. `to`
// is whole when it is there: until then it has a name that ends in ".unfinished", and a failure leaves nothing.
int run_backup(const BackupOptions& options, const GetVariable& variable, const AskOperator& ask, const Clock& clock,
               std::ostream& out, std::ostream& err);

}  // namespace lambent::cli
