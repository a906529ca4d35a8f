#include "extensions/extension_api.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "edge/client.h"
#include "net/listener.h"
#include "net/scope.h"

namespace lambent::extensions {
namespace {

class ExtensionApiTest : public testing::Test, public ExtensionApi::Observer {
 protected:
  ExtensionApiTest() {
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0);
    port_ = listener->port();
    id_ = server_.add(*std::move(listener), [this](edge::Exchange& exchange) { return api_.handle(exchange); });
  }

  void on_progress() override { progress_++; }
  void on_error(const std::string& name, bool in_init, std::string type) override {
    errors_.push_back(name + (in_init ? " init " : " exit ") + type);
  }

  net::Task<edge::Response> ask(std::string method, std::string path, std::string header = {}, std::string value = {},
                                std::string body = {}, std::string error_type = {}) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    edge::ClientConnection client(net::Stream(loop_, std::move(socket)));
    edge::ClientRequest request;
    request.method = std::move(method);
    request.target = "/2020-01-01/extension/" + path;
    request.headers.add("Host", "127.0.0.1:9001");
    request.headers.add("Lambda-Extension-Accept-Feature", "accountId");
    if (!header.empty()) request.headers.add(header, value);
    if (!error_type.empty()) request.headers.add("Lambda-Extension-Function-Error-Type", error_type);
    request.body = std::move(body);
    auto response = co_await client.exchange(request);
    co_return response ? *std::move(response) : edge::Response{.status = 0, .headers = {}, .body = {}};
  }
  net::Task<std::string> enroll(std::string name, std::string events = R"({"events":["INVOKE","SHUTDOWN"]})") {
    const auto response = co_await ask("POST", "register", "Lambda-Extension-Name", std::move(name), std::move(events));
    EXPECT_EQ(response.status, 200) << response.body;
    co_return std::string(response.headers.get_or("Lambda-Extension-Identifier", ""));
  }
  net::Task<edge::Response> next(std::string identifier) {
    return ask("GET", "event/next", "Lambda-Extension-Identifier", std::move(identifier));
  }
  net::Task<> poll(std::string identifier, std::vector<std::string>& into) {
    const auto response = co_await next(std::move(identifier));
    into.push_back(response.body);
  }
  net::Task<> until(bool (ExtensionApiTest::*holds)() const) {
    while (!(this->*holds)()) {
      const net::OneShot<bool> turn;
      loop_.post([turn] { turn.set(true); });
      co_await turn;
    }
  }
  [[nodiscard]] bool all_wait() const { return api_.are_waiting(); }

  net::Task<> whole(net::Task<> test) {
    co_await std::move(test);
    api_.stop();
    server_.remove(id_);
    co_await server_.removed(id_);
    co_await polls_.join();
    co_await server_.drain(std::chrono::milliseconds(0));
    loop_.post([this] { loop_.stop(); });
  }
  void run(net::Task<> test) {
    scope_.spawn(whole(std::move(test)));
    loop_.run();
  }
  static CallFacts call() { return {"id-1", "arn:f", "Root=1-x", Wall(std::chrono::milliseconds(1'800'000'000'123))}; }

  net::Task<> life();
  net::Task<> refusals();
  net::Task<> internal();
  net::Task<> fails();

  net::Loop loop_;
  SystemClock clock_;
  SystemRandom random_;
  edge::HttpServer server_{loop_, clock_};
  ExtensionApi api_{loop_, random_, {"f", "$LATEST", "app.handler", "000000000000"}, 3, *this};
  edge::HttpServer::ListenerId id_ = 0;
  std::uint16_t port_ = 0;
  net::Scope scope_;
  net::Scope polls_;
  int progress_ = 0;
  std::vector<std::string> errors_;
  // Polls end after the test that began them.
  std::vector<std::string> polled_, polled_later_;
};

net::Task<> ExtensionApiTest::life() {
  api_.expect({"one", "two"});
  EXPECT_TRUE(!api_.are_registered() && !api_.are_waiting());
  const auto response =
      co_await ask("POST", "register", "Lambda-Extension-Name", "one", R"({"events":["INVOKE","SHUTDOWN"]})");
  EXPECT_EQ(response.body,
            R"({"functionName":"f","functionVersion":"$LATEST","handler":"app.handler","accountId":"000000000000"})");
  const std::string one(response.headers.get_or("Lambda-Extension-Identifier", ""));
  EXPECT_FALSE(api_.are_registered());
  const std::string two = co_await enroll("two", R"({"events":["SHUTDOWN"]})");
  EXPECT_TRUE(api_.are_registered() && !api_.are_waiting());
  std::vector<std::string> first;
  std::vector<std::string> second;
  polls_.spawn(poll(one, first));
  polls_.spawn(poll(two, second));
  co_await until(&ExtensionApiTest::all_wait);
  api_.begin_call(call());
  EXPECT_FALSE(api_.are_waiting());
  while (first.empty()) {
    const net::OneShot<bool> turn;
    loop_.post([turn] { turn.set(true); });
    co_await turn;
  }
  EXPECT_EQ(first[0],
            R"({"eventType":"INVOKE","deadlineMs":1800000000123,"requestId":"id-1","invokedFunctionArn":"arn:f",)"
            R"("tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-x"}})");
  EXPECT_TRUE(second.empty()) << "it asked for SHUTDOWN alone";
  api_.begin_shutdown("spindown", Wall(std::chrono::milliseconds(1000)));
  const auto last = co_await next(one);
  EXPECT_EQ(last.body, R"({"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":1000})")
      << "the event waits for its poll";
  EXPECT_FALSE(last.headers.get_or("Lambda-Extension-Event-Identifier", "").empty());
  while (second.empty()) {
    const net::OneShot<bool> turn;
    loop_.post([turn] { turn.set(true); });
    co_await turn;
  }
  EXPECT_EQ(second[0], last.body);
}

