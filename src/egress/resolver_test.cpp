#include "egress/resolver.h"

#include <gtest/gtest.h>

#include "egress/lists.h"

namespace lambent::egress {
namespace {

std::string servers_of(std::string_view text) {
  std::string out;
  for (const auto& server : parse_resolv_conf(text)) out += server.text() + " ";
  return out;
}

TEST(ResolvConf, GivesTheFirstThreeNameServers) {
  EXPECT_EQ(servers_of("# a comment\nsearch example.com\nnameserver 10.0.0.1\nnameserver\t2600::1 \n"),
            "10.0.0.1 2600::1 ");
  EXPECT_EQ(servers_of("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4"),
            "1.1.1.1 1.1.1.2 1.1.1.3 ");
}

TEST(ResolvConf, WhatIsNoAddressIsLeftOut) {
  EXPECT_EQ(servers_of(""), "");
  EXPECT_EQ(servers_of("nameserver\nnameserver \nnameservers 1.1.1.1\n nameserver 1.1.1.1\nnameserver fe80::1%eth0\n"),
            "");
}

TEST(Lists, AreWholeOrNothing) {
  EXPECT_EQ(parse_ranges("none")->size(), 0U);
  EXPECT_EQ(parse_ranges("10.0.0.0/8,fd00::/8")->size(), 2U);
  EXPECT_EQ(parse_addresses("host")->size(), 0U);
  EXPECT_EQ(parse_addresses("9.9.9.9")->size(), 1U);
  for (const char* bad : {"", ",", "10.0.0.0/8,", "10.0.0.0/8,x", "host,none"}) {
    EXPECT_FALSE(parse_ranges(bad)) << bad;
    EXPECT_FALSE(parse_addresses(bad)) << bad;
  }
}

}  // namespace
}  // namespace lambent::egress
