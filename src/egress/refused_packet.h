// What the kernel tells of a packet that a sandbox's network refused (sandbox/gate.h): a netlink message of
// nfnetlink_log, written by the kernel, with the packet's beginning in it, every byte of which may be a function's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "egress/ip_address.h"

namespace lambent::egress {

struct RefusedPacket {
  std::uint32_t number = 0;  // counts what was refused, whether it could be told or not
  std::string target;        // for a log line: "10.0.0.1:80", "the name db.example.com", "10.0.0.1" without a port
};

// Nothing where it is no such message. Questions to `name_server` are told by the name alone.
std::optional<RefusedPacket> parse_refused_packet(std::span<const std::uint8_t> message, const IpAddress& name_server);

}  // namespace lambent::egress
