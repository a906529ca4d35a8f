#include "edge/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "edge/client.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/timer.h"

namespace lambent::edge {
namespace {

using namespace std::chrono_literals;
using net::Task;

Task<std::string> read_all(net::Stream& stream) {
  std::string all;
  char buffer[65536];
  for (;;) {
    const auto n = co_await stream.read_some(buffer);
    if (!n || *n == 0) co_return n ? all : all + "(reset)";
    all.append(buffer, *n);
  }
}

Task<std::string> read_until(net::Stream& stream, std::string_view end) {
  std::string all;
  char c = 0;
  while (!all.ends_with(end)) {
    const auto n = co_await stream.read_some({&c, 1});
    if (!n || *n == 0) co_return all + "(ended)";
    all.push_back(c);
  }
  co_return all;
}

// A server on a loopback port whose paths name what the handler does, and the loop that both ends run on.
class Server : public testing::Test {
 protected:
  void start(const HttpLimits& limits = {}) {
    auto listener = net::Listener::tcp(loop, "127.0.0.1", 0);
    ASSERT_TRUE(listener) << listener.error().message();
    port = listener->port();
    id = server.add(*std::move(listener), [this](Exchange& exchange) { return answer(exchange); }, limits);
  }

  net::Stream connect() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return {loop, std::move(fd)};
  }

  // Runs the client's side to its end, then the server's.
  void run(Task<> client, std::chrono::milliseconds patience = 5s) {
    net::Scope scope;
    net::Timer hang(loop);
    hang.arm(60s, [this] {
      ADD_FAILURE() << "hangs";
      loop.stop();
    });
    scope.spawn(run_and_stop(*this, std::move(client), patience));
    loop.run();
  }
  static Task<> run_and_stop(Server& self, Task<> client, std::chrono::milliseconds patience) {
    co_await std::move(client);
    co_await self.server.drain(patience);
    self.loop.stop();
  }

  Task<> answer(Exchange& exchange) {
    const auto path = std::string(exchange.head().path());
    requests++;
    if (path == "/echo") co_await echo(exchange);
    if (path == "/echo-large") co_await echo(exchange, 32 * kMiB);
    if (path == "/stream") co_await echo_stream(exchange);
    if (path == "/ignore") EXPECT_TRUE(co_await exchange.respond(200, {}, "ignored"));
    if (path == "/big") EXPECT_TRUE(co_await exchange.respond(200, {}, std::string(6 * kMiB, 'b')));
    if (path == "/204") EXPECT_TRUE(co_await exchange.respond(204, {}, {}));
    if (path == "/bad-fields") {
      const Headers headers{{"Transfer-Encoding", "chunked"}, {"Content-Length", "1"}, {"connection", "x"}, {"X", "y"}};
      EXPECT_TRUE(co_await exchange.respond(200, headers, "ok"));
    }
    if (path == "/half-stream") {
      EXPECT_TRUE(co_await exchange.begin(200, {}));
      EXPECT_TRUE(co_await exchange.write_chunk("half"));
    }
    if (path == "/body-only") {
      const auto body = co_await exchange.read_body(1000);
      if (!body) body_error = body.error();
    }
    if (path == "/wait") {
      in_wait.set(true);
      exchange.on_peer_gone([this] { release.set("gone"); });
      released_by = co_await release;
      wrote = (co_await exchange.respond(200, {}, released_by)).has_value();
    }
    if (path == "/wait-deaf") {
      in_wait.set(true);
      released_by = co_await release;
      wrote = (co_await exchange.respond(200, {}, released_by)).has_value();
    }
  }
  static Task<> echo(Exchange& exchange, std::size_t limit = 8 * kMiB) {
    auto body = co_await exchange.read_body(limit);
    if (!body) co_return;
    Headers headers{{"Content-Type", "text/plain"}};
    if (const auto x = exchange.head().headers.get("X")) headers.add("X", *x);
    std::ignore = co_await exchange.respond(200, headers, std::string(exchange.head().query()) + *body);
  }
  static Task<> echo_stream(Exchange& exchange) {
    EXPECT_TRUE(co_await exchange.begin(200, {}));
    for (;;) {
      const auto piece = co_await exchange.read_body_some();
      if (!piece) co_return;
      if (piece->empty()) break;
      if (!co_await exchange.write_chunk(*piece)) co_return;
    }
    Headers trailers(exchange.trailers());
    trailers.add("X-Done", "yes");
    EXPECT_TRUE(co_await exchange.end(trailers));
  }

