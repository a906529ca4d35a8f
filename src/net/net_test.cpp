#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include <cstring>
#include <string>

#include "net/listener.h"
#include "net/loop.h"
#include "net/one_shot.h"
#include "net/readiness.h"
#include "net/scope.h"
#include "net/seqpacket.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::net {
namespace {

using namespace std::chrono_literals;

std::pair<UniqueFd, UniqueFd> connected_pair() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Task<int> add(int a, int b) {
  co_return a + b;
}

Task<int> count_down(int n) {
  if (n == 0) co_return 0;
  const int below = co_await count_down(n - 1);
  co_return below + 1;
}

Task<> store(Task<int> task, int& out) {
  out = co_await std::move(task);
}

TEST(Task, GivesItsValueToItsAwaiter) {
  Scope scope;
  int sum = 0;
  scope.spawn(store(add(2, 3), sum));
  EXPECT_EQ(sum, 5);
}

TEST(Task, LongChainsOfAwaitsNeedNoStackPerResume) {
  Scope scope;
  int depth = 0;
  scope.spawn(store(count_down(2000), depth));
  EXPECT_EQ(depth, 2000);
}

TEST(Loop, AStopBeforeItRunsEndsTheRunAndIsThenUsedUp) {
  Loop loop;
  loop.stop();
  loop.run();  // comes back
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

Task<> wait_for(OneShot<int> shot, int& out) {
  out = co_await shot;
}

TEST(OneShot, WakesItsWaiterWithTheFirstValueOnly) {
  Scope scope;
  OneShot<int> shot;
  int seen = 0;
  scope.spawn(wait_for(shot, seen));
  EXPECT_EQ(scope.running(), 1U);
  EXPECT_TRUE(shot.set(7));
  EXPECT_FALSE(shot.set(8));
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(scope.running(), 0U);
}

Task<> echo_once(Stream stream) {
  char buffer[256];
  const auto n = co_await stream.read_some(buffer);
  EXPECT_TRUE(n.has_value());
  const auto written = co_await stream.write_all("echo:", std::string_view(buffer, n.value_or(0)));
  EXPECT_TRUE(written.has_value());
}

Task<> serve_one(Listener& listener) {
  auto stream = co_await listener.accept();
  EXPECT_TRUE(stream.has_value());
  co_await echo_once(std::move(*stream));
}

Task<> ask(Stream stream, std::string& answer) {
  std::ignore = co_await stream.write_all("hello");
  char buffer[256];
  for (;;) {
    const auto n = co_await stream.read_some(buffer);
    if (!n || *n == 0) break;
    answer.append(buffer, *n);
  }
}

TEST(Stream, CarriesARequestAndItsAnswerOverTcp) {
  Loop loop;
  Scope scope;
  auto listener = Listener::tcp(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error().message();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd client(socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  std::string answer;
  scope.spawn(serve_one(*listener));
  scope.spawn(ask(Stream(loop, std::move(client)), answer));
  loop.run_until_idle();
  EXPECT_EQ(answer, "echo:hello");
}

Task<> write_much(Stream stream, const std::string& bytes) {
  const auto written = co_await stream.write_all(bytes);
  EXPECT_TRUE(written.has_value());
}

TEST(Stream, WritesMoreThanTheSocketBufferHolds) {
  Loop loop;
  Scope scope;
  auto [a, b] = connected_pair();
  const std::string bytes(8U << 20U, 'x');
  std::string received;
  scope.spawn(write_much(Stream(loop, std::move(a)), bytes));
  scope.spawn(ask(Stream(loop, std::move(b)), received));
  loop.run_until_idle();
  EXPECT_EQ(received.size(), bytes.size());
}

Task<> read_until_error(Stream& stream, int& code) {
  char buffer[16];
  const auto n = co_await stream.read_some(buffer);
  code = n ? 0 : n.error().code;
}

TEST(Stream, CloseEndsAPendingReadWithCanceled) {
  Loop loop;
  Scope scope;
  auto [a, b] = connected_pair();
  Stream stream(loop, std::move(a));
  int code = -1;
  scope.spawn(read_until_error(stream, code));
  loop.post([&] { stream.close(); });
  loop.run_until_idle();
  EXPECT_EQ(code, ECANCELED);
}

struct PipePair {
  UniqueFd to_read;
  UniqueFd to_write;
};

PipePair made_pipe() {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Task<> read_twice(Stream& stream, std::string& first, std::string& second) {
  char buffer[256];
  const auto one = co_await stream.read_some(buffer);
  first.assign(buffer, one.value_or(0));
  const auto two = co_await stream.read_some(buffer);
  second.assign(buffer, two.value_or(0));
}

TEST(Stream, HearsOfWhatComesAfterAShortRead) {
  Loop loop;
  Scope scope;
  auto [a, b] = connected_pair();
  Stream stream(loop, std::move(a));
  std::string first;
  std::string second;
  ASSERT_EQ(::send(b.get(), "one", 3, 0), 3);
  scope.spawn(read_twice(stream, first, second));
  const int peer = b.get();
  loop.post([peer, &loop] { loop.post([peer] { EXPECT_EQ(::send(peer, "two", 3, 0), 3); }); });
  loop.run_until_idle();
  EXPECT_EQ(first, "one");
  EXPECT_EQ(second, "two");
}

Task<> wait_until_readable(Readiness& readiness, bool& was_readable) {
  was_readable = co_await readiness.readable();
}

TEST(Readiness, KnowsWhetherTheLoopHasHeardOfSomething) {
  Loop loop;
  Scope scope;
  PipePair pipe = made_pipe();
  Readiness readiness(loop, pipe.to_read.get());
  EXPECT_FALSE(readiness.is_known_unready()) << "nobody waits";
  bool was_readable = false;
  bool was_known = false;
  scope.spawn(wait_until_readable(readiness, was_readable));
  EXPECT_FALSE(readiness.is_known_unready()) << "the loop has not looked yet";
  loop.post([&] {
    was_known = readiness.is_known_unready();
    EXPECT_EQ(write(pipe.to_write.get(), "x", 1), 1);
  });
  loop.run_until_idle();
  EXPECT_TRUE(was_known);
  EXPECT_TRUE(was_readable);
}

TEST(Readiness, TellsAgainOfWhatWasLeft) {
  Loop loop;
  PipePair pipe = made_pipe();
  Readiness readiness(loop, pipe.to_read.get());
  ASSERT_EQ(write(pipe.to_write.get(), "xy", 2), 2);
  for (int i = 0; i < 2; ++i) {
    Scope scope;
    bool was_readable = false;
    scope.spawn(wait_until_readable(readiness, was_readable));
    loop.run_until_idle();
    EXPECT_TRUE(was_readable);
    char byte = 0;
    EXPECT_EQ(read(pipe.to_read.get(), &byte, 1), 1);
  }
}

Task<> accept_until_error(Listener& listener, int& code) {
  const auto stream = co_await listener.accept();
  code = stream ? 0 : stream.error().code;
}

TEST(Listener, CloseEndsAPendingAccept) {
  Loop loop;
  Scope scope;
  auto listener = Listener::tcp(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener);
  int code = -1;
  scope.spawn(accept_until_error(*listener, code));
  loop.post([&] { listener->close(); });
  loop.run_until_idle();
  EXPECT_EQ(code, ECANCELED);
}

TEST(Listener, RefusesAnAddressThatIsNoLiteral) {
  Loop loop;
  EXPECT_FALSE(Listener::tcp(loop, "localhost", 0));
}

TEST(Timer, CallsBackOnceAndNotAfterCancel) {
  Loop loop;
  Timer kept(loop);
  Timer dropped(loop);
  int calls = 0;
  kept.arm(1ms, [&] { ++calls; });
  dropped.arm(1ms, [&] { calls += 100; });
  dropped.cancel();
  loop.run_until_idle();
  EXPECT_EQ(calls, 1);
}

TEST(Timer, ArmingAgainReplacesTheFirstCallback) {
  Loop loop;
  Timer timer(loop);
  std::string calls;
  timer.arm(1ms, [&] { calls += "a"; });
  timer.arm(2ms, [&] { calls += "b"; });
  loop.run_until_idle();
  EXPECT_EQ(calls, "b");
}

TEST(Timer, ArmedAnewForLaterItWaitsForThat) {
  Loop loop;
  Timer timer(loop);
  Timer between(loop);
  std::string calls;
  timer.arm(1ms, [&] { calls += "too early"; });
  timer.arm(20ms, [&] { calls += "b"; });
  between.arm(5ms, [&] { calls += "a"; });
  loop.run_until_idle();
  EXPECT_EQ(calls, "ab");
}

Task<> sleep_for(Timer& timer, std::chrono::nanoseconds delay, int& result) {
  result = co_await timer.sleep(delay) ? 1 : 2;
}

TEST(Timer, CancelEndsASleepEarly) {
  Loop loop;
  Scope scope;
  Timer timer(loop);
  int result = 0;
  scope.spawn(sleep_for(timer, 1h, result));
  loop.post([&] { timer.cancel(); });
  loop.run_until_idle();
  EXPECT_EQ(result, 2);
}

Task<> receive_one(Seqpacket& socket, std::string& text, UniqueFd& fd) {
  std::array<std::byte, 64> buffer{};
  auto message = co_await socket.receive(buffer);
  if (!message) co_return;
  text.assign(reinterpret_cast<const char*>(buffer.data()), message->bytes);
  if (!message->fds.empty()) fd = std::move(message->fds.front());
}

TEST(Seqpacket, CarriesAMessageAndADescriptor) {
  Loop loop;
  Scope scope;
  auto ends = Seqpacket::make_pair();
  ASSERT_TRUE(ends);
  Seqpacket left(loop, std::move(ends->first));
  Seqpacket right(loop, std::move(ends->second));
  auto [a, b] = connected_pair();
  std::string text;
  UniqueFd passed;
  scope.spawn(receive_one(right, text, passed));
  const int fd = a.get();
  ASSERT_TRUE(left.send(std::as_bytes(std::span(std::string_view("ping"))), std::span(&fd, 1)));
  loop.run_until_idle();
  EXPECT_EQ(text, "ping");
  ASSERT_TRUE(passed.valid());
  EXPECT_EQ(::send(passed.get(), "x", 1, 0), 1);
  char c = 0;
  EXPECT_EQ(::recv(b.get(), &c, 1, 0), 1);
}

}  // namespace
}  // namespace lambent::net
