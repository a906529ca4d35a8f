#include "protocol/codec.h"

#include <fmt/format.h>

#include "protocol/form.h"
#include "protocol/json_encode.h"
#include "protocol/json_reader.h"
#include "protocol/query_reader.h"
#include "protocol/rest_request.h"
#include "protocol/router.h"
#include "protocol/slot.h"
#include "protocol/violations.h"

namespace lambent::protocol {
namespace {

// The body that is one member: raw bytes, or a structure.
std::optional<ServiceError> read_payload(HttpRequest& request, const Member& member, void* input, const Path& here,
                                         const JsonOptions& options, Violations& violations) {
  if (request.body.empty()) {
    if (member.required) violations.missing(here);
    return {};
  }
  void* slot = fill(member, input);
  if (member.shape->kind == Kind::structure) {
    return read_json(request.body, *member.shape->structure, slot, here, options, violations);
  }
  as<std::string>(slot) = std::move(request.body);
  violations.check(*member.shape, slot, here);
  return {};
}

bool has_body_members(const Structure& structure) {
  for (const auto& member : structure.members) {
    if (member.place == Place::body) return true;
  }
  return false;
}

std::optional<ServiceError> decode_rest(const ServiceModel& service, const Operation& operation, HttpRequest& request,
                                        void* input, Violations& violations) {
  const Structure& structure = *operation.input;
  const Path root;
  const auto match = match_rest(service, request.method, request.path, request.query);
  if (!match) return framework_error("UnknownOperationException", "", 404);
  if (auto wrong = read_outside_body(request, *match, structure, input, root, violations)) return wrong;

  const JsonOptions options{JsonDialect::rest_json, service.error_namespace};
  if (structure.payload != kNoPayload) {
    const Member& member = structure.members[structure.payload];
    return read_payload(request, member, input, root.member(member.name), options, violations);
  }
  if (!has_body_members(structure)) return {};
  return read_json(request.body, structure, input, root, options, violations);
}

std::optional<ServiceError> decode_query(const Operation& operation, const HttpRequest& request, void* input,
                                         Violations& violations) {
  auto form = parse_form(request.query, true);
  const auto body = parse_form(request.body, true);
  if (!form || !body) return framework_error("MalformedQueryString", "The query string is malformed.", 400);
  form->insert(form->end(), body->begin(), body->end());
  return read_query(*form, *operation.input, input, Path(), violations);
}

}  // namespace

std::optional<ServiceError> decode_request(const ServiceModel& service, const Operation& operation,
                                           HttpRequest& request, void* input) {
  Violations violations;
  std::optional<ServiceError> wrong;
  switch (service.protocol) {
    case WireProtocol::rest_json:
      wrong = decode_rest(service, operation, request, input, violations);
      break;
    case WireProtocol::aws_json:
      wrong = read_json(request.body, *operation.input, input, Path(),
                        JsonOptions{JsonDialect::aws_json, service.error_namespace}, violations);
      break;
    case WireProtocol::query:
      wrong = decode_query(operation, request, input, violations);
      break;
  }
  if (wrong) return wrong;
  if (!violations.empty()) return violations.error();
  return {};
}

ServiceError not_implemented_error(const Operation& operation) {
  return {.code = "NotImplementedException",
          .message = fmt::format("Lambent does not implement {} yet.", operation.name),
          .status = 501,
          .fault = Fault::service,
          .origin = ErrorOrigin::framework};
}

ServiceError make_error(const ErrorShape& shape, const void* error) {
  ServiceError result{.code = std::string(shape.code),
                      .message = {},
                      .status = shape.status,
                      .fault = shape.service_fault ? Fault::service : Fault::user};
  if (!shape.message_member.empty()) result.message_member = shape.message_member;
  result.members = json_members(*shape.structure, error, result.message_member);
  for (const auto& member : shape.structure->members) {
    const void* value = peek(member, error);
    if (member.wire == shape.message_member && value) result.message = as<std::string>(value);
    if (member.name == "Type" && !value) {
      result.add_member("Type", shape.service_fault ? "Service" : "User");
    }
    if (member.place == Place::header && value) {
      result.headers.emplace_back(member.wire, as<std::string>(value));
    }
  }
  return result;
}

}  // namespace lambent::protocol
