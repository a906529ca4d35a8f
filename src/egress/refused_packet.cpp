#include "egress/refused_packet.h"

#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <cstring>

#include "egress/dns_message.h"

namespace lambent::egress {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t kPacketMessage = NFNL_SUBSYS_ULOG << 8U | NFULNL_MSG_PACKET;
constexpr std::size_t kHeaders = NLMSG_HDRLEN + sizeof(nfgenmsg);
constexpr std::size_t kIp4Header = 20;
constexpr std::size_t kIp6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr int kExtensionHeaders = 8;  // of IPv6: longer chains are not followed
constexpr std::uint16_t kDnsPort = 53;

template <class Value>
Value read_at(Bytes bytes, std::size_t at) {
  Value value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint16_t port_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

// The attributes that matter; netlink aligns each to four bytes.
struct Attributes {
  std::optional<std::uint32_t> number;
  Bytes packet;
};

Attributes read_attributes(Bytes rest) {
  Attributes found;
  while (rest.size() >= sizeof(nlattr)) {
    const auto header = read_at<nlattr>(rest, 0);
    if (header.nla_len < sizeof header || header.nla_len > rest.size()) break;
    const Bytes value = rest.first(header.nla_len).subspan(NLA_HDRLEN);
    if (header.nla_type == NFULA_SEQ && value.size() >= 4) found.number = ntohl(read_at<std::uint32_t>(value, 0));
    if (header.nla_type == NFULA_PAYLOAD) found.packet = value;
    rest = rest.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), rest.size()));
  }
  return found;
}

// What a packet is for, as far as its beginning tells.
struct Destination {
  IpAddress address;
  int protocol = -1;  // of `transport`; -1 where there is none to be read
  Bytes transport;    // from its header on
};

std::optional<Destination> read_ip4(Bytes packet) {
  if (packet.size() < kIp4Header) return std::nullopt;
  Destination to{.address = IpAddress::v4(packet.subspan<16, 4>()), .transport = {}};
  const std::size_t header = std::size_t{packet[0] & 0x0fU} * 4;
  const bool is_later_fragment = (port_at(packet, 6) & 0x1fffU) != 0;
  if (header < kIp4Header || header > packet.size() || is_later_fragment) return to;
  to.protocol = packet[9];
  to.transport = packet.subspan(header);
  return to;
}

std::optional<Destination> read_ip6(Bytes packet) {
  if (packet.size() < kIp6Header) return std::nullopt;
  Destination to{.address = IpAddress::v6(packet.subspan<24, 16>()), .transport = {}};
  int next = packet[6];
  Bytes rest = packet.subspan(kIp6Header);
  for (int i = 0; i < kExtensionHeaders; ++i) {
    const bool is_extension = next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
    if (!is_extension) {
      to.protocol = next;
      to.transport = rest;
      return to;
    }
    const std::size_t length = rest.size() < 2 ? 0 : (std::size_t{rest[1]} + 1) * 8;
    if (length == 0 || length > rest.size()) return to;
    next = rest[0];
    rest = rest.subspan(length);
  }
  return to;
}

std::string target_of(const Destination& to, const IpAddress& name_server) {
  const bool has_ports = to.protocol == IPPROTO_TCP || to.protocol == IPPROTO_UDP;
  if (!has_ports || to.transport.size() < 4) return to.address.text();
  const std::uint16_t port = port_at(to.transport, 2);
  std::string where = to.address.text(port);
  if (to.protocol != IPPROTO_UDP || port != kDnsPort || to.transport.size() < kUdpHeader) return where;
  const auto question = parse_query(to.transport.subspan(kUdpHeader));
  if (!question) return where;
  if (to.address == name_server) return fmt::format("the name {}", question->name);
  return fmt::format("the name {}, asked of {},", question->name, where);
}

}  // namespace

std::optional<RefusedPacket> parse_refused_packet(Bytes message, const IpAddress& name_server) {
  if (message.size() < kHeaders) return std::nullopt;
  const auto header = read_at<nlmsghdr>(message, 0);
  if (header.nlmsg_type != kPacketMessage || header.nlmsg_len < kHeaders || header.nlmsg_len > message.size()) {
    return std::nullopt;
  }
  const auto attributes = read_attributes(message.first(header.nlmsg_len).subspan(kHeaders));
  if (!attributes.number || attributes.packet.empty()) return std::nullopt;
  const auto to = attributes.packet[0] >> 4U == 6 ? read_ip6(attributes.packet) : read_ip4(attributes.packet);
  if (!to) return std::nullopt;
  return RefusedPacket{*attributes.number, target_of(*to, name_server)};
}

}  // namespace lambent::egress
