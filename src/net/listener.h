// A listening socket that gives connected streams.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/task.h"

namespace lambent::net {

// Binds and listens; port 0 takes a free one. `address` is a literal IPv4 or IPv6 address. Needs no loop: a port below
// 1024 is bound while the process may do so.
Result<UniqueFd> listen_on(const std::string& address, std::uint16_t port);

class Listener {
 public:
  // listen_on() and adopt().
  static Result<Listener> tcp(Loop& loop, const std::string& address, std::uint16_t port);
  // Takes a socket that listens already (made inside another network namespace, or earlier).
  static Listener adopt(Loop& loop, UniqueFd listening);

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  // The next connection. Where the process is out of descriptors it waits and tries again; ECANCELED after close().
  Task<Result<Stream>> accept();
  // Ends a pending accept() and closes the socket. Idempotent.
  void close();
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lambent::net
