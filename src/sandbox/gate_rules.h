// The nftables rules of a gate (gate.h): what is diverted to its sockets, and what is refused and told.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace lambent::sandbox {

// The group of nfnetlink_log under which refused packets are told, in the namespace.
inline constexpr std::uint16_t kRefusalGroup = 1;

// Lays them in the current network namespace, all or none. The first that fits holds:
//
//   1. TCP for the platform's port on 127.0.0.1 (0: none): to its listener, where it is open; else told and refused
//   2. what else is for the loopback passes, and what comes from the gate's UDP socket
//   3. TCP and UDP: to the gate's sockets, where they are open; else told and refused
//
// Told: under kRefusalGroup. Refused: at once, TCP by a reset, UDP by ICMP.
// So a socket that is closed closes what it was open for, with nothing to change here. Needs CAP_NET_ADMIN.
Result<> lay_gate_rules(std::uint16_t gate_port, std::uint16_t platform_port);

}  // namespace lambent::sandbox
