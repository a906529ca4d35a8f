#include "extensions/attendant_line.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace lambent::extensions {
namespace {

using Bytes = std::array<std::byte, kAttendantMessageBytes>;

Bytes message(char kind, std::uint8_t who, std::uint16_t port, std::int32_t code) {
  Bytes bytes{};
  bytes[0] = static_cast<std::byte>(kind);
  bytes[1] = static_cast<std::byte>(who);
  std::memcpy(&bytes[2], &port, sizeof port);
  std::memcpy(&bytes[4], &code, sizeof code);
  return bytes;
}

TEST(AttendantMessageTest, TakesWhatAnAttendantSays) {
  const auto ended = parse_attendant_message(message('X', 1, 0, 256), 2);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->kind, AttendantMessage::Kind::ended);
  EXPECT_EQ(ended->who, 1);
  EXPECT_EQ(ended->code, 256);
  EXPECT_TRUE(parse_attendant_message(message('X', kTheRuntime, 0, 9), 0));
  EXPECT_TRUE(parse_attendant_message(message('F', 0, 0, EACCES), 1));
  EXPECT_EQ(parse_attendant_message(message('S', 0, 8080, 0), 1)->port, 8080);
}

TEST(AttendantMessageTest, RefusesAllElse) {
  EXPECT_FALSE(parse_attendant_message(message('X', 2, 0, 0), 2)) << "no such extension";
  EXPECT_FALSE(parse_attendant_message(message('F', 0, 0, 0), 0));
  EXPECT_FALSE(parse_attendant_message(message('Y', 0, 0, 0), 2));
  EXPECT_FALSE(parse_attendant_message({}, 2));
  const Bytes whole = message('S', 0, 1, 0);
  EXPECT_FALSE(parse_attendant_message(std::span(whole).first(7), 2));
}

class AttendantLineTest : public testing::Test, public AttendantLine::Observer {
 protected:
  void on_ended(std::uint8_t who, int status) override {
    told += "ended " + std::to_string(who) + ":" + std::to_string(status) + "\n";
  }
  void on_not_executed(std::uint8_t who, int error) override {
    told += "not executed " + std::to_string(who) + ":" + std::to_string(error) + "\n";
  }
  void on_attendant_lost() override { told += "lost\n"; }

  void make() {
    auto ends = *net::Seqpacket::make_pair();
    theirs.emplace(loop, std::move(ends.second));
    line.emplace(loop, std::move(ends.first), 2, *this);
  }
  void say(const Bytes& bytes, std::span<const int> fds = {}) { EXPECT_TRUE(theirs->send(bytes, fds)); }

  net::Task<> finish(net::Task<> test) {
    co_await std::move(test);
    if (line) co_await line->stopped();
    loop.post([this] { loop.stop(); });
  }
  void run(net::Task<> test) {
    scope.spawn(finish(std::move(test)));
    loop.run();
  }
  net::Task<> turns() {
    for (int i = 0; i < 20; ++i) {
      const net::OneShot<bool> turn;
      loop.post([turn] { turn.set(true); });
      co_await turn;
    }
  }

  net::Task<> ends();
  net::Task<> rubbish();
  net::Task<> connections(std::vector<std::string>& outcomes);
  net::Task<> greets(UniqueFd runtime_line);

  net::Loop loop;
  net::Scope scope;
  std::optional<net::Seqpacket> theirs;
  std::optional<AttendantLine> line;
  std::string told;
};

net::Task<> AttendantLineTest::ends() {
  make();
  line->start_runtime();
  Bytes order{};
  std::ignore = co_await theirs->receive(order);
  EXPECT_EQ(static_cast<char>(order[0]), 'R');
  say(message('F', 1, 0, 8));
  say(message('X', kTheRuntime, 0, 256));
  co_await turns();
  theirs->close();
  co_await turns();
}

TEST_F(AttendantLineTest, TellsHowEverybodyEnds) {
  run(ends());
  EXPECT_EQ(told, "not executed 1:8\nended 255:256\nlost\n");
}

net::Task<> AttendantLineTest::rubbish() {
  make();
  say(message('S', 0, 80, 0));  // nobody asked
  co_await turns();
  say(message('X', 0, 0, 0));
  co_await turns();
}

TEST_F(AttendantLineTest, HearsNothingMoreFromOneThatSaysWhatDoesNotFit) {
  run(rubbish());
  EXPECT_EQ(told, "lost\n");
}

net::Task<> AttendantLineTest::connections(std::vector<std::string>& outcomes) {
  make();
  const UniqueFd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto ask = [&](std::uint16_t port, int error, int fd) -> net::Task<std::string> {
    return [](AttendantLineTest& test, std::uint16_t to, int code, int with) -> net::Task<std::string> {
      net::Scope answering;
      const std::array fds{with};
      test.say(message('S', 0, to, code), with < 0 ? std::span<const int>() : std::span<const int>(fds));
      const auto socket = co_await test.line->connect(to);
      co_return socket ? "a socket" : socket.error().message();
    }(*this, port, error, fd);
  };
  // The answers wait in the line before the questions are put; the line reads after the question.
  outcomes.push_back(co_await ask(8080, 0, tcp.get()));
  outcomes.push_back(co_await ask(8080, ECONNREFUSED, -1));
  outcomes.push_back(co_await ask(8080, 0, file.get()));
  outcomes.push_back(co_await ask(8080, 0, tcp.get()));
}

TEST_F(AttendantLineTest, ConnectsInsideAndTakesNothingButTcpSockets) {
  std::vector<std::string> outcomes;
  run(connections(outcomes));
  ASSERT_EQ(outcomes.size(), 4U);
  EXPECT_EQ(outcomes[0], "a socket");
  EXPECT_NE(outcomes[1].find("refused"), std::string::npos) << outcomes[1];
  EXPECT_NE(outcomes[2].find("no TCP socket"), std::string::npos) << outcomes[2];
  EXPECT_NE(outcomes[3], "a socket") << "the line was lost with the file";
}

net::Task<> AttendantLineTest::greets(UniqueFd runtime_line) {
  const auto attendant = co_await AttendantLine::greeting(loop, runtime_line);
  EXPECT_TRUE(attendant.has_value());
  if (!attendant) co_return;
  char byte = 0;
  EXPECT_EQ(read(runtime_line.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'w') << "what follows the greeting is the runtime's";
}

TEST_F(AttendantLineTest, AGreetingBringsTwoDescriptorsAndLeavesTheLineAlone) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  net::Seqpacket inside(loop, UniqueFd(ends[1]));
  const std::array given{0, 1};
  const std::array byte{std::byte{'A'}};
  ASSERT_TRUE(inside.send(byte, given));
  const std::array next{std::byte{'w'}};
  ASSERT_TRUE(inside.send(next));
  run(greets(UniqueFd(ends[0])));
}

}  // namespace
}  // namespace lambent::extensions
