#include "runtime_api/session.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <vector>

#include "edge/client.h"
#include "net/one_shot.h"
#include "net/scope.h"

namespace lambent::runtime_api {
namespace {

constexpr const char* kNext = "/2018-06-01/runtime/invocation/next";

// Remembers what it was told, and hands out one invocation each time the runtime waits.
class RecordingObserver final : public Observer {
 public:
  void on_waiting() override {
    waited++;
    if (session != nullptr && !to_deliver.empty()) {
      session->deliver(std::move(to_deliver.front()));
      to_deliver.erase(to_deliver.begin());
    }
  }
  void on_answer(Answer answer) override { answers.push_back(std::move(answer)); }
  void on_init_error(Answer error) override { init_errors.push_back(std::move(error)); }
  void on_lost() override { FAIL() << "a connection that ends is no end of HTTP"; }

  Session* session = nullptr;
  std::vector<Invocation> to_deliver;
  int waited = 0;
  std::vector<Answer> answers;
  std::vector<Answer> init_errors;
};

Invocation invocation(std::string id) {
  return {.request_id = std::move(id),
          .payload = R"({"n":1})",
          .client_context = {},
          .trace_header = "Root=1-x",
          .invoked_arn = "arn:aws:lambda:us-east-1:000000000000:function:f",
          .deadline = Wall(std::chrono::milliseconds(1'800'000'000'123))};
}

class HttpSessionTest : public testing::Test {
 protected:
  HttpSessionTest() : server_(loop_, clock_) {
    limits_.sync_payload_bytes = 1000;
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0);
    port_ = listener->port();
    session_ = make_http_session(loop_, server_, *std::move(listener), observer_, limits_);
    observer_.session = session_.get();
  }

  std::unique_ptr<edge::ClientConnection> connect() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return std::make_unique<edge::ClientConnection>(net::Stream(loop_, std::move(socket)));
  }

  static net::Task<edge::Response> ask(edge::ClientConnection& client, std::string method, std::string target,
                                       std::string body = {}, std::string error_type = {}) {
    edge::ClientRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.add("Host", "127.0.0.1:9001");
    if (!error_type.empty()) request.headers.add("Lambda-Runtime-Function-Error-Type", error_type);
    request.body = std::move(body);
    auto response = co_await client.exchange(request);
    co_return response ? *std::move(response) : edge::Response{.status = 0, .headers = {}, .body = {}};
  }

  // Lets everything that is ready on the loop have its turn.
  net::Task<> turn() {
    const net::OneShot<bool> next;
    loop_.post([next] { next.set(true); });
    co_await next;
  }

  // Runs the test's coroutine, then takes the session down.
  void run(net::Task<> test) {
    scope_.spawn(whole(std::move(test)));
    loop_.run();
  }
  net::Task<> whole(net::Task<> test) {
    co_await std::move(test);
    co_await session_->stopped();
    co_await server_.drain(std::chrono::milliseconds(0));
    loop_.post([this] { loop_.stop(); });
  }

  net::Loop loop_;
  SystemClock clock_;
  Limits limits_;
  edge::HttpServer server_;
  RecordingObserver observer_;
  std::unique_ptr<Session> session_;
  std::uint16_t port_ = 0;
  net::Scope scope_;
  int polls_ended_ = 0;

  // The tests' coroutines.
  net::Task<> one_call();
  net::Task<> wrong_ids();
  net::Task<> answers_twice();
  net::Task<> next_while_busy();
  net::Task<> poll_given_up();
  net::Task<> init_error();
  net::Task<> too_large();
  net::Task<> unknown_paths();
};

net::Task<> HttpSessionTest::one_call() {
  observer_.to_deliver.push_back(invocation("id-1"));
  const auto client = connect();
  const edge::Response next = co_await ask(*client, "GET", kNext);
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(next.body, R"({"n":1})");
  EXPECT_EQ(next.headers.get("Lambda-Runtime-Aws-Request-Id"), "id-1");
  EXPECT_EQ(next.headers.get("Lambda-Runtime-Deadline-Ms"), "1800000000123");
  EXPECT_EQ(next.headers.get("Lambda-Runtime-Trace-Id"), "Root=1-x");
  EXPECT_FALSE(next.headers.has("Lambda-Runtime-Client-Context"));
  const auto answered = co_await ask(*client, "POST", "/2018-06-01/runtime/invocation/id-1/response", "42");
  EXPECT_EQ(answered.status, 202);
  EXPECT_EQ(session_->state(), Session::State::answered);
}

TEST_F(HttpSessionTest, GivesTheCallToTheRuntimeAndItsAnswerToTheObserver) {
  run(one_call());
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_EQ(observer_.answers[0].body, "42");
  EXPECT_FALSE(observer_.answers[0].is_error);
}

