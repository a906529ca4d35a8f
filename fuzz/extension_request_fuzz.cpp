// Any bytes as what extensions and the attendant say: registrations, subscriptions, messages of the control line. What
// is taken keeps to its bounds, and what is printed of it is JSON.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/json_text.h"
#include "extensions/attendant_line.h"
#include "extensions/extension_request.h"
#include "extensions/subscription.h"

namespace {

using namespace lambent::extensions;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_subscription(TelemetryApi api, std::string_view body) {
  const auto read = parse_subscription(api, body, 9001);
  if (!read) return check(read.error().status == 400 && !read.error().message.empty());
  check(read->platform || read->function || read->extension);
  check(read->port != 0 && read->port != 9001);
  check(read->max_items >= 1'000 && read->max_items <= 10'000);
  check(read->max_bytes >= 262'144 && read->max_bytes <= 1'048'576);
  check(read->timeout.count() >= 25 && read->timeout.count() <= 30'000);
  check(read->path.find_first_of(" \r\n") == std::string::npos);
  check(!read->is_http || read->authority.starts_with("sandbox"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto events = parse_events(text); !events) check(events.error().status == 403);
  check_subscription(TelemetryApi::telemetry, text);
  check_subscription(TelemetryApi::logs, text);
  const auto message = parse_attendant_message(std::as_bytes(std::span(data, size)), 2);
  if (message && message->kind != AttendantMessage::Kind::socket) {
    check(message->who < 2 || message->who == kTheRuntime);
  }
  boost::system::error_code error;
  const auto printed = boost::json::parse(lambent::json_string(text), error);
  check(!error && printed.is_string());
  return 0;
}
