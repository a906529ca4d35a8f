#include "sandbox/packet_io.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lambent::sandbox {

namespace {
constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int) * kPacketFds);
}

Result<> send_packet(int socket, std::span<const std::byte> packet, std::span<const int> fds) {
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  iovec data{const_cast<std::byte*>(packet.data()), packet.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    if (fds.size() > kPacketFds) return fail({"send packet", "", EINVAL, "too many descriptors"});
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  ssize_t sent = -1;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent != static_cast<ssize_t>(packet.size())) return fail_errno("send packet");
  return {};
}

Result<ReceivedPacket> receive_packet(int socket, std::span<std::byte> into, int flags) {
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  iovec data{into.data(), into.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t length = -1;
  do {
    length = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (length < 0 && errno == EINTR);
  if (length < 0) return fail_errno("receive packet");
  ReceivedPacket packet;
  packet.bytes = static_cast<std::size_t>(length);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return fail({"receive packet", "", EMSGSIZE, ""});
  return packet;
}

}  // namespace lambent::sandbox
