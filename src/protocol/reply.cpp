// Outputs and errors as HTTP replies, in each protocol's form.
#include <fmt/format.h>
#include <zlib.h>

#include "base/json_text.h"
#include "protocol/codec.h"
#include "protocol/endpoint.h"
#include "protocol/json_encode.h"
#include "protocol/slot.h"
#include "protocol/text_scalar.h"
#include "protocol/xml_writer.h"

namespace lambent::protocol {
namespace {

std::string json_content_type(const ServiceModel& service) {
  if (service.protocol == WireProtocol::aws_json) return fmt::format("application/x-amz-json-{}", service.json_version);
  return "application/json";
}

void add_request_id(HttpReply& reply, const CallContext& call) {
  reply.headers.emplace_back("x-amzn-RequestId", call.request_id);
}

// AWS's clients check it where it is sent.
void add_crc32(HttpReply& reply) {
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(reply.body.data()), reply.body.size());
  reply.headers.emplace_back("x-amz-crc32", std::to_string(sum));
}

// A header's value cannot hold line ends: whatever put one there must not be able to add headers.
std::string header_value(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

// Members bound to headers and to the status.
void add_outside_body(HttpReply& reply, const Structure& structure, const void* output) {
  for (const auto& member : structure.members) {
    const void* value = peek(member, output);
    if (value == nullptr) continue;
    if (member.place == Place::status_code) {
      reply.status = as<std::int32_t>(value);
    } else if (member.place == Place::header) {
      reply.headers.emplace_back(member.wire, header_value(format_scalar(*member.shape, value, TimeFormat::http_date)));
    } else if (member.place == Place::header_prefix) {
      for (std::size_t i = 0; i < member.shape->map->size(value); ++i) {
        reply.headers.emplace_back(std::string(member.wire) + header_value(member.shape->map->key(value, i)),
                                   header_value(as<std::string>(member.shape->map->value(value, i))));
      }
    }
  }
}

void set_rest_body(HttpReply& reply, const Structure& structure, void* output) {
  if (structure.payload == kNoPayload) return append_json(reply.body, structure, output);
  const Member& member = structure.members[structure.payload];
  const void* value = peek(member, output);
  if (value == nullptr) return;
  if (member.shape->kind == Kind::structure) return append_json(reply.body, *member.shape->structure, value);
  // The output is the runner's own and not const; peek() only looks const.
  reply.body = std::move(as<std::string>(const_cast<void*>(value)));
}

HttpReply encode_rest(const ServiceModel& service, const Operation& operation, const CallContext& call, void* output) {
  HttpReply reply{.status = operation.status, .headers = {}, .body = {}};
  add_request_id(reply, call);
  if (operation.output == nullptr) return reply;
  add_outside_body(reply, *operation.output, output);
  if (reply.status == 204) return reply;
  if (operation.streams_output) {
    reply.headers.emplace_back("Content-Type", "application/vnd.amazon.eventstream");
    return reply;
  }
  reply.headers.emplace_back("Content-Type", json_content_type(service));
  set_rest_body(reply, *operation.output, output);
  return reply;
}

HttpReply encode_aws_json(const ServiceModel& service, const Operation& operation, const CallContext& call,
                          const void* output) {
  HttpReply reply;
  add_request_id(reply, call);
  reply.headers.emplace_back("Content-Type", json_content_type(service));
  if (operation.output) {
    append_json(reply.body, *operation.output, output);
  } else {
    reply.body = "{}";
  }
  add_crc32(reply);
  return reply;
}

HttpReply encode_query(const ServiceModel& service, const Operation& operation, const CallContext& call,
                       const void* output) {
  HttpReply reply;
  add_request_id(reply, call);
  reply.headers.emplace_back("Content-Type", "text/xml");
  reply.body = fmt::format("<{}Response xmlns=\"{}\">", operation.name, service.xml_namespace);
  if (operation.output) {
    const auto& wrapper = operation.result_wrapper;
    if (!wrapper.empty()) reply.body += fmt::format("<{}>", wrapper);
    append_xml(reply.body, *operation.output, output);
    if (!wrapper.empty()) reply.body += fmt::format("</{}>", wrapper);
  }
  reply.body += "<ResponseMetadata>";
  append_xml_element(reply.body, "RequestId", call.request_id);
  reply.body += fmt::format("</ResponseMetadata></{}Response>", operation.name);
  return reply;
}

std::string_view origin_namespace(const ServiceModel& service, ErrorOrigin origin) {
  switch (origin) {
    case ErrorOrigin::service:
      return service.error_namespace;
    case ErrorOrigin::framework:
      return "com.amazon.coral.service";
    case ErrorOrigin::validation:
      return "com.amazon.coral.validate";
  }
  return service.error_namespace;
}

// {"__type":…,"message":…, and the error's own members}; REST has the type in a header.
std::string json_error_body(const ServiceModel& service, const ServiceError& error) {
  std::string body = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (body.size() > 1) body += ',';
    append_json_string(body, name);
    body += ':';
    append_json_string(body, value);
  };
  if (service.protocol == WireProtocol::aws_json) {
    add("__type", fmt::format("{}#{}", origin_namespace(service, error.origin), error.code));
  }
  if (!error.members.empty()) {
    if (body.size() > 1) body += ',';
    body += error.members;
  }
  if (!error.message.empty()) add(error.message_member, error.message);
  return body + "}";
}

HttpReply json_error(const ServiceModel& service, const ServiceError& error, HttpReply reply) {
  reply.headers.emplace_back("Content-Type", json_content_type(service));
  if (service.protocol == WireProtocol::rest_json) reply.headers.emplace_back("x-amzn-ErrorType", error.code);
  reply.body = json_error_body(service, error);
  if (service.protocol == WireProtocol::aws_json) add_crc32(reply);
  return reply;
}

// Query has names of its own for what the framework refuses.
std::string_view query_code(const ServiceError& error) {
  if (error.origin == ErrorOrigin::validation) return "ValidationError";
  if (error.origin == ErrorOrigin::framework && error.code == "SerializationException") return "MalformedInput";
  return error.code;
}

HttpReply query_error(const ServiceModel& service, const CallContext& call, const ServiceError& error,
                      HttpReply reply) {
  reply.headers.emplace_back("Content-Type", "text/xml");
  reply.body = fmt::format("<ErrorResponse xmlns=\"{}\"><Error>", service.xml_namespace);
  append_xml_element(reply.body, "Type", error.fault == Fault::user ? "Sender" : "Receiver");
  append_xml_element(reply.body, "Code", query_code(error));
  append_xml_element(reply.body, "Message", error.message);
  reply.body += "</Error>";
  append_xml_element(reply.body, "RequestId", call.request_id);
  reply.body += "</ErrorResponse>";
  return reply;
}

}  // namespace