  // All that the server says to these bytes, until it closes.
  static Task<> say(Server& self, std::string bytes, std::string& answer) {
    auto stream = self.connect();
    EXPECT_TRUE(co_await stream.write_all(bytes));
    answer = co_await read_all(stream);
  }
  std::string say(std::string bytes) {
    std::string answer;
    run(say(*this, std::move(bytes), answer));
    return answer;
  }

  net::Loop loop;
  SystemClock clock;
  HttpServer server{loop, clock};
  HttpServer::ListenerId id = 0;
  std::uint16_t port = 0;
  int requests = 0;
  HttpError body_error{};
  net::OneShot<bool> in_wait;
  net::OneShot<std::string> release;
  std::string released_by;
  bool wrote = false;
};

std::string without_date(std::string text) {
  for (auto at = text.find("Date: "); at != std::string::npos; at = text.find("Date: ")) {
    text.erase(at, text.find("\r\n", at) + 2 - at);
  }
  return text;
}

constexpr std::string_view kClose = "Connection: close\r\n";

Task<> several_requests(ClientConnection& client) {
  for (int i = 0; i < 200; i++) {
    const auto text = std::to_string(i);
    const ClientRequest request{
        .method = "POST", .target = "/echo", .headers = {{"Host", "h"}, {"X", text}}, .body = text};
    const auto response = co_await client.exchange(request);
    EXPECT_TRUE(response && response->status == 200 && response->body == text);
    if (!response) co_return;
    EXPECT_EQ(response->headers.get("X"), text);
    EXPECT_TRUE(response->headers.has("Date"));
  }
}

TEST_F(Server, AnswersManyRequestsOnOneConnection) {
  start();
  ClientConnection client(connect());
  run(several_requests(client));
  EXPECT_EQ(requests, 200);
}

TEST_F(Server, AnswersRequestsSentAheadInOrder) {
  start();
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 150; i++) {
    const auto text = std::to_string(i);
    const bool last = i == 149;
    bytes += fmt::format("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n{}\r\n{}", text.size(),
                         last ? kClose : "", text);
    expected += fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{}Content-Length: {}\r\n\r\n{}",
                            last ? kClose : "", text.size(), text);
  }
  EXPECT_EQ(without_date(say(bytes)), expected);
}

TEST_F(Server, ServesNoRequestAfterAMalformedOne) {
  start();
  const auto answer =
      say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
          "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(
      without_date(answer),
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 45\r\n\r\n"
      "{\"message\":\"Transfer-Encoding is malformed.\"}"
      "");
  EXPECT_EQ(requests, 0);
}

