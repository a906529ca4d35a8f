// One packet with descriptors, by sendmsg(2) and recvmsg(2): for the spawner and its children, which use no event loop.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::sandbox {

inline constexpr std::size_t kPacketFds = 32;

Result<> send_packet(int socket, std::span<const std::byte> packet, std::span<const int> fds = {});

struct ReceivedPacket {
  std::size_t bytes = 0;  // 0: the peer closed
  std::vector<UniqueFd> fds;
};
// A packet longer than `into`, or with more than kPacketFds descriptors, is an error (EMSGSIZE) and is dropped.
Result<ReceivedPacket> receive_packet(int socket, std::span<std::byte> into, int flags);

}  // namespace lambent::sandbox
