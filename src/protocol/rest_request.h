// What REST puts outside the body: labels of the path, query parameters, headers.
#pragma once

#include <optional>

#include "protocol/http.h"
#include "protocol/router.h"
#include "protocol/service_error.h"
#include "protocol/shape.h"
#include "protocol/violations.h"

namespace lambent::protocol {

// Fills every member of `structure` whose place is not the body and checks it.
std::optional<ServiceError> read_outside_body(const HttpRequest& request, const RestMatch& match,
                                              const Structure& structure, void* target, const Path& path,
                                              Violations& violations);

}  // namespace lambent::protocol
