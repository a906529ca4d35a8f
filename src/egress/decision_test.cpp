#include "egress/decision.h"

#include <gtest/gtest.h>

#include "egress/outside.h"
#include "egress/token_bucket.h"

namespace lambent::egress {
namespace {

using namespace std::chrono_literals;

class FakeRoutes final : public HostRoutes {
 public:
  HostRoute to(const IpAddress& address) override {
    return address.text() == "93.184.216.99" ? HostRoute::own : HostRoute::away;
  }
};

struct Decision {
  NetworkPolicy policy;
  std::vector<Cidr> denied;
  LearnedAddresses learned;
  FakeRoutes routes;
  Monotonic now{std::chrono::hours(1)};

  explicit Decision(const char* text) : policy(parse_network_policy(text).value()) {}
  std::string on(const char* address) {
    const char* why = why_refused(policy, denied, learned, routes, *IpAddress::parse(address), now);
    return why == nullptr ? "allowed" : why;
  }
};

TEST(Decision, InternetIsEveryPublicAddressButThisHosts) {
  Decision decision("internet");
  EXPECT_EQ(decision.on("93.184.216.34"), "allowed");
  EXPECT_EQ(decision.on("2600::1"), "allowed");
  EXPECT_EQ(decision.on("10.0.0.1"), "a private address");
  EXPECT_EQ(decision.on("::ffff:10.0.0.1"), "a private address");
  EXPECT_EQ(decision.on("169.254.169.254"), "the address of a metadata service");
  EXPECT_EQ(decision.on("93.184.216.99"), "an address of this host");
}

TEST(Decision, ARangeNamesWhatItNames) {
  Decision decision("10.0.0.0/8,93.184.216.99");
  EXPECT_EQ(decision.on("10.1.2.3"), "allowed");
  EXPECT_EQ(decision.on("93.184.216.99"), "allowed");
  EXPECT_EQ(decision.on("93.184.216.34"), "not in its network policy");
  EXPECT_EQ(decision.on("192.168.0.1"), "a private address");
}

TEST(Decision, WhatTheOperatorDeniesWinsOverEverything) {
  Decision decision("internet,10.0.0.0/8");
  decision.denied = {*Cidr::parse("10.1.0.0/16"), *Cidr::parse("93.184.216.34")};
  EXPECT_EQ(decision.on("10.1.2.3"), "an address that this server's operator denies");
  EXPECT_EQ(decision.on("93.184.216.34"), "an address that this server's operator denies");
  EXPECT_EQ(decision.on("10.2.0.1"), "allowed");
}

TEST(Decision, ANameAllowsItsAddressesForAsLongAsTheAnswerHolds) {
  Decision decision("api.example.com");
  EXPECT_EQ(decision.on("93.184.216.34"), "not in its network policy");
  decision.learned.learn(*IpAddress::parse("93.184.216.34"), 300, decision.now);
  decision.learned.learn(*IpAddress::parse("10.0.0.1"), 300, decision.now);
  EXPECT_EQ(decision.on("93.184.216.34"), "allowed");
  EXPECT_EQ(decision.on("93.184.216.35"), "not in its network policy");
  EXPECT_EQ(decision.on("10.0.0.1"), "a private address");
  decision.now += 299s;
  EXPECT_EQ(decision.on("93.184.216.34"), "allowed");
  decision.now += 1s;
  EXPECT_EQ(decision.on("93.184.216.34"), "not in its network policy");
}

TEST(LearnedAddresses, AreBoundedInTimeAndNumber) {
  LearnedAddresses learned;
  const Monotonic now{std::chrono::hours(1)};
  const auto address = *IpAddress::parse("1.2.3.4");
  learned.learn(address, 0, now);
  EXPECT_TRUE(learned.holds(address, now + 59s));
  EXPECT_FALSE(learned.holds(address, now + 60s));
  learned.learn(address, 1'000'000, now);
  EXPECT_FALSE(learned.holds(address, now + 3600s));
  for (unsigned i = 0; i < 10'000; ++i) {
    const std::array<std::uint8_t, 4> bytes{20, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)};
    learned.learn(IpAddress::v4(bytes), 60, now);
  }
  EXPECT_LE(learned.size(), LearnedAddresses::kMost);
  EXPECT_TRUE(learned.holds(address, now));  // it ends last
}

TEST(TokenBucket, GivesABurstAndThenARate) {
  const Monotonic now{std::chrono::hours(1)};
  TokenBucket bucket(10, 2, now);
  EXPECT_TRUE(bucket.take(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  EXPECT_LE(bucket.wait(), 100ms);
  EXPECT_FALSE(bucket.take(now + 50ms));
  EXPECT_TRUE(bucket.take(now + 100ms));
  EXPECT_FALSE(bucket.take(now + 100ms));
  EXPECT_TRUE(bucket.take(now + 10s));
  EXPECT_TRUE(bucket.take(now + 10s));
  EXPECT_FALSE(bucket.take(now + 10s));
}

TEST(Connections, OfOneInstanceAreFewerWhereAllTogetherAreMany) {
  EXPECT_EQ(most_connections(256, 0), 256U);
  EXPECT_EQ(most_connections(256, kAllConnections / 2), 256U);
  EXPECT_EQ(most_connections(256, kAllConnections), kInAnyCase);
  EXPECT_EQ(most_connections(4, 0), 4U);
  // However many instances take all they may, the next one gets some, and all together stay bounded.
  std::size_t all = 0;
  for (int instance = 0; instance < 1000; ++instance) {
    std::size_t own = 0;
    while (own < most_connections(256, all)) {
      ++own;
      ++all;
    }
    EXPECT_GE(own, kInAnyCase);
  }
  EXPECT_LE(all, kAllConnections + 1000 * kInAnyCase);
}

TEST(KernelRoutes, KnowThisHostsOwnAddresses) {
  auto routes = KernelRoutes::open();
  ASSERT_TRUE(routes);
  EXPECT_EQ(routes->to(*IpAddress::parse("127.0.0.1")), HostRoute::own);
  EXPECT_EQ(routes->to(*IpAddress::parse("127.55.0.1")), HostRoute::own);
  EXPECT_EQ(routes->to(*IpAddress::parse("::1")), HostRoute::own);
}

}  // namespace
}  // namespace lambent::egress
