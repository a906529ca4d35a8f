#include "sandbox/gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>

#include "sandbox/gate_rules.h"
#include "sandbox/netlink.h"

namespace lambent::sandbox {
namespace {

constexpr int kBacklog = 1024;
constexpr std::uint32_t kRecordBytes = 1024;  // of one told packet, whose beginning is 400 bytes at most
constexpr int kRecordsBytes = 128 * 1024;     // what may wait to be read: some 60 records; more are counted, not kept

using Bytes = std::span<const std::byte>;

struct Address {
  std::uint8_t family = AF_INET;
  std::array<std::byte, 16> bytes{};
  std::size_t length = 4;

  static Address of(const char* text) {
    Address address;
    if (inet_pton(AF_INET, text, address.bytes.data()) == 1) return address;
    address.family = AF_INET6;
    address.length = 16;
    inet_pton(AF_INET6, text, address.bytes.data());
    return address;
  }
  [[nodiscard]] Bytes view() const { return Bytes(bytes).first(length); }
};

void add_address(NetlinkBatch& batch, const Address& address, unsigned loopback) {
  ifaddrmsg body{};
  body.ifa_family = address.family;
  body.ifa_prefixlen = static_cast<std::uint8_t>(address.length * 8);
  body.ifa_flags = address.family == AF_INET6 ? IFA_F_NODAD : 0;
  body.ifa_scope = RT_SCOPE_UNIVERSE;
  body.ifa_index = loopback;
  batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_ACK, body);
  batch.put(IFA_LOCAL, address.view());
  batch.put(IFA_ADDRESS, address.view());
}

// Every address of the family is this machine's; `source` is what connections come from.
void add_local_route(NetlinkBatch& batch, const Address& source, unsigned loopback) {
  rtmsg body{};
  body.rtm_family = source.family;
  body.rtm_table = RT_TABLE_LOCAL;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = source.family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_LOCAL;
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, body);
  batch.put_number(RTA_OIF, static_cast<std::uint32_t>(loopback));
  batch.put(RTA_PREFSRC, source.view());
}

Result<> make_everything_local(const char* own_address) {
  const Address own = Address::of(own_address);
  const unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) return fail_errno("if_nametoindex", "lo");
  LAMBENT_TRY(const UniqueFd socket, open_netlink(NETLINK_ROUTE));
  NetlinkBatch batch;
  add_address(batch, own, loopback);
  add_local_route(batch, own, loopback);
  return batch.send(socket.get(), "route everything to the gate");
}

Result<> switch_on(int socket, int level, int option, const char* name) {
  const int on = 1;
  if (setsockopt(socket, level, option, &on, sizeof on) != 0) return fail_errno("setsockopt", name);
  return {};
}

// On every address of both families; of IPv4 alone where the kernel has no IPv6.
Result<UniqueFd> bind_gate_socket(int type) {
  sockaddr_in6 any6{};
  any6.sin6_family = AF_INET6;
  any6.sin6_port = htons(kGatePort);
  sockaddr_in any4{};
  any4.sin_family = AF_INET;
  any4.sin_port = htons(kGatePort);
  UniqueFd socket(::socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool has_ipv6 = socket.valid();
  if (!has_ipv6) socket.reset(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket", "gate");
  LAMBENT_TRY_VOID(switch_on(socket.get(), SOL_IP, IP_TRANSPARENT, "IP_TRANSPARENT"));
  if (type == SOCK_DGRAM) {
    LAMBENT_TRY_VOID(switch_on(socket.get(), SOL_IP, IP_RECVORIGDSTADDR, "IP_RECVORIGDSTADDR"));
    if (has_ipv6) {
      LAMBENT_TRY_VOID(switch_on(socket.get(), SOL_IPV6, IPV6_RECVORIGDSTADDR, "IPV6_RECVORIGDSTADDR"));
    }
  }
  if (has_ipv6) {
    const int both = 0;
    setsockopt(socket.get(), SOL_IPV6, IPV6_V6ONLY, &both, sizeof both);
    LAMBENT_TRY_VOID(switch_on(socket.get(), SOL_IPV6, IPV6_TRANSPARENT, "IPV6_TRANSPARENT"));
  }
  const auto* address = has_ipv6 ? reinterpret_cast<const sockaddr*>(&any6) : reinterpret_cast<const sockaddr*>(&any4);
  const socklen_t length = has_ipv6 ? sizeof any6 : sizeof any4;
  if (bind(socket.get(), address, length) != 0) return fail_errno("bind", "gate");
  if (type == SOCK_STREAM && listen(socket.get(), kBacklog) != 0) return fail_errno("listen", "gate");
  return socket;
}

// One request of nfnetlink_log about the group.
template <class Value>
void configure_log(NetlinkBatch& batch, std::uint16_t attribute, const Value& value) {
  batch.begin(static_cast<std::uint16_t>(NFNL_SUBSYS_ULOG << 8U | NFULNL_MSG_CONFIG), NLM_F_ACK,
              nfgenmsg{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(kRefusalGroup)});
  batch.put(attribute, std::as_bytes(std::span(&value, 1)));
}

Result<UniqueFd> open_refusals() {
  LAMBENT_TRY(UniqueFd socket, open_netlink(NETLINK_NETFILTER));
  NetlinkBatch batch;
  configure_log(batch, NFULA_CFG_CMD, nfulnl_msg_config_cmd{.command = NFULNL_CFG_CMD_BIND});
  configure_log(batch, NFULA_CFG_MODE, nfulnl_msg_config_mode{htonl(kRecordBytes), NFULNL_COPY_PACKET, 0});
  configure_log(batch, NFULA_CFG_NLBUFSIZ, htonl(kRecordBytes));
  configure_log(batch, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
  LAMBENT_TRY_VOID(batch.send(socket.get(), "nfnetlink_log"));
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kRecordsBytes, sizeof kRecordsBytes) != 0) {
    return fail_errno("setsockopt", "SO_RCVBUF");
  }
  // What found no room is told by the numbers that are missing, not by an error in between.
  LAMBENT_TRY_VOID(switch_on(socket.get(), SOL_NETLINK, NETLINK_NO_ENOBUFS, "NETLINK_NO_ENOBUFS"));
  if (fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", "refusals");
  return socket;
}

}  // namespace

Result<Gate> make_gate(std::uint16_t platform_port, bool is_open) {
  LAMBENT_TRY_VOID(make_everything_local(kGateOwnAddress));
  // Where IPv6 is off there is no way to any of its addresses, which denies just as well.
  std::ignore = make_everything_local(kGateOwnAddress6);
  LAMBENT_TRY_VOID(lay_gate_rules(kGatePort, platform_port));
  Gate gate;
  LAMBENT_TRY(gate.refusals, open_refusals());
  if (!is_open) return gate;
  LAMBENT_TRY(gate.tcp, bind_gate_socket(SOCK_STREAM));
  LAMBENT_TRY(gate.udp, bind_gate_socket(SOCK_DGRAM));
  return gate;
}

}  // namespace lambent::sandbox