HttpReply encode_reply(const ServiceModel& service, const Operation& operation, const CallContext& call, void* output) {
  switch (service.protocol) {
    case WireProtocol::rest_json:
      return encode_rest(service, operation, call, output);
    case WireProtocol::aws_json:
      return encode_aws_json(service, operation, call, output);
    case WireProtocol::query:
      return encode_query(service, operation, call, output);
  }
  return {};
}

HttpReply error_reply(const ServiceModel& service, const CallContext& call, const ServiceError& error) {
  HttpReply reply{.status = error.status, .headers = {}, .body = {}};
  add_request_id(reply, call);
  for (const auto& [name, value] : error.headers) reply.headers.emplace_back(name, header_value(value));
  if (service.protocol == WireProtocol::query) return query_error(service, call, error, std::move(reply));
  return json_error(service, error, std::move(reply));
}

ServiceError body_too_large(const OperationInfo& info, const Limits& limits) {
  if (info.service->protocol == WireProtocol::rest_json) {
    const bool payload = info.operation && info.operation->body_class == BodyClass::payload;
    const std::size_t bytes = payload ? limits.sync_payload_bytes : info.max_body(limits);
    // AWS names Invoke's operation differently in this one text.
    const std::string_view name = info.name() == "Invoke" ? std::string_view("InvokeFunction") : info.name();
    ServiceError error{
        .code = "RequestTooLargeException",
        .message = fmt::format("Request must be smaller than {} bytes for the {} operation", bytes, name),
        .status = 413};
    error.add_member("Type", "User");
    return error;
  }
  return framework_error("RequestEntityTooLarge", "Request body is too large.", 413);
}

}  // namespace lambent::protocol
