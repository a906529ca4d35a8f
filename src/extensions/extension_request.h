// Requests of the Lambda Extensions API, version 2020-01-01, taken apart
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "edge/http.h"

namespace lambent::extensions {

struct ExtensionRoute {
  enum class Kind { registration, next, init_error, exit_error, wrong_method, unknown };
  Kind kind = Kind::unknown;
};

// Whether a path on the Runtime API's port belongs to this API, known or not.
bool is_extension_path(std::string_view path);
ExtensionRoute parse_extension_route(std::string_view method, std::string_view path);

// What an extension asks to be told of.
struct Events {
  bool invoke = false;
  bool shutdown = false;
};

// A refusal in AWS's terms.
struct ApiRefusal {
  int status = 403;
  std::string type;
  std::string message;
};

// The body of a registration: {"events": ["INVOKE", "SHUTDOWN"]}.
std::expected<Events, ApiRefusal> parse_events(std::string_view body);
// Whether Lambda-Extension-Accept-Feature has this one in its list.
bool accepts_feature(const edge::Headers& headers, std::string_view feature);

// {"errorMessage": …, "errorType": …}
edge::Response refusal_response(const ApiRefusal& refusal);

}  // namespace lambent::extensions
