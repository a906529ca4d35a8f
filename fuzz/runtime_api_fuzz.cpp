// Any bytes from inside a sandbox to its Runtime API over HTTP: whatever comes, the session keeps to its states. An
// answer is taken once for each call that was handed out, within its bounds, and the session always comes to its end.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fd.h"
#include "edge/server.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "runtime_api/session.h"

namespace {

using namespace lambent;

constexpr int kTurns = 60;
constexpr const char* kRequestId = "11111111-2222-4333-8444-555555555555";

void check(bool holds) {
  if (!holds) std::abort();
}

class Caller final : public runtime_api::Observer {
 public:
  explicit Caller(const Limits& limits) : limits_(limits) {}

  void on_waiting() override {
    check(session->state() == runtime_api::Session::State::waiting);
    calls_++;
    session->deliver({.request_id = kRequestId,
                      .payload = "{}",
                      .client_context = {},
                      .trace_header = "Root=1-x",
                      .invoked_arn = "arn",
                      .deadline = Wall(std::chrono::milliseconds(1'800'000'000'000))});
  }
  void on_answer(runtime_api::Answer answer) override {
    check(++answers_ <= calls_);
    // A trailer may bring an error body of its own, as long as a head may be.
    check(answer.body.size() <= limits_.sync_payload_bytes + limits_.header_bytes);
    check(answer.error_type.find_first_of("\r\n") == std::string::npos);
    check(answer.content_type.find_first_of("\r\n") == std::string::npos);
  }
  void on_init_error(runtime_api::Answer error) override {
    check(error.is_error && ++init_errors_ == 1 && calls_ == 0);
  }

  void on_lost() override { std::abort(); }

  runtime_api::Session* session = nullptr;

 private:
  const Limits& limits_;
  int calls_ = 0;
  int answers_ = 0;
  int init_errors_ = 0;
};

// A listening socket that needs no port, and a connection to it.
UniqueFd listen_somewhere() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un any{};
  any.sun_family = AF_UNIX;
  check(bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any.sun_family) == 0 && listen(fd.get(), 8) == 0);
  return fd;
}

UniqueFd connect_to(int listener) {
  sockaddr_un where{};
  socklen_t length = sizeof where;
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&where), &length) == 0);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  check(connect(fd.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
  return fd;
}

net::Task<> live(net::Loop& loop, runtime_api::Session& session, edge::HttpServer& server) {
  for (int i = 0; i < kTurns; i++) {
    const net::OneShot<bool> turn;
    loop.post([turn] { turn.set(true); });
    co_await turn;
  }
  co_await session.stopped();
  co_await server.drain(std::chrono::milliseconds(0));
  loop.post([&loop] { loop.stop(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 60'000) return 0;  // what the socket holds
  Limits limits;
  limits.sync_payload_bytes = 1000;
  net::Loop loop;
  const SystemClock clock;
  edge::HttpServer server(loop, clock);
  Caller caller(limits);
  UniqueFd listener = listen_somewhere();
  // Two connections, so that one may answer while the other is in the middle of something: split at the first byte's
  // say.
  const std::size_t first = size == 0 ? 0 : data[0] % 2 == 0 ? size : size / 2;
  const UniqueFd one = connect_to(listener.get());
  const UniqueFd other = connect_to(listener.get());
  check(write(one.get(), data, first) == static_cast<ssize_t>(first));
  check(write(other.get(), data + first, size - first) == static_cast<ssize_t>(size - first));
  shutdown(other.get(), SHUT_WR);

  const auto session =
      runtime_api::make_http_session(loop, server, net::Listener::adopt(loop, std::move(listener)), caller, limits);
  caller.session = session.get();
  net::Scope scope;
  scope.spawn(live(loop, *session, server));
  loop.run();
  return 0;
}
