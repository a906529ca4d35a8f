// JSON requests into structs, checked against the model on the way.
//
// Unknown members are ignored, null is absence, of duplicate keys the last one counts. Refused with
// SerializationException: what is no JSON, nesting beyond kMaxJsonDepth, invalid UTF-8 and lone surrogates, numbers out
// of range, blobs that are no base64, a value of another type than the model's.
#pragma once

#include <optional>
#include <string>

#include "protocol/service_error.h"
#include "protocol/shape.h"
#include "protocol/violations.h"

namespace lambent::protocol {

// Levels of objects and arrays. DynamoDB's 32 levels of values are 64 of JSON, within a transaction's envelope;
// the limit of 32 itself is the service's to report.
inline constexpr std::size_t kMaxJsonDepth = 256;

// What a text that is no JSON is answered with.
enum class JsonDialect {
  aws_json,   // SerializationException without a message
  rest_json,  // Lambda's InvalidRequestContentException "Could not parse request body into json: …"
};

struct JsonOptions {
  JsonDialect dialect = JsonDialect::aws_json;
  std::string_view type_namespace{};  // Java package that AWS's texts name: "com.amazonaws.dynamodb.v20120810"
};

// Fills the members of `structure` that travel in the body (Place::body). An empty body is an empty object. May enlarge
// the body's capacity: the parser reads past the end. Missing members and broken constraints go to `violations`.
std::optional<ServiceError> read_json(std::string& body, const Structure& structure, void* target, const Path& path,
                                      const JsonOptions& options, Violations& violations);

}  // namespace lambent::protocol
