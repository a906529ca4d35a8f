#include "sandbox/child_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/packet_io.h"

namespace lambent::sandbox {

Result<std::pair<UniqueFd, UniqueFd>> make_child_channel() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("socketpair");
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

bool send_child_message(int channel, const ChildMessage& message, std::span<const int> fds) {
  return send_packet(channel, std::as_bytes(std::span(&message, 1)), fds).has_value();
}

ChildMessage failure_message(const Error& error) {
  ChildMessage message{};
  message.event = ChildEvent::failed;
  message.code = error.code;
  protocol::put_text(message.step, error.step);
  std::string detail = error.target;
  if (!error.detail.empty()) detail += (detail.empty() ? "" : ": ") + error.detail;
  protocol::put_text(message.detail, detail);
  return message;
}

std::optional<ReceivedChildMessage> receive_child_message(int channel) {
  ReceivedChildMessage received{};
  auto packet = receive_packet(channel, std::as_writable_bytes(std::span(&received.message, 1)), MSG_DONTWAIT);
  if (!packet || packet->bytes != sizeof(ChildMessage)) return std::nullopt;
  const auto event = static_cast<std::uint32_t>(received.message.event);
  if (event < 1 || event > 7) return std::nullopt;
  if (!protocol::is_text(received.message.step) || !protocol::is_text(received.message.detail)) return std::nullopt;
  received.fds = std::move(packet->fds);
  return received;
}

void close_all_but(std::span<const int> keep) {
  std::vector<int> sorted(keep.begin(), keep.end());
  std::ranges::sort(sorted);
  unsigned from = 3;
  for (const int fd : sorted) {
    if (fd < static_cast<int>(from)) continue;
    if (static_cast<unsigned>(fd) > from) close_range(from, static_cast<unsigned>(fd) - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  close_range(from, ~0U, 0);
}

}  // namespace lambent::sandbox
