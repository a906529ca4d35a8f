#include "egress/network_policy.h"

#include <gtest/gtest.h>

namespace lambent::egress {
namespace {

NetworkPolicy policy(std::string_view text) {
  return parse_network_policy(text).value();
}

TEST(NetworkPolicy, SaysWhatCanBeReached) {
  EXPECT_TRUE(policy("platform").platform);
  EXPECT_FALSE(policy("platform").has_egress());
  EXPECT_FALSE(policy("none").platform);
  EXPECT_FALSE(policy("none").has_egress());
  EXPECT_TRUE(policy("internet").internet);
  EXPECT_TRUE(policy("internet").platform);
  EXPECT_TRUE(policy("internet").has_egress());
  const auto list = policy("Api.Example.com, .b.org,10.1.0.0/16,fd00::/8,8.8.8.8,internet");
  EXPECT_TRUE(list.internet);
  EXPECT_EQ(list.names, (std::vector<std::string>{"api.example.com", ".b.org"}));
  EXPECT_EQ(list.ranges.size(), 3U);
  EXPECT_EQ(policy("a.com b.com").names, (std::vector<std::string>{"a.com", "b.com"}));
}

TEST(NetworkPolicy, WhatItCannotMeanIsRefused) {
  for (const char* bad : {"",
                          ",",
                          " ",
                          "internet,platform",
                          "none,a.com",
                          "Internet!",
                          "http://a.com",
                          "a.com:443",
                          "a.com/",
                          "*",
                          ".com",
                          "a.*.com",
                          "*a.com",
                          "**.a.com",
                          "-a.com",
                          "a-.com",
                          "a..com",
                          "a.com.",
                          "10.0.0.0/33",
                          "10.0.0.1/8",
                          "1.2.3",
                          "127.1",
                          "2130706433",
                          "0x7f000001",
                          "1.2.3.4.5",
                          "::1%lo",
                          "[::1]",
                          "a.com;b.com",
                          "\x01.com",
                          "ü.de"}) {
    EXPECT_FALSE(parse_network_policy(bad)) << bad;
  }
  EXPECT_FALSE(parse_network_policy(std::string(64, 'a') + ".com"));
  EXPECT_FALSE(parse_network_policy(std::string(2000, 'a')));
  std::string many = "a.com";
  for (int i = 0; i < 32; ++i) many += ",a.com";
  EXPECT_FALSE(parse_network_policy(many));
}

TEST(NetworkPolicy, ADotInFrontMeansWhatIsBelow) {
  const auto list = policy(".b.org,c.org");
  EXPECT_TRUE(list.lists_name("a.b.org"));
  EXPECT_TRUE(list.lists_name("x.a.b.org"));
  EXPECT_FALSE(list.lists_name("b.org"));
  EXPECT_FALSE(list.lists_name("ab.org"));
  EXPECT_FALSE(list.lists_name("org"));
  EXPECT_TRUE(list.lists_name("c.org"));
  EXPECT_FALSE(list.lists_name("d.c.org"));
  EXPECT_FALSE(list.lists_name("c.org.evil.com"));
  EXPECT_FALSE(policy("10.0.0.0/8").lists_name("c.org"));
}

TEST(NetworkPolicy, TagsStayWithinWhatTheOperatorGrants) {
  const auto granted = [](const char* wanted, const char* grant) {
    return check_granted(policy(wanted), policy(grant)).has_value();
  };
  for (const char* free : {"platform", "none"}) EXPECT_TRUE(granted(free, "platform")) << free;
  for (const char* good : {"internet", "a.com", ".a.com", "8.8.8.0/24", "internet,a.com,1.1.1.1"}) {
    EXPECT_TRUE(granted(good, "internet")) << good;
  }
  for (const char* bad : {"10.0.0.0/8", "127.0.0.1", "0.0.0.0/0", "::/0", "169.254.169.254", "a.com,192.168.0.0/24"}) {
    EXPECT_FALSE(granted(bad, "internet")) << bad;
  }
  EXPECT_TRUE(granted("10.1.0.0/16", "10.0.0.0/8"));
  EXPECT_TRUE(granted("internet,10.1.0.0/16", "internet,10.0.0.0/8"));
  EXPECT_FALSE(granted("internet", "10.0.0.0/8"));
  EXPECT_FALSE(granted("internet", "platform"));
  EXPECT_TRUE(granted("x.a.com", ".a.com"));
  EXPECT_TRUE(granted(".x.a.com", ".a.com"));
  EXPECT_TRUE(granted(".a.com", ".a.com"));
  EXPECT_FALSE(granted("a.com", ".a.com"));
  EXPECT_FALSE(granted(".a.com", "x.a.com"));
  EXPECT_FALSE(granted("b.com", "a.com"));
}

}  // namespace
}  // namespace lambent::egress
