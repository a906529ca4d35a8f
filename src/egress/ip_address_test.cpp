#include "egress/ip_address.h"

#include <gtest/gtest.h>

namespace lambent::egress {
namespace {

constexpr const char* kMetadata = "the address of a metadata service";
constexpr const char* kHost = "an address of this host";
constexpr const char* kPrivate = "a private address";
constexpr const char* kLoopback = "a loopback address";
constexpr const char* kLinkLocal = "a link-local address";
constexpr const char* kReserved = "a reserved address";
constexpr const char* kMulticast = "a multicast address";
constexpr const char* kEmbedded = "an IPv4 address inside an IPv6 address";

struct Case {
  const char* address;
  const char* why;  // null: public
};

// The first and last address of each range and their neighbours, and forms that hide one address in another.
constexpr Case kCases[] = {{"0.0.0.0", kHost},
                           {"0.0.0.1", kHost},
                           {"0.255.255.255", kHost},
                           {"1.0.0.0", nullptr},
                           {"1.1.1.1", nullptr},
                           {"8.8.8.8", nullptr},
                           {"9.255.255.255", nullptr},
                           {"10.0.0.0", kPrivate},
                           {"10.0.0.1", kPrivate},
                           {"10.128.3.4", kPrivate},
                           {"10.255.255.255", kPrivate},
                           {"11.0.0.0", nullptr},
                           {"93.184.216.34", nullptr},
                           {"100.63.255.255", nullptr},
                           {"100.64.0.0", kPrivate},
                           {"100.100.100.199", kPrivate},
                           {"100.100.100.200", kMetadata},
                           {"100.127.255.255", kPrivate},
                           {"100.128.0.0", nullptr},
                           {"126.255.255.255", nullptr},
                           {"127.0.0.0", kLoopback},
                           {"127.0.0.1", kLoopback},
                           {"127.1.2.3", kLoopback},
                           {"127.255.255.255", kLoopback},
                           {"128.0.0.0", nullptr},
                           {"168.63.129.15", nullptr},
                           {"168.63.129.16", kMetadata},
                           {"168.63.129.17", nullptr},
                           {"169.253.255.255", nullptr},
                           {"169.254.0.0", kLinkLocal},
                           {"169.254.76.1", kLinkLocal},
                           {"169.254.78.1", kLinkLocal},
                           {"169.254.169.253", kLinkLocal},
                           {"169.254.169.254", kMetadata},
                           {"169.254.170.2", kLinkLocal},
                           {"169.254.255.255", kLinkLocal},
                           {"169.255.0.0", nullptr},
                           {"172.15.255.255", nullptr},
                           {"172.16.0.0", kPrivate},
                           {"172.17.0.1", kPrivate},
                           {"172.31.255.255", kPrivate},
                           {"172.32.0.0", nullptr},
                           {"191.255.255.255", nullptr},
                           {"192.0.0.0", kReserved},
                           {"192.0.0.170", kReserved},
                           {"192.0.0.255", kReserved},
                           {"192.0.1.0", nullptr},
                           {"192.0.2.0", kReserved},
                           {"192.0.2.255", kReserved},
                           {"192.0.3.0", nullptr},
                           {"192.88.98.255", nullptr},
                           {"192.88.99.0", kEmbedded},
                           {"192.88.99.1", kEmbedded},
                           {"192.88.100.0", nullptr},
                           {"192.167.255.255", nullptr},
                           {"192.168.0.0", kPrivate},
                           {"192.168.1.1", kPrivate},
                           {"192.168.255.255", kPrivate},
                           {"192.169.0.0", nullptr},
                           {"198.17.255.255", nullptr},
                           {"198.18.0.0", kPrivate},
                           {"198.19.255.255", kPrivate},
                           {"198.20.0.0", nullptr},
                           {"198.51.99.255", nullptr},
                           {"198.51.100.0", kReserved},
                           {"198.51.100.255", kReserved},
                           {"198.51.101.0", nullptr},
                           {"203.0.112.255", nullptr},
                           {"203.0.113.0", kReserved},
                           {"203.0.113.255", kReserved},
                           {"203.0.114.0", nullptr},
                           {"223.255.255.255", nullptr},
                           {"224.0.0.0", kMulticast},
                           {"224.0.0.251", kMulticast},
                           {"239.255.255.250", kMulticast},
                           {"239.255.255.255", kMulticast},
                           {"240.0.0.0", kReserved},
                           {"254.1.2.3", kReserved},
                           {"255.255.255.254", kReserved},
                           {"255.255.255.255", kReserved},

                           // Mapped: the IPv4 address that they are.
                           {"::ffff:127.0.0.1", kLoopback},
                           {"::ffff:7f00:1", kLoopback},
                           {"::FFFF:10.0.0.1", kPrivate},
                           {"::ffff:a9fe:a9fe", kMetadata},
                           {"::ffff:0.0.0.0", kHost},
                           {"::ffff:8.8.8.8", nullptr},
                           {"0:0:0:0:0:ffff:192.168.0.1", kPrivate},
                           {"::ffff:255.255.255.255", kReserved},

                           // Compatible, translated, NAT64, SIIT, 6to4, Teredo, ISATAP: whatever they hold.
                           {"::", kHost},
                           {"::1", kLoopback},
                           {"::2", kEmbedded},
                           {"::7f00:1", kEmbedded},
                           {"::127.0.0.1", kEmbedded},
                           {"::8.8.8.8", kEmbedded},
                           {"::169.254.169.254", kEmbedded},
                           {"::ffff:0:127.0.0.1", kEmbedded},
                           {"::ffff:0:8.8.8.8", kEmbedded},
                           {"64:ff9b::7f00:1", kEmbedded},
                           {"64:ff9b::8.8.8.8", kEmbedded},
                           {"64:ff9b::a9fe:a9fe", kEmbedded},
                           {"64:ff9b::ffff:ffff", kEmbedded},
                           {"64:ff9b::1:0:0", kReserved},
                           {"64:ff9b:1::", kEmbedded},
                           {"64:ff9b:1:fffe::10.0.0.1", kEmbedded},
                           {"64:ff9b:2::", kReserved},
                           {"2002::", kEmbedded},
                           {"2002:7f00:1::", kEmbedded},
                           {"2002:a9fe:a9fe::1", kEmbedded},
                           {"2002:808:808::1", kEmbedded},
                           {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kEmbedded},
                           {"2003::", nullptr},
                           {"2001::", kEmbedded},
                           {"2001:0:4136:e378:8000:63bf:3fff:fdd2", kEmbedded},
                           {"2001:0:ffff::1", kEmbedded},
                           {"2001:1::1", kReserved},
                           {"2001:2::1", kReserved},
                           {"2001:10::1", kReserved},
                           {"2001:20::1", kReserved},
                           {"2001:1ff:ffff::1", kReserved},
                           {"2001:200::1", nullptr},
                           {"2001:db7:ffff::1", nullptr},
                           {"2001:db8::", kReserved},
                           {"2001:db8::1", kReserved},
                           {"2001:db8:ffff:ffff::1", kReserved},
                           {"2001:db9::1", nullptr},
                           {"2001:4860:4860::8888", nullptr},
                           {"2001:470::5efe:a00:1", kEmbedded},
                           {"2001:470::5efe:10.0.0.1", kEmbedded},
                           {"2001:470:0:0:0:5efe:10.0.0.1", kEmbedded},
                           {"2001:470:0:0:200:5efe:8.8.8.8", kEmbedded},
                           {"2001:470:0:0:400:5efe:8.8.8.8", nullptr},

                           // IPv6's own.
                           {"100::1", kReserved},
                           {"1fff:ffff::", kReserved},
                           {"2000::", nullptr},
                           {"2600::1", nullptr},
                           {"2606:4700::6810:84e5", nullptr},
                           {"2a00:1450:4001:81b::200e", nullptr},
                           {"3ffe:ffff::1", nullptr},
                           {"3fff::1", kReserved},
                           {"3fff:fff::1", kReserved},
                           {"3fff:1000::1", nullptr},
                           {"3fff:ffff::", nullptr},
                           {"4000::", kReserved},
                           {"5f00::1", kReserved},
                           {"8000::1", kReserved},
                           {"fbff:ffff::", kReserved},
                           {"fc00::", kPrivate},
                           {"fc00::1", kPrivate},
                           {"fd00::1", kPrivate},
                           {"fd00:ec2::253", kPrivate},
                           {"fd00:ec2::254", kMetadata},
                           {"fd20:ce::254", kMetadata},
                           {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kPrivate},
                           {"fe00::1", kReserved},
                           {"fe7f::1", kReserved},
                           {"fe80::", kLinkLocal},
                           {"fe80::1", kLinkLocal},
                           {"fe80::a9fe:a9fe", kLinkLocal},
                           {"febf::1", kLinkLocal},
                           {"fec0::1", kPrivate},
                           {"feff::1", kPrivate},
                           {"ff00::", kMulticast},
                           {"ff02::1", kMulticast},
                           {"ff0e::fb", kMulticast},
                           {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kMulticast}};

TEST(PublicAddresses, AreThoseOfNoSpecialRange) {
  for (const auto& [text, why] : kCases) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    const char* found = why_not_public(*address);
    EXPECT_STREQ(found == nullptr ? "public" : found, why == nullptr ? "public" : why) << text;
  }
}

// Every IPv4 address of the first sixteen bits' grid, against a second statement of the rules.
TEST(PublicAddresses, AgreeWithTheRulesForEveryBlockOfIpv4) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const std::array<std::uint8_t, 4> bytes{static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), 200, 7};
      const bool is_special = a == 0 || a == 10 || a == 127 || a >= 224 || (a == 100 && b >= 64 && b < 128) ||
                              (a == 169 && b == 254) || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) ||
                              (a == 198 && (b == 18 || b == 19));
      const auto address = IpAddress::v4(bytes);
      EXPECT_EQ(why_not_public(address) != nullptr, is_special) << address.text();
      // And no IPv6 form that holds it is public, but for the mapped one, which is it.
      for (const char* prefix : {"::", "64:ff9b::", "::ffff:0:"}) {
        EXPECT_NE(why_not_public(*IpAddress::parse(prefix + address.text())), nullptr) << prefix << address.text();
      }
    }
  }
}

