// From bytes to structs and back, whatever the wire format: the engine under the generated code.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>

#include "protocol/call_context.h"
#include "protocol/http.h"
#include "protocol/model.h"
#include "protocol/service_error.h"

namespace lambent::protocol {

// Index in service.operations, or UnknownOperationException. Query reads its Action from the body.
std::expected<std::size_t, ServiceError> find_operation(const ServiceModel& service, const HttpRequest& request);

// Fills `input`, an empty struct of operation.input, and checks every constraint. A body that is the payload is moved
// out of the request. Nothing where all is well.
std::optional<ServiceError> decode_request(const ServiceModel& service, const Operation& operation,
                                           HttpRequest& request, void* input);

// `output` is a struct of operation.output (ignored where that is null); a payload is moved out of it.
HttpReply encode_reply(const ServiceModel& service, const Operation& operation, const CallContext& call, void* output);

// 501 NotImplementedException.
ServiceError not_implemented_error(const Operation& operation);

// An error struct of the model as a ServiceError; a "Type" member that is absent becomes User or Service.
ServiceError make_error(const ErrorShape& shape, const void* error);

}  // namespace lambent::protocol
