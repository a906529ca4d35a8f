// The gate of a sandbox's network: whatever a program inside sends out, to whatever address, arrives at two sockets
// that were made inside and that another process serves outside.
//
// The namespace has no way out but these sockets: its only interface is its loopback. All addresses of IPv4 and IPv6
// are made local (routes of type local), so that connect(2) finds a way, and one nftables rule a family (tproxy) gives
// each TCP connection and each UDP datagram that is not for the loopback network to the gate's sockets, with the
// destination untouched: getsockname(2) of an accepted connection and IP_ORIGDSTADDR of a datagram tell it. No
// connection tracking, nothing outside the namespace is changed, no rights on the host are needed. Raw and ICMP
// packets reach nobody.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::sandbox {

// What the instance is called in its own network, and the name server that its resolv.conf names. Link-local, so that
// they collide with nothing that a function could want to reach.
inline constexpr const char* kGateOwnAddress = "169.254.76.1";
inline constexpr const char* kGateOwnAddress6 = "fd00:6c61:6d62::1";
inline constexpr const char* kGateNameServer = "169.254.78.1";
// Of both sockets. Below 1024, where a program inside can bind nothing; 53, so that answers of the name server come
// from its port.
inline constexpr std::uint16_t kGatePort = 53;

// Non-blocking, close-on-exec.
struct Gate {
  UniqueFd tcp;  // listening; takes both families (IPv4 as ::ffff:a.b.c.d)
  UniqueFd udp;  // tells original destinations: IP_ORIGDSTADDR, IPV6_ORIGDSTADDR
};

// In the current network namespace, whose loopback is up. Needs CAP_NET_ADMIN over it. Fails where the kernel has no
// nf_tables or no transparent proxying: then nothing is open.
Result<Gate> make_gate();

}  // namespace lambent::sandbox
