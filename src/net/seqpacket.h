// A unix SOCK_SEQPACKET socket: whole messages, with file descriptors beside them (SCM_RIGHTS). The line between the
// server and the spawner.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"
#include "net/readiness.h"
#include "net/task.h"

namespace lambent::net {

class Seqpacket {
 public:
  struct Message {
    std::size_t bytes = 0;  // 0: the peer closed
    std::vector<UniqueFd> fds;
    bool fds_lost = false;  // this process is out of descriptors: some that were sent are missing
  };

  // Two connected ends, both close-on-exec.
  static Result<std::pair<UniqueFd, UniqueFd>> make_pair();

  // Adopts one end; makes it non-blocking.
  Seqpacket(Loop& loop, UniqueFd socket);

  // The next message, into `into`; a message that does not fit is an error.
  // ECANCELED after close(). One receiver at a time.
  Task<Result<Message>> receive(std::span<std::byte> into);
  // Sends at once, or fails: EAGAIN where the peer does not read (its buffer is full).
  Result<> send(std::span<const std::byte> message, std::span<const int> fds = {});
  void close();

 private:
  UniqueFd socket_;
  Readiness readiness_;
  bool closed_ = false;
};

}  // namespace lambent::net
