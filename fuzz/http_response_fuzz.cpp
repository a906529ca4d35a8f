// Responses and their bodies from any bytes: no crash, and an end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "edge/message_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::edge;
  if (size == 0) return 0;
  const HttpLimits limits{.head_bytes = 600, .header_count = 8, .target_bytes = 200};
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  MessageParser parser(limits);
  for (;;) {
    ResponseHead head;
    const auto head_size = parser.parse_response_head(bytes, head, (data[0] & 1) != 0);
    if (!head_size || *head_size == 0) return 0;
    bytes.remove_prefix(*head_size);
    while (!parser.body_done()) {
      const auto step = parser.parse_body(bytes);
      if (!step) return 0;
      if (step->taken > bytes.size() || step->data.size() > step->taken) std::abort();
      bytes.remove_prefix(step->taken);
      if (step->taken == 0 && !parser.body_done() && !parser.end_of_stream()) return 0;
    }
  }
}
