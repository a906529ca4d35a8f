// The paths of the Runtime API, and the trailers that end a streamed response with an error.
#pragma once

#include <string>
#include <string_view>

#include "edge/http.h"
#include "runtime_api/session.h"

namespace lambent::runtime_api {

struct Route {
  enum class Kind { next, response, error, init_error, wrong_method, unknown };
  Kind kind = Kind::unknown;
  std::string_view request_id;  // response and error: as it stands in the path
};

// `path` must outlive the route.
Route parse_route(std::string_view method, std::string_view path);

// A streamed response that failed midway ends with Lambda-Runtime-Function-Error-Type and -Error-Body (base64)
// trailers: the answer then is that error.
void apply_trailers(const edge::Headers& trailers, Answer& answer);

}  // namespace lambent::runtime_api
