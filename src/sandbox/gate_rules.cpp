#include "sandbox/gate_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>

#include <array>
#include <bit>
#include <cstddef>
#include <span>

#include "sandbox/netlink.h"

namespace lambent::sandbox {
namespace {

constexpr int kManglePriority = -150;  // NF_IP_PRI_MANGLE, where transparent proxying is usual
constexpr const char* kTable = "lambent";
constexpr const char* kChain = "gate";
// Of a refused packet: its headers and a question for a name.
constexpr std::uint32_t kToldBytes = 400;
constexpr std::uint8_t kTcpFlags = 0x17;  // FIN, SYN, RST, ACK
constexpr std::uint8_t kTcpSyn = 0x02;
constexpr std::uint32_t kTcpFlagsOffset = 13;
constexpr std::uint32_t kSourcePort = 0;  // offsets, in TCP and UDP alike
constexpr std::uint32_t kDestinationPort = 2;

using Bytes = std::span<const std::byte>;

template <class Value>
Bytes bytes_of(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

// Where the headers of the families have the destination.
constexpr std::uint32_t kDestination4 = 16;
constexpr std::uint32_t kDestination6 = 24;
constexpr std::uint8_t kLoopbackNetwork = 127;
constexpr std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 4> kLoopback{127, 0, 0, 1};

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

// One rule of the chain: its expressions are what the members put, from its making to its end.
class Rule {
 public:
  explicit Rule(NetlinkBatch& batch) : batch_(batch) {
    begin_nft(batch_, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
    batch_.put_text(NFTA_RULE_TABLE, kTable);
    batch_.put_text(NFTA_RULE_CHAIN, kChain);
    batch_.open(NFTA_RULE_EXPRESSIONS);
  }
  ~Rule() { batch_.close(); }
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  Rule& of_family(std::uint8_t family) { return meta_is(NFT_META_NFPROTO, bytes_of(family)); }
  Rule& of_protocol(std::uint8_t protocol) { return meta_is(NFT_META_L4PROTO, bytes_of(protocol)); }

  // `beginning` of the destination's address, whose family is settled.
  Rule& to_address(std::uint32_t offset, Bytes beginning) {
    load(NFT_PAYLOAD_NETWORK_HEADER, offset, beginning.size());
    return compare(beginning);
  }
  Rule& from_port(std::uint16_t port) { return has_port(kSourcePort, port); }
  Rule& to_port(std::uint16_t port) { return has_port(kDestinationPort, port); }

  // A first packet, so that answers and resets of what was refused pass.
  Rule& opening() {
    load(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpFlagsOffset, 1);
    keep_bits(bytes_of(kTcpFlags));
    return compare(bytes_of(kTcpSyn));
  }

  // To a socket of this namespace, with the destination untouched; the rule ends here where there is none.
  void divert(std::uint16_t port, std::uint8_t family, Bytes address) {
    const std::uint16_t wanted = htons(port);
    set(NFT_REG_1, bytes_of(wanted));
    if (!address.empty()) set(NFT_REG_2, address);
    add("tproxy", [&] {
      put_be(batch_, NFTA_TPROXY_FAMILY, family);
      if (!address.empty()) put_be(batch_, NFTA_TPROXY_REG_ADDR, NFT_REG_2);
      put_be(batch_, NFTA_TPROXY_REG_PORT, NFT_REG_1);
    });
    accept();
  }

  void accept() {
    add("immediate", [&] {
      put_be(batch_, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      batch_.open(NFTA_IMMEDIATE_DATA);
      batch_.open(NFTA_DATA_VERDICT);
      put_be(batch_, NFTA_VERDICT_CODE, NF_ACCEPT);
      batch_.close();
      batch_.close();
    });
  }

  void tell_and_refuse(std::uint32_t type) {
    add("log", [&] {
      batch_.put_number(NFTA_LOG_GROUP, htons(kRefusalGroup));
      put_be(batch_, NFTA_LOG_SNAPLEN, kToldBytes);
      batch_.put_number(NFTA_LOG_QTHRESHOLD, htons(1));
    });
    add("reject", [&] {
      put_be(batch_, NFTA_REJECT_TYPE, type);
      batch_.put_number(NFTA_REJECT_ICMP_CODE, static_cast<std::uint8_t>(NFT_REJECT_ICMPX_PORT_UNREACH));
    });
  }

 private:
  // One expression: its name, and what `put_data` puts.
  void add(const char* name, const auto& put_data) {
    batch_.open(NFTA_LIST_ELEM);
    batch_.put_text(NFTA_EXPR_NAME, name);
    batch_.open(NFTA_EXPR_DATA);
    put_data();
    batch_.close();
    batch_.close();
  }
  void put_value(std::uint16_t attribute, Bytes value) {
    batch_.open(attribute);
    batch_.put(NFTA_DATA_VALUE, value);
    batch_.close();
  }
  Rule& meta_is(nft_meta_keys key, Bytes value) {
    add("meta", [&] {
      put_be(batch_, NFTA_META_DREG, NFT_REG_1);
      put_be(batch_, NFTA_META_KEY, key);
    });
    return compare(value);
  }
  void load(nft_payload_bases base, std::uint32_t offset, std::size_t length) {
    add("payload", [&] {
      put_be(batch_, NFTA_PAYLOAD_DREG, NFT_REG_1);
      put_be(batch_, NFTA_PAYLOAD_BASE, base);
      put_be(batch_, NFTA_PAYLOAD_OFFSET, offset);
      put_be(batch_, NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(length));
    });
  }
  void keep_bits(Bytes mask) {
    const std::array<std::byte, 16> zero{};
    add("bitwise", [&] {
      put_be(batch_, NFTA_BITWISE_SREG, NFT_REG_1);
      put_be(batch_, NFTA_BITWISE_DREG, NFT_REG_1);
      put_be(batch_, NFTA_BITWISE_LEN, static_cast<std::uint32_t>(mask.size()));
      put_value(NFTA_BITWISE_MASK, mask);
      put_value(NFTA_BITWISE_XOR, Bytes(zero).first(mask.size()));
    });
  }
  Rule& compare(Bytes value) {
    add("cmp", [&] {
      put_be(batch_, NFTA_CMP_SREG, NFT_REG_1);
      put_be(batch_, NFTA_CMP_OP, NFT_CMP_EQ);
      put_value(NFTA_CMP_DATA, value);
    });
    return *this;
  }
  Rule& has_port(std::uint32_t offset, std::uint16_t port) {
    load(NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof port);
    const std::uint16_t wanted = htons(port);
    return compare(bytes_of(wanted));
  }
  void set(std::uint32_t where, Bytes value) {
    add("immediate", [&] {
      put_be(batch_, NFTA_IMMEDIATE_DREG, where);
      put_value(NFTA_IMMEDIATE_DATA, value);
    });
  }

  NetlinkBatch& batch_;
};

void add_chain(NetlinkBatch& batch) {
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
}

}  // namespace

Result<> lay_gate_rules(std::uint16_t gate_port, std::uint16_t platform_port) {
  LAMBENT_TRY(const UniqueFd socket, open_netlink(NETLINK_NETFILTER));
  NetlinkBatch batch;
  mark_batch(batch, NFNL_MSG_BATCH_BEGIN);
  add_chain(batch);
  const auto platform = std::as_bytes(std::span(kLoopback));
  const auto loopback6 = std::as_bytes(std::span(kLoopback6));
  const auto to_platform = [&](Rule& rule) -> Rule& {
    return rule.of_family(NFPROTO_IPV4)
        .of_protocol(IPPROTO_TCP)
        .to_address(kDestination4, platform)
        .to_port(platform_port);
  };
  if (platform_port != 0) {
    Rule open(batch);
    to_platform(open).divert(platform_port, NFPROTO_IPV4, platform);
  }
  if (platform_port != 0) {
    Rule closed(batch);
    to_platform(closed).opening().tell_and_refuse(NFT_REJECT_TCP_RST);
  }
  Rule(batch).of_family(NFPROTO_IPV4).to_address(kDestination4, bytes_of(kLoopbackNetwork)).accept();
  Rule(batch).of_family(NFPROTO_IPV6).to_address(kDestination6, loopback6).accept();
  // Answers of the name server, to whichever socket asked; programs can bind no such port.
  Rule(batch).of_protocol(IPPROTO_UDP).from_port(gate_port).accept();
  Rule(batch).divert(gate_port, NFPROTO_UNSPEC, {});
  Rule(batch).of_protocol(IPPROTO_TCP).opening().tell_and_refuse(NFT_REJECT_TCP_RST);
  Rule(batch).of_protocol(IPPROTO_UDP).tell_and_refuse(NFT_REJECT_ICMPX_UNREACH);
  mark_batch(batch, NFNL_MSG_BATCH_END);
  return batch.send(socket.get(), "nf_tables with tproxy, log and reject");
}

}  // namespace lambent::sandbox
