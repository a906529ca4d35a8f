// Requests of the Query protocol: "Action=AssumeRole&PolicyArns.member.1.arn=…".
#pragma once

#include <optional>

#include "protocol/form.h"
#include "protocol/service_error.h"
#include "protocol/shape.h"
#include "protocol/violations.h"

namespace lambent::protocol {

std::optional<ServiceError> read_query(const Form& form, const Structure& structure, void* target, const Path& path,
                                       Violations& violations);

}  // namespace lambent::protocol
