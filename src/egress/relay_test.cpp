#include "egress/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <thread>

#include "base/fd.h"

namespace lambent::egress {
namespace {

using namespace std::chrono_literals;

// A relay between two socket pairs; the far ends are the test's, and block.
class RelayTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> inside{};
    std::array<int, 2> outside{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, inside.data()), 0);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, outside.data()), 0);
    inside_.reset(inside[0]);
    outside_.reset(outside[0]);
    relay_.emplace(loop_, clock_, net::Stream(loop_, UniqueFd(inside[1])), net::Stream(loop_, UniqueFd(outside[1])),
                   idle_);
  }
  void run_beside(const std::function<void()>& body) {
    std::thread other(body);
    net::Scope scope;
    scope.spawn(relay_->run());
    loop_.run_until_idle();
    other.join();
    EXPECT_EQ(scope.running(), 0U);
  }
  static std::string read_all(const UniqueFd& from) {
    std::string all;
    std::array<char, 65536> piece{};
    for (ssize_t n = 0; (n = recv(from.get(), piece.data(), piece.size(), 0)) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(n));
    }
    return all;
  }

  net::Loop loop_;
  SystemClock clock_;
  std::chrono::milliseconds idle_{60'000};
  UniqueFd inside_;
  UniqueFd outside_;
  std::optional<Relay> relay_;
};

TEST_F(RelayTest, AnEndOfStreamPassesAndTheOtherDirectionGoesOn) {
  const std::string long_answer(3'000'000, 'x');
  std::string got;
  run_beside([&] {
    send(inside_.get(), "question", 8, 0);
    shutdown(inside_.get(), SHUT_WR);
    EXPECT_EQ(read_all(outside_), "question");
    std::thread answering([&] {
      for (std::size_t at = 0; at < long_answer.size();) {
        const ssize_t n = send(outside_.get(), long_answer.data() + at, long_answer.size() - at, 0);
        if (n <= 0) break;
        at += static_cast<std::size_t>(n);
      }
      shutdown(outside_.get(), SHUT_WR);
    });
    got = read_all(inside_);
    answering.join();
  });
  EXPECT_EQ(got, long_answer);
}

TEST_F(RelayTest, ASideThatIsGoneEndsBoth) {
  run_beside([&] {
    outside_.reset();
    char byte = 0;
    while (send(inside_.get(), "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(1ms);
    EXPECT_LE(recv(inside_.get(), &byte, 1, 0), 0);
  });
}

class IdleRelayTest : public RelayTest {
 protected:
  IdleRelayTest() { idle_ = 20ms; }
};

TEST_F(IdleRelayTest, WhereNothingMovesItEnds) {
  run_beside([&] { EXPECT_EQ(read_all(inside_), ""); });
}

}  // namespace
}  // namespace lambent::egress
