// Any bytes from inside a sandbox to its Runtime API over HTTP: whatever comes, the session keeps to its states. An
// answer is taken once for each call that was handed out, within its bounds, and the session always comes to its end.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "edge/server.h"
#include "net/scope.h"
#include "runtime_api/session.h"
#include "runtime_caller.h"

namespace {

using namespace lambent;

using fuzz::check;

constexpr const char* kRequestId = "11111111-2222-4333-8444-555555555555";

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
  co_await fuzz::take_turns(loop);
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
  // A trailer may bring an error body of its own, as long as a head may be.
  fuzz::Caller caller(limits, {.request_id = kRequestId, .beyond_payload = limits.header_bytes});
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
