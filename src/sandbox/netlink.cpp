#include "sandbox/netlink.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lambent::sandbox {
namespace {

constexpr std::size_t kAnswerBytes = 8192;

// One datagram of answers. Gives how many messages were acknowledged in it.
Result<std::uint32_t> read_answers(int socket, std::string_view step) {
  alignas(nlmsghdr) std::array<char, kAnswerBytes> buffer{};
  ssize_t length = -1;
  do {
    length = recv(socket, buffer.data(), buffer.size(), 0);
  } while (length < 0 && errno == EINTR);
  if (length < 0) return fail_errno(step, "netlink answer");
  auto left = static_cast<unsigned>(length);
  std::uint32_t acknowledged = 0;
  for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
       header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) continue;
    nlmsgerr answer{};
    std::memcpy(&answer, NLMSG_DATA(header), sizeof answer);
    if (answer.error != 0) return fail({std::string(step), "", -answer.error, ""});
    ++acknowledged;
  }
  return acknowledged;
}

}  // namespace

void NetlinkBatch::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void NetlinkBatch::begin_message(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> body) {
  message_ = bytes_.size();
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags | NLM_F_REQUEST;
  header.nlmsg_seq = ++sequence_;
  if ((flags & NLM_F_ACK) != 0) ++acknowledgements_;
  append(std::as_bytes(std::span(&header, 1)));
  append(body);
  finish_lengths();
}

void NetlinkBatch::put(std::uint16_t attribute, std::span<const std::byte> value) {
  const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), attribute};
  append(std::as_bytes(std::span(&header, 1)));
  append(value);
  finish_lengths();
}

void NetlinkBatch::put_text(std::uint16_t attribute, std::string_view text) {
  std::vector<std::byte> value(text.size() + 1);
  std::memcpy(value.data(), text.data(), text.size());
  put(attribute, value);
}

void NetlinkBatch::open(std::uint16_t attribute) {
  open_.push_back(bytes_.size());
  put(attribute | NLA_F_NESTED, {});
}

void NetlinkBatch::close() {
  open_.pop_back();
}

// The message and every open attribute reach to the end of the buffer.
void NetlinkBatch::finish_lengths() {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - message_);
  std::memcpy(&bytes_[message_], &length, sizeof length);
  for (const std::size_t at : open_) {
    const auto inner = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(&bytes_[at], &inner, sizeof inner);
  }
}

Result<> NetlinkBatch::send(int socket, std::string_view step) const {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = -1;
  do {
    sent = sendto(socket, bytes_.data(), bytes_.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail_errno(step, "netlink");
  for (std::uint32_t acknowledged = 0; acknowledged < acknowledgements_;) {
    LAMBENT_TRY(const std::uint32_t more, read_answers(socket, step));
    acknowledged += more;
  }
  return {};
}

Result<UniqueFd> open_netlink(int protocol) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket) return fail_errno("socket", "netlink");
  return socket;
}

}  // namespace lambent::sandbox
