#include "sandbox/gate.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>

#include "sandbox/netlink.h"

namespace lambent::sandbox {
namespace {

constexpr int kBacklog = 1024;
constexpr int kManglePriority = -150;  // NF_IP_PRI_MANGLE, where transparent proxying is usual
constexpr const char* kTable = "lambent";
constexpr const char* kChain = "gate";

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

// nftables numbers are big-endian.
void put_be(NetlinkBatch& batch, std::uint16_t attribute, std::uint32_t value) {
  batch.put_number(attribute, htonl(value));
}

void begin_nft(NetlinkBatch& batch, std::uint16_t type, std::uint16_t flags) {
  batch.begin(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type), flags,
              nfgenmsg{.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0});
}

void mark_batch(NetlinkBatch& batch, std::uint16_t type) {
  batch.begin(type, 0,
              nfgenmsg{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)});
}

// One expression of a rule: its name, and what `put_data` puts.
void add_expression(NetlinkBatch& batch, const char* name, const auto& put_data) {
  batch.open(NFTA_LIST_ELEM);
  batch.put_text(NFTA_EXPR_NAME, name);
  batch.open(NFTA_EXPR_DATA);
  put_data();
  batch.close();
  batch.close();
}

void put_value(NetlinkBatch& batch, std::uint16_t attribute, Bytes value) {
  batch.open(attribute);
  batch.put(NFTA_DATA_VALUE, value);
  batch.close();
}

void add_comparison(NetlinkBatch& batch, nft_cmp_ops operation, Bytes value) {
  add_expression(batch, "cmp", [&] {
    put_be(batch, NFTA_CMP_SREG, NFT_REG_1);
    put_be(batch, NFTA_CMP_OP, operation);
    put_value(batch, NFTA_CMP_DATA, value);
  });
}

// Loads the destination, as far as `mask` has it, into register 1.
void add_destination_load(NetlinkBatch& batch, std::uint32_t offset, Bytes mask) {
  add_expression(batch, "payload", [&] {
    put_be(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
    put_be(batch, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    put_be(batch, NFTA_PAYLOAD_OFFSET, offset);
    put_be(batch, NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(mask.size()));
  });
  const std::array<std::byte, 16> zero{};
  add_expression(batch, "bitwise", [&] {
    put_be(batch, NFTA_BITWISE_SREG, NFT_REG_1);
    put_be(batch, NFTA_BITWISE_DREG, NFT_REG_1);
    put_be(batch, NFTA_BITWISE_LEN, static_cast<std::uint32_t>(mask.size()));
    put_value(batch, NFTA_BITWISE_MASK, mask);
    put_value(batch, NFTA_BITWISE_XOR, Bytes(zero).first(mask.size()));
  });
}

// "meta nfproto <family> <family> daddr & mask != loopback tproxy to :port"
void add_rule(NetlinkBatch& batch, std::uint8_t family, std::uint32_t offset, Bytes mask, Bytes loopback) {
  begin_nft(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
  batch.put_text(NFTA_RULE_TABLE, kTable);
  batch.put_text(NFTA_RULE_CHAIN, kChain);
  batch.open(NFTA_RULE_EXPRESSIONS);
  add_expression(batch, "meta", [&] {
    put_be(batch, NFTA_META_DREG, NFT_REG_1);
    put_be(batch, NFTA_META_KEY, NFT_META_NFPROTO);
  });
  add_comparison(batch, NFT_CMP_EQ, std::as_bytes(std::span(&family, 1)));
  add_destination_load(batch, offset, mask);
  add_comparison(batch, NFT_CMP_NEQ, loopback);
  const std::uint16_t port = htons(kGatePort);
  add_expression(batch, "immediate", [&] {
    put_be(batch, NFTA_IMMEDIATE_DREG, NFT_REG_1);
    put_value(batch, NFTA_IMMEDIATE_DATA, std::as_bytes(std::span(&port, 1)));
  });
  add_expression(batch, "tproxy", [&] {
    put_be(batch, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
    put_be(batch, NFTA_TPROXY_REG_PORT, NFT_REG_1);
  });
  batch.close();
}

Result<> divert_to_gate() {
  LAMBENT_TRY(const UniqueFd socket, open_netlink(NETLINK_NETFILTER));
  NetlinkBatch batch;
  mark_batch(batch, NFNL_MSG_BATCH_BEGIN);
  begin_nft(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
  batch.put_text(NFTA_TABLE_NAME, kTable);
  begin_nft(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
  batch.put_text(NFTA_CHAIN_TABLE, kTable);
  batch.put_text(NFTA_CHAIN_NAME, kChain);
  batch.put_text(NFTA_CHAIN_TYPE, "filter");
  batch.open(NFTA_CHAIN_HOOK);
  put_be(batch, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
  put_be(batch, NFTA_HOOK_PRIORITY, std::bit_cast<std::uint32_t>(kManglePriority));
  batch.close();
  const std::array<std::uint8_t, 4> mask4{255, 0, 0, 0};
  const std::array<std::uint8_t, 4> loopback4{127, 0, 0, 0};
  add_rule(batch, NFPROTO_IPV4, 16, std::as_bytes(std::span(mask4)), std::as_bytes(std::span(loopback4)));
  std::array<std::byte, 16> mask6{};
  mask6.fill(std::byte{0xff});
  add_rule(batch, NFPROTO_IPV6, 24, mask6, Address::of("::1").view());
  mark_batch(batch, NFNL_MSG_BATCH_END);
  return batch.send(socket.get(), "nf_tables with tproxy");
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

}  // namespace

Result<Gate> make_gate() {
  LAMBENT_TRY_VOID(make_everything_local(kGateOwnAddress));
  // Where IPv6 is off there is no way to any of its addresses, which denies just as well.
  std::ignore = make_everything_local(kGateOwnAddress6);
  LAMBENT_TRY_VOID(divert_to_gate());
  Gate gate;
  LAMBENT_TRY(gate.tcp, bind_gate_socket(SOCK_STREAM));
  LAMBENT_TRY(gate.udp, bind_gate_socket(SOCK_DGRAM));
  return gate;
}

}  // namespace lambent::sandbox