TEST(IpAddress, IsReadInItsPlainFormsOnly) {
  // What inet_aton and URLs of browsers take for 127.0.0.1: programs resolve these before they connect, and a policy
  // must not mean something else by them than it shows.
  for (const char* odd :
       {"127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "127.0.0.1.", " 127.0.0.1", "127.0.0.256",
        "1.2.3", "1.2.3.4.5", "", ":", "1::2::3", "fe80::1%eth0", "[::1]", "::g", "1.2.3.4/8", "::ffff:1.2.3"}) {
    EXPECT_FALSE(IpAddress::parse(odd)) << odd;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_EQ(IpAddress::parse("::ffff:1.2.3.4"), IpAddress::parse("1.2.3.4"));
  EXPECT_EQ(IpAddress::parse("::ffff:1.2.3.4")->text(80), "1.2.3.4:80");
  EXPECT_EQ(IpAddress::parse("2001:DB8:0::1")->text(80), "[2001:db8::1]:80");
}

TEST(IpAddress, GoesIntoASocketAddressAndBack) {
  for (const char* text : {"1.2.3.4", "2600::1"}) {
    sockaddr_storage storage{};
    IpAddress::parse(text)->write_to(storage, 443);
    EXPECT_EQ(IpAddress::of(storage).text(), text);
  }
}

TEST(Cidr, IsReadInOneFormOnly) {
  for (const char* good : {"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "::/0", "2001:db8::/32", "fd00::/8"}) {
    ASSERT_TRUE(Cidr::parse(good)) << good;
    EXPECT_EQ(Cidr::parse(good)->text(), good);
  }
  EXPECT_EQ(Cidr::parse("10.1.2.3")->text(), "10.1.2.3/32");
  EXPECT_EQ(Cidr::parse("2600::1")->text(), "2600::1/128");
  EXPECT_EQ(Cidr::parse("::ffff:10.0.0.0/104")->text(), "10.0.0.0/8");
  for (const char* bad : {"10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ", "10/8",
                          "::/129", "2001:db8::1/32", "/8", "a/8", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(Cidr::parse(bad)) << bad;
  }
}

TEST(Cidr, HoldsTheAddressesOfItsFamily) {
  const auto holds = [](const char* range, const char* address) {
    return Cidr::parse(range)->contains(*IpAddress::parse(address));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("10.1.2.0/23", "10.1.3.255"));
  EXPECT_FALSE(holds("10.1.2.0/23", "10.1.4.0"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2600::1"));
  EXPECT_FALSE(holds("::/0", "1.2.3.4"));
  EXPECT_TRUE(holds("::/0", "2600::1"));
  EXPECT_TRUE(Cidr::parse("10.0.0.0/8")->contains(*Cidr::parse("10.1.0.0/16")));
  EXPECT_FALSE(Cidr::parse("10.1.0.0/16")->contains(*Cidr::parse("10.0.0.0/8")));
}

TEST(Cidr, IsWhollyPublicWhereNoneOfItsAddressesIsSpecial) {
  for (const char* good : {"8.8.8.0/24", "93.184.216.34/32", "2600::/12", "11.0.0.0/8"}) {
    EXPECT_TRUE(is_wholly_public(*Cidr::parse(good))) << good;
  }
  for (const char* bad : {"0.0.0.0/0", "10.1.2.3/32", "8.0.0.0/6", "192.0.0.0/16", "::/0", "2000::/3", "2001::/16",
                          "fd00::/8", "127.0.0.1/32", "168.63.0.0/16", "1000::/4"}) {
    EXPECT_FALSE(is_wholly_public(*Cidr::parse(bad))) << bad;
  }
}

}  // namespace
}  // namespace lambent::egress
