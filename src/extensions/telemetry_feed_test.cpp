#include "extensions/telemetry_feed.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>
#include <string>
#include <vector>

namespace lambent::extensions {
namespace {

class TelemetryFeedTest : public testing::Test {
 protected:
  // A connection to nobody but the test, which has the other end.
  ConnectInside connect() {
    return [this](std::uint16_t) { return pair(); };
  }
  net::Task<Result<UniqueFd>> pair() {
    if (refuses > 0) {
      refuses--;
      co_return fail({"connect", "inside", ECONNREFUSED, ""});
    }
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    theirs.emplace_back(loop, UniqueFd(ends[1]));
    co_return UniqueFd(ends[0]);
  }
  static Subscription subscription(bool is_http = true) {
    Subscription made;
    made.platform = made.function = true;
    made.is_http = is_http;
    made.port = 8080;
    made.authority = "sandbox:8080";
    made.timeout = std::chrono::milliseconds(1);
    return made;
  }
  net::Task<std::string> read(std::size_t connection) {
    while (theirs.size() <= connection) co_await sleep();
    std::array<char, 65536> buffer{};
    const auto n = co_await theirs[connection].read_some(buffer);
    co_return n ? std::string(buffer.data(), *n) : std::string();
  }
  net::Task<> sleep() {
    net::Timer timer(loop);
    std::ignore = co_await timer.sleep(std::chrono::milliseconds(1));
  }
  net::Task<> answer(std::size_t connection, std::string_view status) {
    std::ignore =
        co_await theirs[connection].write_all("HTTP/1.1 " + std::string(status) + " x\r\nContent-Length: 0\r\n\r\n");
  }
  net::Task<> whole(net::Task<> test) {
    co_await std::move(test);
    co_await feed.stopped();
    theirs.clear();
    loop.post([this] { loop.stop(); });
  }
  void run(net::Task<> test) {
    scope.spawn(whole(std::move(test)));
    loop.run();
  }

  net::Task<> posts();
  net::Task<> streams();
  net::Task<> early();
  net::Task<> retries();
  net::Task<> floods();
  net::Task<> replaces();

  net::Loop loop;
  SystemClock clock;
  std::deque<net::Stream> theirs;
  int refuses = 0;
  TelemetryFeed feed{loop, clock};
  net::Scope scope;
};

net::Task<> TelemetryFeedTest::posts() {
  feed.subscribe("x", subscription(), connect());
  feed.platform("platform.start", R"({"requestId":"1"})", "platform.start");
  feed.line(TelemetryKind::function, "hello \"you\"");
  feed.line(TelemetryKind::extension, "not asked for");
  const std::string request = co_await read(0);
  EXPECT_TRUE(request.starts_with("POST / HTTP/1.1\r\nHost: sandbox:8080\r\n")) << request;
  const auto body = request.substr(request.find("\r\n\r\n") + 4);
  EXPECT_TRUE(body.starts_with(R"([{"time":")")) << body;
  EXPECT_NE(body.find(R"("type":"platform.start","record":{"requestId":"1"}})"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("type":"function","record":"hello \"you\""}])"), std::string::npos) << body;
  EXPECT_FALSE(feed.is_idle());
  co_await answer(0, "200");
  while (!feed.is_idle()) co_await sleep();
}

TEST_F(TelemetryFeedTest, PostsBatches) {
  run(posts());
}

net::Task<> TelemetryFeedTest::streams() {
  feed.subscribe("x", subscription(false), connect());
  feed.line(TelemetryKind::function, "one");
  const std::string first = co_await read(0);
  EXPECT_TRUE(first.starts_with(R"({"time":)") && first.ends_with("\"one\"}\n")) << first;
  feed.line(TelemetryKind::function, "two");
  EXPECT_TRUE((co_await read(0)).ends_with("\"two\"}\n")) << "the connection stays";
}

TEST_F(TelemetryFeedTest, StreamsLines) {
  run(streams());
}

net::Task<> TelemetryFeedTest::early() {
  feed.platform("platform.initStart", "{}", {});
  feed.line(TelemetryKind::function, "before");
  feed.subscribe("x", subscription(false), connect());
  const std::string all = co_await read(0);
  EXPECT_NE(all.find("platform.initStart"), std::string::npos);
  EXPECT_NE(all.find("before"), std::string::npos);
  Subscription logs = subscription(false);
  logs.api = TelemetryApi::logs;
  feed.subscribe("y", logs, connect());
  EXPECT_EQ((co_await read(1)).find("initStart"), std::string::npos) << "the Logs API has no such event";
  feed.forget_early();
  feed.subscribe("z", subscription(false), connect());
  feed.line(TelemetryKind::function, "after");
  EXPECT_EQ((co_await read(2)).find("before"), std::string::npos);
}

TEST_F(TelemetryFeedTest, BringsWhatCameBeforeTheSubscription) {
  run(early());
}

net::Task<> TelemetryFeedTest::retries() {
  refuses = 1;
  feed.subscribe("x", subscription(), connect());
  feed.line(TelemetryKind::function, "kept");
  EXPECT_NE((co_await read(0)).find("kept"), std::string::npos);
  co_await answer(0, "500");
  EXPECT_NE((co_await read(1)).find("kept"), std::string::npos) << "an error is no delivery";
  co_await answer(1, "500");
  feed.line(TelemetryKind::function, "next");
  EXPECT_NE((co_await read(2)).find("next"), std::string::npos);
  co_await answer(2, "200");
  const std::string told = co_await read(3);
  EXPECT_NE(told.find("platform.logsDropped"), std::string::npos) << told;
  EXPECT_NE(told.find("\"droppedRecords\":1"), std::string::npos) << told;
  co_await answer(3, "200");
}

TEST_F(TelemetryFeedTest, TriesAgainAndThenSaysWhatWasDropped) {
  run(retries());
}

// The other end never reads: what is held stays within its bounds, whatever comes.
net::Task<> TelemetryFeedTest::floods() {
  TelemetrySubscriber subscriber(loop, clock, "x", subscription(false), connect());
  const std::string line(1000, 'x');
  for (int i = 0; i < 20'000; ++i) {
    subscriber.add(line);
    if (i % 100 == 0) co_await sleep();
    EXPECT_LE(subscriber.held_bytes(), 262'144U + line.size() + 1);
  }
  EXPECT_FALSE(subscriber.is_idle());
  co_await subscriber.stopped();
}

TEST_F(TelemetryFeedTest, HoldsNoMoreThanItsBounds) {
  run(floods());
}

net::Task<> TelemetryFeedTest::replaces() {
  for (int i = 0; i < 17; ++i) EXPECT_TRUE(feed.subscribe("x", subscription(), connect()));
  EXPECT_FALSE(feed.subscribe("x", subscription(), connect())) << "too often";
  co_return;
}

TEST_F(TelemetryFeedTest, ASubscriptionIsReplacedSomeTimesOnly) {
  run(replaces());
}

}  // namespace
}  // namespace lambent::extensions
