#include "egress/refusal_reader.h"

#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/random.h"
#include "egress/dns_message.h"
#include "egress/refused_packet.h"

namespace lambent::egress {
namespace {

using Packet = std::vector<std::uint8_t>;

const IpAddress kNameServer = *IpAddress::parse("169.254.78.1");

void put(Packet& into, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  into.insert(into.end(), bytes, bytes + size);
}

void put_attribute(Packet& into, std::uint16_t type, const Packet& value) {
  const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), type};
  put(into, &header, sizeof header);
  put(into, value.data(), value.size());
  into.resize(NLMSG_ALIGN(into.size()));
}

Packet record(std::uint32_t number, const Packet& packet) {
  Packet message(NLMSG_HDRLEN + sizeof(nfgenmsg));
  put_attribute(message, NFULA_PREFIX, {'\0'});
  put_attribute(message, NFULA_PAYLOAD, packet);
  const std::uint32_t swapped = htonl(number);
  Packet counted;
  put(counted, &swapped, sizeof swapped);
  put_attribute(message, NFULA_SEQ, counted);
  const nlmsghdr header{static_cast<std::uint32_t>(message.size()), NFNL_SUBSYS_ULOG << 8U | NFULNL_MSG_PACKET, 0, 0,
                        0};
  std::memcpy(message.data(), &header, sizeof header);
  return message;
}

Packet ports(std::uint16_t to, const Packet& payload = {}) {
  Packet out{0x9c, 0x40, static_cast<std::uint8_t>(to >> 8U), static_cast<std::uint8_t>(to), 0, 0, 0, 0};
  put(out, payload.data(), payload.size());
  return out;
}

Packet ip4(std::uint8_t protocol, const char* to, const Packet& transport) {
  Packet out(20);
  out[0] = 0x45;
  out[9] = protocol;
  const auto address = *IpAddress::parse(to);
  std::memcpy(&out[16], address.bytes().data(), 4);
  put(out, transport.data(), transport.size());
  return out;
}

Packet ip6(std::uint8_t next, const char* to, const Packet& rest) {
  Packet out(40);
  out[0] = 0x60;
  out[6] = next;
  const auto address = *IpAddress::parse(to);
  std::memcpy(&out[24], address.bytes().data(), 16);
  put(out, rest.data(), rest.size());
  return out;
}

Packet question(const char* name) {
  DnsQuestion asked;
  asked.type = kTypeA;
  for (std::string_view rest = name; !rest.empty();) {
    const auto label = rest.substr(0, rest.find('.'));
    asked.wire.push_back(static_cast<std::uint8_t>(label.size()));
    asked.wire.insert(asked.wire.end(), label.begin(), label.end());
    rest.remove_prefix(std::min(rest.size(), label.size() + 1));
  }
  const std::array<std::uint8_t, 5> end{0, 0, 1, 0, 1};
  asked.wire.insert(asked.wire.end(), end.begin(), end.end());
  return build_query(7, asked, false);
}

std::string target(const Packet& packet) {
  const auto parsed = parse_refused_packet(record(3, packet), kNameServer);
  EXPECT_TRUE(!parsed || parsed->number == 3);
  return parsed ? parsed->target : "nothing";
}

TEST(RefusedPacket, IsNamedByItsAddressAndPort) {
  EXPECT_EQ(target(ip4(IPPROTO_TCP, "10.0.0.1", ports(80))), "10.0.0.1:80");
  EXPECT_EQ(target(ip4(IPPROTO_UDP, "8.8.8.8", ports(443))), "8.8.8.8:443");
  EXPECT_EQ(target(ip6(IPPROTO_TCP, "2001:db8::1", ports(22))), "[2001:db8::1]:22");
  const Packet behind_options = [] {
    Packet rest{IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 0};
    const Packet udp = ports(9);
    rest.insert(rest.end(), udp.begin(), udp.end());
    return rest;
  }();
  EXPECT_EQ(target(ip6(IPPROTO_DSTOPTS, "2001:db8::1", behind_options)), "[2001:db8::1]:9");
}