TEST_F(ExtensionApiTest, TellsExtensionsOfCallsAndOfTheEnd) {
  run(life());
}

net::Task<> ExtensionApiTest::refusals() {
  const auto type_of = [](const edge::Response& response) { return std::to_string(response.status) + response.body; };
  const auto has = [&](const edge::Response& response, std::string_view type) {
    const std::string text = type_of(response);
    EXPECT_TRUE(text.starts_with("403") && text.find(type) != std::string::npos) << text;
  };
  api_.expect({"one"});
  has(co_await ask("POST", "register", "", "", "{}"), "Extension.InvalidExtensionName");
  has(co_await ask("POST", "register", "Lambda-Extension-Name", "one", "rubbish"), "InvalidRequestFormat");
  has(co_await ask("GET", "event/next"), "Extension.MissingExtensionIdentifier");
  has(co_await next("11111111-2222-4333-8444-555555555555"), "Extension.UnknownExtensionIdentifier");
  const auto one = co_await enroll("one");
  has(co_await ask("POST", "register", "Lambda-Extension-Name", "one", "{}"), "Extension.InvalidExtensionState");
  has(co_await ask("POST", "init/error", "Lambda-Extension-Identifier", one), "Extension.MissingHeader");
  co_await enroll("a", "{}");
  co_await enroll("b", "{}");
  has(co_await ask("POST", "register", "Lambda-Extension-Name", "c", "{}"), "Extension.TooManyExtensions");
  api_.close_registration();
  has(co_await ask("POST", "register", "Lambda-Extension-Name", "d", "{}"), "Extension.RegistrationClosed");
  EXPECT_EQ((co_await ask("PUT", "register")).status, 405);
  EXPECT_EQ((co_await ask("GET", "nothing")).status, 404);
}

TEST_F(ExtensionApiTest, RefusesInAwssTerms) {
  run(refusals());
}

net::Task<> ExtensionApiTest::internal() {
  const auto refused =
      co_await ask("POST", "register", "Lambda-Extension-Name", "inside", R"({"events":["SHUTDOWN"]})");
  EXPECT_NE(refused.body.find("Extension.InvalidEventType"), std::string::npos);
  const auto inside = co_await enroll("inside", R"({"events":["INVOKE"]})");
  EXPECT_FALSE(api_.are_waiting());
  polls_.spawn(poll(inside, polled_));
  co_await until(&ExtensionApiTest::all_wait);
  EXPECT_TRUE(api_.is_any_told());
  polls_.spawn(poll(inside, polled_later_));
  while (polled_.empty()) {
    const net::OneShot<bool> turn;
    loop_.post([turn] { turn.set(true); });
    co_await turn;
  }
  EXPECT_NE(polled_[0].find("InvalidExtensionState"), std::string::npos) << "the newest poll is served";
}

TEST_F(ExtensionApiTest, InternalExtensionsHearOfCallsOnly) {
  run(internal());
}

net::Task<> ExtensionApiTest::fails() {
  api_.expect({"one", "two"});
  const auto one = co_await enroll("one");
  const auto two = co_await enroll("two");
  const auto told = co_await ask("POST", "init/error", "Lambda-Extension-Identifier", one, "{}", "Extension.Config");
  EXPECT_EQ(told.status, 202);
  EXPECT_EQ(told.body, R"({"status":"OK"})");
  EXPECT_EQ((co_await next(one)).status, 403) << "it is gone";
  const auto exit = co_await ask("POST", "exit/error", "Lambda-Extension-Identifier", two, "{}", "Extension.Bye");
  EXPECT_EQ(exit.status, 202);
  EXPECT_TRUE(api_.are_waiting()) << "nobody is left";
}

TEST_F(ExtensionApiTest, HearsOfErrors) {
  run(fails());
  EXPECT_EQ(errors_, (std::vector<std::string>{"one init Extension.Config", "two exit Extension.Bye"}));
}

}  // namespace
}  // namespace lambent::extensions
