#include "edge/fair_share.h"

#include <gtest/gtest.h>

#include <string>

#include "net/scope.h"
#include "net/task.h"

namespace lambent::edge {
namespace {

using net::Task;

Task<> work(Turns& turns, int times, char name, std::string& done) {
  for (int i = 0; i < times; i++) {
    co_await turns.take();
    done += name;
  }
}

TEST(TurnsOfAListener, AreBoundedInARoundSoThatOthersComeInBetween) {
  net::Loop loop;
  Turns eager(loop, 2);
  Turns other(loop, 2);
  std::string done;
  net::Scope scope;
  scope.spawn(work(eager, 8, 'e', done));
  scope.spawn(work(other, 2, 'o', done));
  loop.run_until_idle();
  EXPECT_EQ(done, "eeooeeeeee");
}

TEST(TurnsOfAListener, AreGivenInTheOrderOfAsking) {
  net::Loop loop;
  Turns turns(loop, 1);
  std::string done;
  net::Scope scope;
  for (const char name : {'a', 'b', 'c'}) scope.spawn(work(turns, 2, name, done));
  EXPECT_EQ(done, "a") << "one in this round";
  loop.run_until_idle();
  EXPECT_EQ(done, "aabcbc") << "a asked a second time before b asked at all";
}

TEST(TurnsOfAListener, MayEndBeforeTheirRound) {
  net::Loop loop;
  std::string done;
  {
    Turns turns(loop, 1);
    net::Scope scope;
    scope.spawn(work(turns, 1, 'a', done));
  }
  loop.run_until_idle();
  EXPECT_EQ(done, "a");
}

TEST(TurnsOfAListener, AreBoundedInAWindowOfTime) {
  net::Loop loop;
  Turns turns(loop, 10, 3);
  std::string done;
  net::Scope scope;
  const auto begin = std::chrono::steady_clock::now();
  scope.spawn(work(turns, 7, 'a', done));
  loop.run_until_idle();
  EXPECT_EQ(done, "aaaaaaa");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 2 * Turns::kWindow) << "three, three and one";
}

Task<> hold(Room& room, std::size_t bytes, Room::Share& into, std::string& done, char name) {
  into = co_await room.take(bytes);
  done += name;
}

TEST(RoomForBodies, IsGivenInOrderAsItBecomesFree) {
  net::Loop loop;
  Room room(loop, 100);
  Room::Share a;
  Room::Share b;
  Room::Share c;
  std::string done;
  net::Scope scope;
  scope.spawn(hold(room, 60, a, done, 'a'));
  scope.spawn(hold(room, 60, b, done, 'b'));
  scope.spawn(hold(room, 10, c, done, 'c'));
  loop.run_until_idle();
  EXPECT_EQ(done, "a") << "c would fit, and does not overtake b";
  a = {};
  loop.run_until_idle();
  EXPECT_EQ(done, "abc");
}

TEST(RoomForBodies, MoreThanThereIsTakesAllOfIt) {
  net::Loop loop;
  Room room(loop, 100);
  Room::Share a;
  Room::Share b;
  std::string done;
  net::Scope scope;
  scope.spawn(hold(room, 1000, a, done, 'a'));
  scope.spawn(hold(room, 1, b, done, 'b'));
  loop.run_until_idle();
  EXPECT_EQ(done, "a");
  a = {};
  loop.run_until_idle();
  EXPECT_EQ(done, "ab");
}

TEST(RoomForBodies, WithoutBoundIsGivenAtOnce) {
  net::Loop loop;
  Room room(loop, 0);
  Room::Share a;
  Room::Share b;
  std::string done;
  net::Scope scope;
  scope.spawn(hold(room, 1000, a, done, 'a'));
  scope.spawn(hold(room, 1000, b, done, 'b'));
  EXPECT_EQ(done, "ab");
}

}  // namespace
}  // namespace lambent::edge
