// What a service offers: its operations as a table, for routing, limits and documentation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/limits.h"
#include "protocol/http.h"
#include "protocol/shape.h"

namespace lambent::protocol {

enum class WireProtocol : std::uint8_t { rest_json, aws_json, query };

// How large a request of the operation may be (max_body).
enum class BodyClass : std::uint8_t {
  control,   // names and settings
  document,  // DynamoDB items
  payload,   // Invoke
  package,   // code in base64
};

// "/2015-03-31/functions/{FunctionName}" is {"2015-03-31"}, {"functions"}, {label FunctionName}.
struct UriSegment {
  std::string_view text;  // the literal, or the label's name
  bool label = false;
  bool greedy = false;  // {Name+}: this and all that follow up to the rest of the template
};

struct QueryLiteral {
  std::string_view key;
  std::string_view value;  // empty: the key must merely be there
};

struct Operation {
  std::string_view name;    // "CreateFunction"
  std::string_view method;  // "POST"
  std::string_view uri;     // "/2015-03-31/functions"
  std::span<const UriSegment> segments{};
  std::span<const QueryLiteral> query_literals{};
  int status = 200;
  const Structure* input = nullptr;
  const Structure* output = nullptr;  // null: an empty reply
  std::string_view result_wrapper{};  // Query: "GetCallerIdentityResult"
  bool streams_output = false;        // an event stream
  BodyClass body_class = BodyClass::control;
};

struct ServiceModel {
  std::string_view name;             // "lambda": botocore's folder
  std::string_view id;               // "Lambda"
  std::string_view api_version;      // "2015-03-31"
  std::string_view signing_name;     // the service in a signature's credential scope
  std::string_view endpoint_prefix;  // first label of the Host that AWS's clients use
  WireProtocol protocol;
  std::string_view json_version{};   // "1.0"
  std::string_view target_prefix{};  // "DynamoDB_20120810"
  std::string_view xml_namespace{};
  std::string_view error_namespace{};  // "com.amazonaws.dynamodb.v20120810"
  std::span<const Operation> operations{};
};

// What can be known of a request before its body is read.
struct OperationInfo {
  const ServiceModel* service;
  const Operation* operation;  // null for Query, whose operation is named in the body
  [[nodiscard]] std::string_view name() const { return operation ? operation->name : std::string_view(); }
  [[nodiscard]] bool streams_output() const { return operation && operation->streams_output; }
  // The largest body that makes sense, in bytes. A payload may pass the service's own limit by a little, so that
  // the service answers with its own error.
  [[nodiscard]] std::size_t max_body(const Limits& limits) const;
};

// Nothing where the service has no such operation. Binds path and method (REST), X-Amz-Target (JSON) or Action (Query).
std::optional<OperationInfo> identify(const ServiceModel& service, const HttpRequest& request);

}  // namespace lambent::protocol
