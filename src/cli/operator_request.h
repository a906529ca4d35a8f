// A request to the server's operator interface: signed by the root key, over a connection of its own.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "identity/credentials.h"

namespace lambent::cli {

struct OperatorRequest {
  std::string url;     // "http://127.0.0.1:4566"
  std::string region;  // "us-east-1"
  identity::KeyPair keys;
  std::string path;  // "/backup", which is sent by POST
};

// The body of the answer, without the newline at its end. Blocks until the server has answered, however long that
// takes. Fails with what the server says where that is not 200, and where there is no server.
Result<std::string> post_to_operator(const OperatorRequest& request, Wall now);

}  // namespace lambent::cli