TEST_F(Server, LeavesTheBodyOutForHead) {
  start();
  EXPECT_EQ(without_date(say(
                "HEAD /echo?abc HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n"
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_F(Server, SpeaksHttp10) {
  start();
  EXPECT_EQ(without_date(say("GET /echo?a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nPOST /stream HTTP/1.0\r\n"
                             "Connection: keep-alive\r\nContent-Length: 3\r\n\r\nabc")),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na"
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
}

TEST_F(Server, KeepsFramingFieldsToItself) {
  start();
  EXPECT_EQ(without_date(say("GET /bad-fields HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")),
            "HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
}

TEST_F(Server, AnswersForAHandlerThatDoesNot) {
  start();
  const auto answer = say("GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << answer;
}

TEST_F(Server, CutsAStreamThatItsHandlerDidNotFinish) {
  start();
  const auto answer = say("GET /half-stream HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\n4\r\nhalf\r\n")) << answer;
}

Task<> stream_both_ways(ClientConnection& client, std::string& body, std::string& trailers) {
  EXPECT_TRUE(co_await client.stream().write_all(
      "POST /stream HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"));
  EXPECT_TRUE(co_await client.read_head());
  for (int i = 0; i < 50; i++) {
    // The response's pieces come while the request is still being sent.
    EXPECT_TRUE(co_await client.stream().write_all(fmt::format("{:x}\r\n", 5000), std::string(5000, 'x') + "\r\n"));
    for (std::size_t seen = 0; seen < 5000;) {
      const auto piece = co_await client.read_body_some();
      if (!piece || piece->empty()) co_return;
      seen += piece->size();
      body.append(*piece);
    }
  }
  EXPECT_TRUE(co_await client.stream().write_all("0\r\nX-T: 1\r\n\r\n"));
  EXPECT_EQ((co_await client.read_body_some()).value_or("?"), "");
  for (const auto field : client.trailers()) trailers += fmt::format("{}={};", field.name, field.value);
}

TEST_F(Server, StreamsBothWaysWithTrailers) {
  start();
  ClientConnection client(connect());
  std::string body;
  std::string trailers;
  run(stream_both_ways(client, body, trailers));
  EXPECT_EQ(body, std::string(250'000, 'x'));
  EXPECT_EQ(trailers, "X-T=1;X-Done=yes;");
}

Task<> post(ClientConnection& client, std::string target, std::string body, Response& response) {
  const ClientRequest request{.method = "POST", .target = target, .headers = {{"Host", "h"}}, .body = body};
  auto result = co_await client.exchange(request);
  EXPECT_TRUE(result) << result.error().message;
  if (result) response = *std::move(result);
}

Task<> echo_sizes(ClientConnection& client, std::vector<std::size_t> sizes) {
  for (const std::size_t size : sizes) {
    Response response;
    std::string body(size, 'a');
    body.back() = 'z';
    co_await post(client, "/echo-large", body, response);
    EXPECT_TRUE(response.body == body) << size << " came back as " << response.body.size();
  }
}

TEST_F(Server, TakesAndGivesBodiesBeyondWhatItReservesAtOnce) {
  start();
  ClientConnection client(connect());
  run(echo_sizes(client, {6 * kMiB, 8 * kMiB, 8 * kMiB + 1, 11 * kMiB + 3, 17 * kMiB}));
}

TEST_F(Server, Answers413ToALargeBodyThatIsSentWhole) {
  start();
  ClientConnection client(connect());
  Response response;
  run(post(client, "/echo", std::string(9 * kMiB, 'a'), response));
  EXPECT_EQ(response.status, 413);
}

TEST_F(Server, Answers413ToAChunkedBodyOverTheLimit) {
  start();
  std::string bytes = "POST /body-only HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 11; i++) bytes += "64\r\n" + std::string(100, 'x') + "\r\n";
  const auto answer = say(bytes + "0\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_NE(answer.find(kClose), std::string::npos);
  EXPECT_EQ(body_error.kind, HttpError::Kind::too_large);
}

TEST_F(Server, TakesExactlyTheLimit) {
  start();
  const auto answer = say("POST /body-only HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n" +
                          std::string(1000, 'x'));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
  EXPECT_EQ(body_error.status, 0);
}

Task<> expect_continue(net::Stream& stream, std::string size, std::string& first, std::string& rest) {
  const auto head =
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: " + size;
  EXPECT_TRUE(co_await stream.write_all(head, "\r\n\r\n"));
  first = co_await read_until(stream, "\r\n\r\n");
  if (first.starts_with("HTTP/1.1 100")) EXPECT_TRUE(co_await stream.write_all("abc"));
  rest = co_await read_all(stream);
}

TEST_F(Server, Sends100ContinueWhenTheBodyIsWanted) {
  start();
  auto stream = connect();
  std::string first;
  std::string rest;
  run(expect_continue(stream, "3", first, rest));
  EXPECT_EQ(first, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(rest.ends_with("\r\n\r\nabc")) << rest;
}

TEST_F(Server, Sends413InPlaceOf100Continue) {
  start();
  auto stream = connect();
  std::string first;
  std::string rest;
  run(expect_continue(stream, "99999999", first, rest));
  EXPECT_TRUE(first.starts_with("HTTP/1.1 413")) << first;
}

TEST_F(Server, KeepsTheConnectionBehindASmallBodyThatNobodyRead) {
  start();
  const auto answer =
      say("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET "
          "GET /echo?next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("next")) << answer;
}

TEST_F(Server, ClosesBehindALargeBodyThatNobodyRead) {
  start();
  const auto answer = say("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" +
                          std::string(1'000'000, 'x') + "GET /echo?next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("ignored")) << answer;
  EXPECT_EQ(requests, 1);
}

TEST_F(Server, RefusesLargeHeads) {
  start();
  EXPECT_TRUE(
      say("GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(70'000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
}

TEST_F(Server, RefusesLongTargets) {
  start();
  EXPECT_TRUE(say("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 414 "));
}

constexpr HttpLimits kHasty{.header_timeout = 40ms, .idle_timeout = 40ms, .body_timeout = 40ms, .write_timeout = 40ms};

TEST_F(Server, EndsASlowHeadWith408) {
  start(kHasty);
  EXPECT_TRUE(say("GET / HTTP/1.1\r\nHost").starts_with("HTTP/1.1 408 "));
}

TEST_F(Server, EndsASlowBodyWith408) {
  start(kHasty);
  EXPECT_TRUE(say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc").starts_with("HTTP/1.1 408 "));
}

TEST_F(Server, EndsAnIdleConnectionWithoutAWord) {
  start(kHasty);
  EXPECT_EQ(say(""), "");
}

Task<> drip(net::Loop& loop, net::Stream& stream, std::string& answer) {
  net::Timer timer(loop);
  const std::string_view head =
      "GET / HTTP/1.1\r\nHost: h\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
  for (const char& c : head) {
    if (!co_await stream.write_all({&c, 1})) break;
    std::ignore = co_await timer.sleep(3ms);
  }
  answer = co_await read_all(stream);
}

TEST_F(Server, CountsAHeadsTimeFromItsFirstByteHoweverItDrips) {
  start(kHasty);
  auto stream = connect();
  std::string answer;
  run(drip(loop, stream, answer));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ") || answer.ends_with("(reset)")) << answer;
  EXPECT_EQ(requests, 0);
}

Task<> wait_for_end(net::Stream& stream, net::Timer& timer) {
  EXPECT_TRUE(co_await stream.write_all("GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
  std::ignore = co_await timer.sleep(400ms);
}

TEST_F(Server, CutsAClientThatDoesNotReadItsResponse) {
  auto listener = net::Listener::tcp(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener);
  port = listener->port();
  bool failed = false;
  const auto big = std::string(32 * kMiB, 'b');
  struct Unread {
    static Task<> respond(Exchange& exchange, const std::string& body, bool& failed) {
      failed = !(co_await exchange.respond(200, {}, body)).has_value();
    }
  };
  server.add(*std::move(listener), [&](Exchange& exchange) { return Unread::respond(exchange, big, failed); }, kHasty);
  auto stream = connect();
  net::Timer timer(loop);
  run(wait_for_end(stream, timer));
  EXPECT_TRUE(failed);
}

TEST_F(Server, TellsAHandlerThatItsClientHungUp) {
  auto listener = net::Listener::tcp(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener);
  port = listener->port();
  net::OneShot<bool> heard;
  struct Waiting {
    static Task<> answer(Exchange& exchange, net::OneShot<bool> in, net::OneShot<bool> gone) {
      exchange.on_peer_gone([gone] { gone.set(true); });
      in.set(true);
      co_await gone;
    }
    static Task<> client(net::Stream stream, net::OneShot<bool> in) {
      EXPECT_TRUE(co_await stream.write_all("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
      co_await in;
      stream.close();
    }
  };
  server.add(*std::move(listener),
             [this, heard](Exchange& exchange) { return Waiting::answer(exchange, in_wait, heard); });
  run(Waiting::client(connect(), in_wait));
  EXPECT_TRUE(heard.is_set());
}

Task<> release_while_watched(net::Stream& stream, net::OneShot<bool> in_wait, net::OneShot<std::string> release,
                             std::string& answer) {
  EXPECT_TRUE(co_await stream.write_all("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  co_await in_wait;
  EXPECT_TRUE(co_await stream.write_all("GET /echo?next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  release.set("done");
  answer = co_await read_all(stream);
}

TEST_F(Server, ReadsTheNextRequestAfterWatchingForTheClientToHangUp) {
  start();
  auto stream = connect();
  std::string answer;
  run(release_while_watched(stream, in_wait, release, answer));
  EXPECT_EQ(released_by, "done");
  EXPECT_TRUE(wrote);
  EXPECT_TRUE(answer.ends_with("next")) << answer;
}

TEST_F(Server, TellsATruncatedBodyFromAWholeOne) {
  start();
  auto stream = connect();
  struct Client {
    static Task<> run(net::Stream& stream) {
      EXPECT_TRUE(co_await stream.write_all("POST /body-only HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"));
      stream.shutdown_write();
      std::ignore = co_await read_all(stream);
    }
  };
  run(Client::run(stream));
  EXPECT_EQ(body_error.kind, HttpError::Kind::truncated);
}

Task<> store(Task<std::string> task, std::string& out) {
  out = co_await std::move(task);
}

Task<> both(Task<> a, Task<> b) {
  co_await std::move(a);
  co_await std::move(b);
}

Task<> begin_waiting(net::Stream& stream, std::string path, net::OneShot<bool> in_wait) {
  EXPECT_TRUE(co_await stream.write_all("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"));
  co_await in_wait;
}

Task<> fill_then_say(net::Stream& first, net::OneShot<bool> in_wait, Task<> then, net::OneShot<std::string> release) {
  co_await begin_waiting(first, "/wait-deaf", in_wait);
  co_await std::move(then);
  release.set("done");
}

TEST_F(Server, RefusesConnectionsOverTheLimitWhereAllAreBusy) {
  start({.connections = 1});
  auto first = connect();
  std::string answer;
  run(fill_then_say(first, in_wait, say(*this, "", answer), release));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n{\"message\":\"Too many connections.\"}\n")) << answer;
}

TEST_F(Server, ClosesAnIdleConnectionForANewOneAtTheLimit) {
  start({.connections = 1});
  auto first = connect();
  std::string answer;
  std::string first_answer;
  run(both(say(*this, "GET /echo?new HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer),
           store(read_all(first), first_answer)));
  EXPECT_TRUE(answer.ends_with("new")) << answer;
  EXPECT_EQ(first_answer, "");
}

Task<> keep_idle(net::Stream& stream) {
  EXPECT_TRUE(co_await stream.write_all("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"));
  std::ignore = co_await read_until(stream, "\r\n\r\n");
}

TEST_F(Server, DrainsInFlightRequestsAndClosesIdleConnections) {
  start();
  auto busy = connect();
  auto idle = connect();
  std::string busy_answer;
  std::string idle_answer;
  net::Scope reading;
  net::Timer timer(loop);
  timer.arm(30ms, [this] { release.set("late"); });
  run(both(keep_idle(idle), begin_waiting(busy, "/wait-deaf", in_wait)));
  reading.spawn(store(read_all(busy), busy_answer));
  reading.spawn(store(read_all(idle), idle_answer));
  loop.run_until_idle();
  EXPECT_TRUE(wrote);
  EXPECT_TRUE(busy_answer.ends_with("late")) << busy_answer;
  EXPECT_NE(busy_answer.find(kClose), std::string::npos);
  EXPECT_EQ(idle_answer, "");
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(Server, CutsWhatIsLeftAfterTheDrainsPatience) {
  start();
  auto stream = connect();
  run(begin_waiting(stream, "/wait", in_wait), 30ms);
  EXPECT_EQ(released_by, "gone");
  EXPECT_FALSE(wrote);
}

Task<> remove_and_wait(HttpServer& server, HttpServer::ListenerId id, Task<> before) {
  co_await std::move(before);
  EXPECT_EQ(server.connections(id), 1U);
  server.remove(id);
  co_await server.removed(id);
  EXPECT_EQ(server.connections(id), 0U);
}

TEST_F(Server, RemovesAListenerWithItsConnections) {
  start();
  auto stream = connect();
  run(remove_and_wait(server, id, begin_waiting(stream, "/wait", in_wait)));
  EXPECT_EQ(released_by, "gone");
  EXPECT_FALSE(wrote);
}

}  // namespace
}  // namespace lambent::edge
