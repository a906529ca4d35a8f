#include "net/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>

#include "net/loop_impl.h"

namespace lambent::net {

struct Stream::Impl {
  Impl(Loop& loop, int socket) : descriptor(loop.impl().io, socket), fd(socket) {}
  asio::posix::stream_descriptor descriptor;
  int fd;
  bool closed = false;     // by close(): pending operations report ECANCELED
  bool abandoned = false;  // the Stream is gone: pending operations are never resumed
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
  const int fd = socket.get();
  impl_ = std::make_shared<Impl>(loop, fd);
  std::ignore = socket.release();
}

Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Stream::~Stream() {
  if (!impl_) return;
  impl_->abandoned = true;
  close();
}

void Stream::close() {
  if (!impl_ || impl_->closed) return;
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

void Stream::reset() {
  if (!is_open()) return;
  const linger at_once{1, 0};
  setsockopt(impl_->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Stream::shutdown_write() {
  if (is_open()) ::shutdown(impl_->fd, SHUT_WR);
}

bool Stream::is_open() const {
  return impl_ && !impl_->closed;
}

bool Stream::peer_gone() const {
  if (!is_open()) return true;
  char byte = 0;
  const ssize_t n = ::recv(impl_->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

std::string Stream::peer() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (!is_open() || getpeername(impl_->fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
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
  for (;;) {
    const ssize_t n = ::recv(impl_->fd, into_.data(), into_.size(), 0);
    if (n >= 0) {
      result_ = static_cast<std::size_t>(n);
      return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (errno == EINTR) continue;
    result_ = fail_errno("read", "socket");
    return true;
  }
}

bool Stream::ReadAwaiter::await_ready() {
  return attempt();
}

void Stream::ReadAwaiter::await_suspend(std::coroutine_handle<> caller) {
  impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this, impl = impl_, caller](boost::system::error_code) {
                                 if (impl->abandoned) return;
                                 if (attempt()) {
                                   caller.resume();
                                 } else {
                                   await_suspend(caller);
                                 }
                               });
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
    const ssize_t n = ::sendmsg(impl_->fd, &message, MSG_NOSIGNAL);
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
  impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                               [this, impl = impl_, caller](boost::system::error_code) {
                                 if (impl->abandoned) return;
                                 if (attempt()) {
                                   caller.resume();
                                 } else {
                                   await_suspend(caller);
                                 }
                               });
}

}  // namespace lambent::net
