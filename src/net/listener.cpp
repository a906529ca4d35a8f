#include "net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/readiness.h"
#include "net/timer.h"

namespace lambent::net {

struct Listener::Impl {
  Impl(Loop& on, UniqueFd fd) : loop(on), socket(std::move(fd)), readiness(on, socket.get()), pause(on) {}
  Loop& loop;
  UniqueFd socket;
  Readiness readiness;
  Timer pause;
  bool closed = false;
};

namespace {

bool is_shortage(int code) {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

}  // namespace

Result<UniqueFd> listen_on(const std::string& address, std::uint16_t port) {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  sockaddr* where = nullptr;
  socklen_t length = 0;
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    where = reinterpret_cast<sockaddr*>(&v4);
    length = sizeof v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    where = reinterpret_cast<sockaddr*>(&v6);
    length = sizeof v6;
  } else {
    return fail(Error::of("bind", address, "not an IPv4 or IPv6 address"));
  }
  const std::string target = address + ":" + std::to_string(port);
  UniqueFd socket(::socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("make socket", target);
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), where, length) != 0) return fail_errno("bind", target);
  if (::listen(socket.get(), 4096) != 0) return fail_errno("listen", target);
  return socket;
}

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
Listener::~Listener() {
  if (impl_) close();
}

Result<Listener> Listener::tcp(Loop& loop, const std::string& address, std::uint16_t port) {
  LAMBENT_TRY(UniqueFd socket, listen_on(address, port));
  return adopt(loop, std::move(socket));
}

Listener Listener::adopt(Loop& loop, UniqueFd listening) {
  fcntl(listening.get(), F_SETFL, fcntl(listening.get(), F_GETFL) | O_NONBLOCK);
  return Listener(std::make_shared<Impl>(loop, std::move(listening)));
}

Task<Result<Stream>> Listener::accept() {
  const auto impl = impl_;
  while (!impl->closed) {
    UniqueFd connection(accept4(impl->socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) co_return Stream(impl->loop, std::move(connection));
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      std::ignore = co_await impl->readiness.readable();
    } else if (is_shortage(errno)) {
      // The connection stays in the backlog until others have closed.
      std::ignore = co_await impl->pause.sleep(std::chrono::milliseconds(50));
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
      co_return fail_errno("accept", "listener");
    }
  }
  co_return fail(Error{.step = "accept", .target = "listener", .code = ECANCELED});
}

void Listener::close() {
  if (impl_->closed) return;
  impl_->closed = true;
  impl_->readiness.cancel();
  impl_->pause.cancel();
  // New connections are refused from now on even while an accept() still holds the socket open.
  ::shutdown(impl_->socket.get(), SHUT_RDWR);
}

std::uint16_t Listener::port() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(impl_->socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
                                       : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

}  // namespace lambent::net
