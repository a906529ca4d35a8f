#include "net/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/loop_impl.h"

namespace lambent::net {

struct Stream::Impl {
  Impl(Loop& loop, UniqueFd from) : socket(std::move(from)), watch(loop.impl(), socket.get()) {}
  UniqueFd socket;
  Watch watch;
  bool closed = false;  // by close(): pending operations report ECANCELED
};

namespace {

Error cancelled(std::string_view step) {
  return Error{.step = std::string(step), .target = "socket", .code = ECANCELED};
}

}  // namespace

Stream::Stream(Loop& loop, UniqueFd socket) {
  fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on unix sockets, where it has no meaning
  impl_ = std::make_shared<Impl>(loop, std::move(socket));
}

Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Stream::~Stream() {
  if (!impl_) return;
  impl_->watch.forget_waiters();  // pending operations are never resumed
  close();
}

void Stream::close() {
  if (!impl_ || impl_->closed) return;
  impl_->closed = true;
  impl_->watch.leave();
  impl_->watch.wake_all();
  impl_->socket.reset();
}

void Stream::reset() {
  if (!is_open()) return;
  const linger at_once{1, 0};
  setsockopt(impl_->socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Stream::shutdown_write() {
  if (is_open()) ::shutdown(impl_->socket.get(), SHUT_WR);
}

bool Stream::is_open() const {
  return impl_ && !impl_->closed;
}

bool Stream::peer_gone() const {
  if (!is_open()) return true;
  char byte = 0;
  const ssize_t n = ::recv(impl_->socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

std::string Stream::peer() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (!is_open() || getpeername(impl_->socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4->sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  return {};
}

Stream::ReadAwaiter Stream::read_some(std::span<char> into) {
  return {impl_, into};
}
Stream::WriteAwaiter Stream::write_all(std::string_view head, std::string_view body) {
  return {impl_, head, body};
}

bool Stream::ReadAwaiter::attempt() {
  if (impl_->closed) {
    result_ = fail(cancelled("read"));
    return true;
  }
  while (impl_->watch.may_read()) {
    const ssize_t n = ::recv(impl_->socket.get(), into_.data(), into_.size(), 0);
    if (n >= 0) {
      if (static_cast<std::size_t>(n) < into_.size()) impl_->watch.drained();
      result_ = static_cast<std::size_t>(n);
      return true;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      result_ = fail_errno("read", "socket");
      return true;
    }
    impl_->watch.drained();
  }
  return false;
}

bool Stream::ReadAwaiter::await_ready() {
  return attempt();
}

void Stream::ReadAwaiter::await_suspend(std::coroutine_handle<> caller) {
  caller_ = caller;
  impl_->watch.wait_for_read(*this);
}

void Stream::ReadAwaiter::on_ready() {
  if (attempt()) return caller_.resume();
  impl_->watch.wait_for_read(*this);
}

bool Stream::WriteAwaiter::attempt() {
  while (!head_.empty() || !body_.empty()) {
    if (impl_->closed) {
      result_ = fail(cancelled("write"));
      return true;
    }
    std::array<iovec, 2> parts{iovec{const_cast<char*>(head_.data()), head_.size()},
                               iovec{const_cast<char*>(body_.data()), body_.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t n = ::sendmsg(impl_->socket.get(), &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      if (errno == EINTR) continue;
      result_ = fail_errno("write", "socket");
      return true;
    }
    const auto written = static_cast<std::size_t>(n);
    const std::size_t of_head = std::min(written, head_.size());
    head_.remove_prefix(of_head);
    body_.remove_prefix(written - of_head);
  }
  return true;
}

bool Stream::WriteAwaiter::await_ready() {
  return attempt();
}

void Stream::WriteAwaiter::await_suspend(std::coroutine_handle<> caller) {
  caller_ = caller;
  impl_->watch.wait_for_write(*this);
}

void Stream::WriteAwaiter::on_ready() {
  if (attempt()) return caller_.resume();
  impl_->watch.wait_for_write(*this);
}

}  // namespace lambent::net
