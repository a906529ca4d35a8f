// Subscriptions of the Lambda Telemetry API (version 2022-07-01) and of the Logs API before it (2020-08-15), taken
// apart (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "extensions/extension_request.h"

namespace lambent::extensions {

enum class TelemetryApi { telemetry, logs };

struct Subscription {
  TelemetryApi api = TelemetryApi::telemetry;
  bool platform = false;
  bool function = false;
  bool extension = false;
  // A batch is sent when one of these is reached; AWS's bounds.
  std::size_t max_items = 1'000;
  std::size_t max_bytes = 262'144;
  std::chrono::milliseconds timeout{1'000};
  // Where to, on the loopback of the sandbox.
  bool is_http = true;
  std::uint16_t port = 0;
  std::string path = "/";
  std::string authority;  // "sandbox.localdomain:8080"

  // "Platform, Function": as the log says it.
  [[nodiscard]] std::string types_text() const;
};

// Whether a path on the Runtime API's port belongs to one of the two, and to which.
bool is_telemetry_path(std::string_view path);
TelemetryApi telemetry_api_of(std::string_view path);

// `reserved_port`: the Runtime API's own. Refusals are 400 ValidationError, all faults in one sentence.
std::expected<Subscription, ApiRefusal> parse_subscription(TelemetryApi api, std::string_view body,
                                                           std::uint16_t reserved_port);

}  // namespace lambent::extensions
