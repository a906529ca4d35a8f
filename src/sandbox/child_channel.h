// What a sandbox's first process tells the spawner: one small message at a time over a socketpair, from set-up until
// the program's end. The sender is confined, so the receiver checks every message; the program itself never holds the
// socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/protocol.h"

namespace lambent::sandbox {

enum class ChildEvent : std::uint32_t {
  prepared = 1,  // the shell stands; the listeners come as descriptors, in the order of protocol::Launched
  ready = 2,     // the program runs
  failed = 3,    // step, code and detail say where
  ended = 4,     // code is the program's wait status
  // Of a house only (house.h).
  gated = 5,   // with two descriptors: the notifications of its template's filter, the template's control socket
  cloned = 6,  // the first process of a shell that was asked for, as a pidfd; none: code says why
  reaped = 7,  // process and code: a fork of the template ended
};

struct ChildMessage {
  ChildEvent event;
  std::int32_t code;
  std::array<char, 64> step;
  std::array<char, protocol::kDetailBytes> detail;
  std::int32_t process;  // as the pid namespace of the sender names it
  std::uint32_t reserved;
};

// Two connected ends (spawner, child), close-on-exec.
Result<std::pair<UniqueFd, UniqueFd>> make_child_channel();

// False where the spawner is gone: then nobody is left to tell.
bool send_child_message(int channel, const ChildMessage& message, std::span<const int> fds = {});
ChildMessage failure_message(const Error& error);

struct ReceivedChildMessage {
  ChildMessage message;
  std::vector<UniqueFd> fds;
};
// Without waiting; nothing where no whole valid message is there.
std::optional<ReceivedChildMessage> receive_child_message(int channel);

// Closes every descriptor from 3 up but those in `keep`, so that nothing of the spawner's is inherited.
void close_all_but(std::span<const int> keep);

}  // namespace lambent::sandbox
