// The gate of a sandbox's network: what a program inside sends out, to whatever address, arrives at two sockets that
// were made inside and that another process serves outside; or is refused at once, and a third socket tells what.
//
// The namespace has no way out but these sockets: its only interface is its loopback. All addresses of IPv4 and IPv6
// are made local (routes of type local), so that connect(2) finds a way, and nftables rules (tproxy) give each TCP
// connection and each UDP datagram that is not for the loopback network to the gate's sockets, with the destination
// untouched: getsockname(2) of an accepted connection and IP_ORIGDSTADDR of a datagram tell it. Without these sockets
// further rules refuse the same packets (gate_rules.h), and nfnetlink_log tells of each. No connection tracking,
// nothing outside the namespace is changed, no rights on the host are needed. Raw and ICMP packets reach nobody.
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

// Non-blocking, close-on-exec. To close is to deny: what went to `tcp` and `udp` is refused once they are closed.
struct Gate {
  UniqueFd tcp;  // listening; takes both families (IPv4 as ::ffff:a.b.c.d)
  UniqueFd udp;  // tells original destinations: IP_ORIGDSTADDR, IPV6_ORIGDSTADDR
  // Netlink (nfnetlink_log): a message for each refused packet, with its beginning and a number that counts all of
  // them, those too that found no room.
  UniqueFd refusals;
};

// In the current network namespace, whose loopback is up. TCP to `platform_port` on 127.0.0.1 (0: none) is refused and
// told as well where no transparent socket listens on it (network.h). Without `is_open` there is no `tcp` and no `udp`.
// Needs CAP_NET_ADMIN over the namespace. Fails where the kernel has no nf_tables, transparent proxying or
// nfnetlink_log: then nothing is open.
Result<Gate> make_gate(std::uint16_t platform_port, bool is_open);

}  // namespace lambent::sandbox
