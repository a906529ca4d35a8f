#include "net/seqpacket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

namespace lambent::net {
namespace {

constexpr std::size_t kMaxFds = 16;

void take_fds(msghdr& message, std::vector<UniqueFd>& fds) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> Seqpacket::make_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("make socket pair");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Seqpacket::Seqpacket(Loop& loop, UniqueFd socket) : socket_(std::move(socket)), readiness_(loop, socket_.get()) {
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

Task<Result<Seqpacket::Message>> Seqpacket::receive(std::span<std::byte> into) {
  while (!closed_) {
    iovec part{into.data(), into.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t n = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (n >= 0) {
      Message received;
      received.bytes = static_cast<std::size_t>(n);
      take_fds(message, received.fds);
      received.fds_lost = (message.msg_flags & MSG_CTRUNC) != 0;
      if ((message.msg_flags & MSG_TRUNC) != 0) {
        co_return fail(Error::of("receive", "unix socket", "message is too large"));
      }
      co_return received;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      std::ignore = co_await readiness_.readable();
    } else if (errno != EINTR) {
      co_return fail_errno("receive", "unix socket");
    }
  }
  co_return fail(Error{.step = "receive", .target = "unix socket", .code = ECANCELED});
}

Result<> Seqpacket::send(std::span<const std::byte> bytes, std::span<const int> fds) {
  assert(fds.size() <= kMaxFds);
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (sendmsg(socket_.get(), &message, MSG_NOSIGNAL) >= 0) return {};
    if (errno != EINTR) return fail_errno("send", "unix socket");
  }
}

void Seqpacket::close() {
  if (closed_) return;
  closed_ = true;
  readiness_.cancel();
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace lambent::net
