// One asynchronous call as it lies in the queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lambent::invoke {

struct Event {
  std::string function_name;
  std::string invoked_arn;
  std::string payload;
  std::string client_context;
  std::string trace_header;
  std::string request_id;        // the same at every attempt, as on AWS
  std::int64_t accepted_ms = 0;  // wall time of the acknowledgement
  std::uint32_t attempts = 0;    // that ran and failed
};

std::string encode(const Event& event);
// Nothing where the bytes are damaged or of a newer format.
std::optional<Event> decode_event(std::string_view bytes);

}  // namespace lambent::invoke
