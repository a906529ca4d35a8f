// A record of a refused packet: its headers are the kernel's, the packet in it is a function's, byte for byte.
#include <cstdlib>

#include "egress/refused_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::egress;
  const auto packet = parse_refused_packet(std::span(data, size), *IpAddress::parse("169.254.78.1"));
  if (!packet) return 0;
  // It becomes a part of a line of a log.
  if (packet->target.empty() || packet->target.size() > 320) std::abort();
  for (const char c : packet->target) {
    if (c < ' ' || c > '~') std::abort();
  }
  return 0;
}