TEST(RefusedPacket, AQuestionIsNamedByItsName) {
  EXPECT_EQ(target(ip4(IPPROTO_UDP, "169.254.78.1", ports(53, question("db.example.com")))), "the name db.example.com");
  EXPECT_EQ(target(ip4(IPPROTO_UDP, "8.8.8.8", ports(53, question("a.b")))), "the name a.b, asked of 8.8.8.8:53,");
  EXPECT_EQ(target(ip4(IPPROTO_UDP, "8.8.8.8", ports(53, {1, 2, 3}))), "8.8.8.8:53");
}

TEST(RefusedPacket, WhatCannotBeReadIsNamedAsFarAsItGoes) {
  EXPECT_EQ(target(ip4(IPPROTO_TCP, "10.0.0.1", {})), "10.0.0.1");
  EXPECT_EQ(target(ip4(IPPROTO_SCTP, "10.0.0.1", ports(1))), "10.0.0.1");
  Packet later_fragment = ip4(IPPROTO_UDP, "10.0.0.1", ports(80));
  later_fragment[7] = 1;
  EXPECT_EQ(target(later_fragment), "10.0.0.1");
  EXPECT_EQ(target(ip6(IPPROTO_HOPOPTS, "2001:db8::1", {IPPROTO_TCP, 200})), "2001:db8::1");
  EXPECT_EQ(target({0x45, 0}), "nothing");
  EXPECT_EQ(target({}), "nothing");
  const Packet whole = record(1, ip4(IPPROTO_TCP, "10.0.0.1", ports(80)));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_refused_packet(std::span(whole).first(length), kNameServer)) << length;
  }
}

class NoRoutes final : public HostRoutes {
 public:
  HostRoute to(const IpAddress&) override { return HostRoute::none; }
};

class RefusalReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    kernel_.reset(ends[1]);
    reader_ = RefusalReader::start(outside_, UniqueFd(ends[0]), kNameServer,
                                   [this](const Notice& notice) { lines_.push_back(notice.text()); });
  }
  void TearDown() override {
    reader_->close();
    loop_.run_until_idle();
    EXPECT_EQ(outside_.scope.running(), 0U);
  }
  void refuse(std::uint32_t number, const Packet& packet) const {
    const Packet message = record(number, packet);
    ASSERT_EQ(send(kernel_.get(), message.data(), message.size(), 0), static_cast<ssize_t>(message.size()));
  }

  net::Loop loop_;
  FakeClock clock_;
  SystemRandom random_;
  NoRoutes routes_;
  Resolver resolver_{loop_, clock_, random_, {kNameServer}};
  Outside outside_{loop_, clock_, routes_, resolver_, {}, {}};
  UniqueFd kernel_;
  std::shared_ptr<RefusalReader> reader_;
  std::vector<std::string> lines_;
};

TEST_F(RefusalReaderTest, WhatWasRefusedBeforeTheEndIsToldAtTheEnd) {
  refuse(0, ip4(IPPROTO_TCP, "10.0.0.1", ports(80)));
  refuse(1, ip4(IPPROTO_TCP, "10.0.0.1", ports(80)));
  reader_->close();
  const std::string line = "network: 10.0.0.1:80 refused: not in its network policy";
  EXPECT_EQ(lines_, (std::vector<std::string>{line, line}));
}

TEST_F(RefusalReaderTest, OneLookUpIsOneLine) {
  const auto ask = [&](std::uint32_t number, const char* name) {
    refuse(number, ip4(IPPROTO_UDP, "169.254.78.1", ports(53, question(name))));
  };
  ask(0, "a.example.com");
  ask(1, "a.example.com");
  ask(2, "b.example.com");
  ask(3, "b.example.com");
  reader_->close();
  EXPECT_EQ(lines_, (std::vector<std::string>{"network: the name a.example.com refused: not in its network policy",
                                              "network: the name b.example.com refused: not in its network policy"}));
}

TEST_F(RefusalReaderTest, AFloodIsTwentyLinesAndANumber) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) refuse(number++, ip4(IPPROTO_TCP, "10.0.0.1", ports(80)));
  number += 1'000'000;  // those found no room
  for (int i = 0; i < 4; ++i) refuse(number++, ip4(IPPROTO_TCP, "10.0.0.1", ports(80)));
  reader_->close();
  ASSERT_EQ(lines_.size(), 9U);
  EXPECT_EQ(lines_.back(), "network: 1000000 more refused or failed");
}

}  // namespace
}  // namespace lambent::egress
