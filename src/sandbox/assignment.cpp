#include "sandbox/assignment.h"

#include <unistd.h>

#include "sandbox/packet_io.h"

namespace lambent::sandbox {

static_assert(protocol::kMounts <= kPacketFds);

Result<> send_assignment(int channel, const Assignment& assignment, std::span<const int> mounts) {
  return send_packet(channel, std::as_bytes(std::span(&assignment, 1)), mounts);
}

Result<std::vector<UniqueFd>> receive_assignment(int channel, Assignment& into) {
  auto packet = receive_packet(channel, std::as_writable_bytes(std::span(&into, 1)), 0);
  if (!packet || packet->bytes == 0) _exit(1);
  if (packet->bytes != sizeof into) return fail(Error::of("receive assignment", "", "wrong size"));
  return std::move(packet->fds);
}

}  // namespace lambent::sandbox
