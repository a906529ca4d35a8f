// DIR/endpoint: how the other commands find the server of a data directory. Lines of KEY=VALUE; the server writes it
// once its listener is open, and it stays behind when the server ends.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/error.h"

namespace lambent::cli {

struct Endpoint {
  std::string url;              // "http://127.0.0.1:4566"
  std::string region;           // "us-east-1"
  std::string account_id;       // 12 digits
  pid_t pid = 0;                // of the server that wrote it
  std::string root_access_key;  // the id only; the secret stands in DIR/credentials or in the operator's environment
};

Result<> write_endpoint(const std::string& data_dir, const Endpoint& endpoint);

// Says "no server has run …" where there is no such file.
Result<Endpoint> read_endpoint(const std::string& data_dir);

}  // namespace lambent::cli
