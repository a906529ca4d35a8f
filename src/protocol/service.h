// How a service is written against its generated protocol.
//
// CMake:        lambent_protocol(lambda 2015-03-31) generates the module protocol/lambda from botocore's model:
//                 protocol/lambda/types.h    a struct for every structure, constants for every enumeration
//                 protocol/lambda/service.h  class Service, dispatch(), identify(), make_endpoint(), model()
//               all in namespace lambent::protocol::lambda.
// Implement:    derive from protocol::lambda::Service and override the operations there are. The others give an
//               empty task, which dispatch answers with 501 NotImplementedException.
//
//                 Answer<lambda::GetFunctionResponse> get_function(const CallContext& call,
//                                                                  lambda::GetFunctionRequest request) override {
//                   if (!known) co_return failure(lambda::ResourceNotFoundException{.message = "Function not found:
//                   …"}); lambda::GetFunctionResponse reply; … co_return reply;
//                 }
//
// The request has been checked against the model when it arrives: required members are there (they are plain members),
// patterns, lengths, ranges and enumerations hold. Lambda's Runtime alone is the service's to check (quirks.json).
// Error structs fill in their "Type" member; a text goes to `message` (named as the model names it, lower case here).
//
// Dispatch:     dispatch(service, call, request) decodes, validates, calls, encodes, also every error.
// identify(request)
//               says before the body is read which operation it is and how large the body may be. The edge holds
//               services as Endpoint (protocol/endpoint.h), made by make_endpoint(service).
//
// An output member that the model binds to a header, to the status code or to the whole body goes there: set
// `status_code` of InvocationResponse for 202 and 204, and put the raw bytes in `payload`. An event stream is a
// BodySource (protocol/http.h) that gives messages made by event_message() (protocol/event_stream.h).
#pragma once

#include "base/error.h"
#include "net/task.h"
#include "protocol/call_context.h"
#include "protocol/endpoint.h"
#include "protocol/service_error.h"

namespace lambent::protocol {

// What an operation gives.
template <class Output>
using Answer = net::Task<Result<Output, ServiceError>>;

// The output of operations that have none.
struct Nothing {};

}  // namespace lambent::protocol
