#include "invoke/concurrency.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>

namespace lambent::invoke {
namespace {

class ConcurrencyTest : public testing::Test {
 protected:
  // "ok", "account" or "reserve"; the place is kept.
  std::string enter(const std::string& name) {
    auto place = places.enter(name);
    if (!place) return place.error() == Concurrency::Refusal::account ? "account" : "reserve";
    held.emplace_back(*std::move(place));
    return "ok";
  }
  std::string enter(const std::string& name, int times) {
    std::string last;
    for (int i = 0; i < times; ++i) last = enter(name);
    return last;
  }

  Concurrency places{5};
  std::deque<std::optional<Concurrency::Place>> held;
};

TEST_F(ConcurrencyTest, SharesTheAccountsPlaces) {
  EXPECT_EQ(enter("a", 3), "ok");
  EXPECT_EQ(enter("b", 2), "ok");
  EXPECT_EQ(enter("a"), "account");
  held.pop_back();
  EXPECT_EQ(enter("a"), "ok");
}

TEST_F(ConcurrencyTest, KeepsAReservationFromAllOthers) {
  places.set("mine", 2, 0);
  EXPECT_EQ(enter("other", 3), "ok");
  EXPECT_EQ(enter("other"), "account");
  EXPECT_EQ(enter("mine", 2), "ok");
  EXPECT_EQ(enter("mine"), "reserve");
}

TEST_F(ConcurrencyTest, RunsNothingOfAReservationOfZero) {
  places.set("off", 0, 0);
  EXPECT_EQ(enter("off"), "reserve");
  places.set("off", std::nullopt, 0);
  EXPECT_EQ(enter("off"), "ok");
}

TEST_F(ConcurrencyTest, GivesProvisionedInstancesTheirPlaces) {
  places.set("warm", std::nullopt, 2);
  EXPECT_EQ(enter("other", 3), "ok");
  EXPECT_EQ(enter("other"), "account");
  EXPECT_EQ(enter("warm", 2), "ok");
  EXPECT_EQ(enter("warm"), "account");
  held.pop_front();  // one of other's
  EXPECT_EQ(enter("warm"), "ok") << "over its provision it shares";
  EXPECT_EQ(enter("other"), "account");
}

TEST_F(ConcurrencyTest, ChangesWhileCallsRun) {
  EXPECT_EQ(enter("a", 4), "ok");
  places.set("a", 2, 0);
  EXPECT_EQ(enter("a"), "reserve");
  EXPECT_EQ(enter("b", 3), "ok") << "four run in a reservation of two, and three places are left";
  EXPECT_EQ(enter("b"), "account");
  places.forget("a");
  EXPECT_EQ(enter("b"), "account");
  held.clear();
  EXPECT_EQ(enter("b", 5), "ok");
}

}  // namespace
}  // namespace lambent::invoke
