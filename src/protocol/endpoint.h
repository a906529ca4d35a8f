// One service behind one front: what the edge needs to know of it, whatever its protocol.
#pragma once

#include "net/task.h"
#include "protocol/call_context.h"
#include "protocol/http.h"
#include "protocol/model.h"
#include "protocol/service_error.h"

namespace lambent::protocol {

// Made by protocol/<service>/service.h: make_endpoint(). Runs on the loop that awaits it.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  [[nodiscard]] virtual const ServiceModel& model() const = 0;

  // Decodes, validates, calls the operation, encodes. Every failure is a reply. `call` must outlive the task.
  virtual net::Task<HttpReply> dispatch(const CallContext& call, HttpRequest request) = 0;
};

// An error in the service's own form, for what is refused before dispatch: signature, size, unknown operation.
HttpReply error_reply(const ServiceModel& service, const CallContext& call, const ServiceError& error);

// AWS's answer to a body over the operation's limit.
ServiceError body_too_large(const OperationInfo& info, const Limits& limits);

// The service that a request is for, as AWS's clients tell it on one port; the first that applies: the credential
// scope's service (`scope`, empty where unsigned), X-Amz-Target, a path of a REST service, the first label of Host,
// Query's Action, a form as body (before the body is read: whichever query service comes first). Null: none of them.
const ServiceModel* find_service(std::span<const ServiceModel* const> services, std::string_view scope,
                                 const HttpRequest& request);

}  // namespace lambent::protocol