net::Task<> HttpSessionTest::wrong_ids() {
  const auto client = connect();
  const auto before = co_await ask(*client, "POST", "/2018-06-01/runtime/invocation/id-1/response", "1");
  EXPECT_EQ(before.status, 400);
  observer_.to_deliver.push_back(invocation("id-1"));
  std::ignore = co_await ask(*client, "GET", kNext);
  const auto foreign = co_await ask(*client, "POST", "/2018-06-01/runtime/invocation/id-2/response", "1");
  EXPECT_EQ(foreign.status, 400);
  EXPECT_NE(foreign.body.find("InvalidRequestID"), std::string::npos);
}

TEST_F(HttpSessionTest, RefusesAnAnswerForAnIdThatIsNotInFlight) {
  run(wrong_ids());
  EXPECT_TRUE(observer_.answers.empty());
}

net::Task<> HttpSessionTest::answers_twice() {
  observer_.to_deliver.push_back(invocation("id-1"));
  const auto client = connect();
  std::ignore = co_await ask(*client, "GET", kNext);
  std::ignore = co_await ask(*client, "POST", "/2018-06-01/runtime/invocation/id-1/error", R"({"errorType":"E"})", "E");
  const auto second = co_await ask(*client, "POST", "/2018-06-01/runtime/invocation/id-1/response", "2");
  EXPECT_EQ(second.status, 403);
}

TEST_F(HttpSessionTest, TakesOnlyTheFirstOfTwoAnswers) {
  run(answers_twice());
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_TRUE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.answers[0].error_type, "E");
}

net::Task<> HttpSessionTest::next_while_busy() {
  observer_.to_deliver.push_back(invocation("id-1"));
  const auto client = connect();
  std::ignore = co_await ask(*client, "GET", kNext);
  const auto again = co_await ask(*client, "GET", kNext);
  EXPECT_EQ(again.status, 403);
  EXPECT_NE(again.body.find("InvalidStateTransition"), std::string::npos);
}

TEST_F(HttpSessionTest, RefusesNextWhileACallIsNotAnswered) {
  run(next_while_busy());
}

net::Task<> HttpSessionTest::poll_given_up() {
  {
    const auto gone = connect();
    net::Scope poll;
    poll.spawn([](HttpSessionTest& test, edge::ClientConnection& by) -> net::Task<> {
      std::ignore = co_await ask(by, "GET", kNext);
      test.polls_ended_++;
    }(*this, *gone));
    while (session_->state() != Session::State::waiting) co_await turn();
    gone->close();
    co_await poll.join();
  }
  session_->deliver(invocation("id-1"));
  for (int turns = 0; turns < 10; turns++) co_await turn();
  const auto client = connect();
  const edge::Response next = co_await ask(*client, "GET", kNext);
  EXPECT_EQ(next.headers.get("Lambda-Runtime-Aws-Request-Id"), "id-1");
  EXPECT_FALSE(session_->take_undelivered());
}

TEST_F(HttpSessionTest, ACallForAPollThatWasGivenUpWaitsForTheNextPoll) {
  run(poll_given_up());
  EXPECT_EQ(polls_ended_, 1);
}

net::Task<> HttpSessionTest::init_error() {
  const auto client = connect();
  const auto first = co_await ask(*client, "POST", "/2018-06-01/runtime/init/error", R"({"errorMessage":"no"})",
                                  "Runtime.ImportModuleError");
  EXPECT_EQ(first.status, 202);
  const auto second = co_await ask(*client, "POST", "/2018-06-01/runtime/init/error", "{}", "X");
  EXPECT_EQ(second.status, 403);
}

TEST_F(HttpSessionTest, ReportsAnInitErrorOnce) {
  run(init_error());
  ASSERT_EQ(observer_.init_errors.size(), 1U);
  EXPECT_EQ(observer_.init_errors[0].error_type, "Runtime.ImportModuleError");
}

net::Task<> HttpSessionTest::too_large() {
  observer_.to_deliver.push_back(invocation("id-1"));
  const auto client = connect();
  std::ignore = co_await ask(*client, "GET", kNext);
  const auto refused =
      co_await ask(*client, "POST", "/2018-06-01/runtime/invocation/id-1/response", std::string(1001, 'x'));
  EXPECT_EQ(refused.status, 413);
}

TEST_F(HttpSessionTest, AnAnswerOverTheLimitBecomesAnError) {
  run(too_large());
  ASSERT_EQ(observer_.answers.size(), 1U);
  EXPECT_TRUE(observer_.answers[0].is_error);
  EXPECT_EQ(observer_.answers[0].error_type, "Function.ResponseSizeTooLarge");
}

net::Task<> HttpSessionTest::unknown_paths() {
  const auto client = connect();
  EXPECT_EQ((co_await ask(*client, "GET", "/")).status, 404);
  EXPECT_EQ((co_await ask(*client, "POST", kNext, "x")).status, 405);
  EXPECT_EQ((co_await ask(*client, "GET", "/2018-06-01/runtime/invocation/a/response")).status, 405);
}

TEST_F(HttpSessionTest, AnswersUnknownPathsAndMethods) {
  run(unknown_paths());
  EXPECT_EQ(observer_.waited, 0);
}

}  // namespace
}  // namespace lambent::runtime_api
