// A connected byte stream: TCP or unix socket.
//
// Reading and writing try the system call first and wait only where it would block. One reader and one writer at a
// time. close() ends a pending read or write with ECANCELED; it is how a stream's coroutines are stopped.
#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"

namespace lambent::net {

class Stream {
 public:
  // Adopts a connected socket; makes it non-blocking.
  Stream(Loop& loop, UniqueFd socket);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  class ReadAwaiter;
  class WriteAwaiter;

  // co_await -> Result<std::size_t>: bytes read, 0 at the peer's end of stream. `into` must stay until then.
  ReadAwaiter read_some(std::span<char> into);
  // co_await -> Result<>: all of `head`, then all of `body`, by one writev(2) where the socket takes it. The views must
  // stay until then. A peer that is gone gives EPIPE or ECONNRESET.
  WriteAwaiter write_all(std::string_view head, std::string_view body = {});

  // Ends pending operations with ECANCELED and closes the socket. Idempotent.
  void close();
  // close(), and the peer sees a connection that was reset instead of one that came to its end.
  void reset();
  // Sends end of stream; reading goes on.
  void shutdown_write();
  [[nodiscard]] bool is_open() const;
  // Whether the peer has sent its end of stream, or the connection has failed, with nothing left to read before it. A
  // system call; reads nothing.
  [[nodiscard]] bool peer_gone() const;
  // "127.0.0.1:53122", or "" for a unix socket.
  [[nodiscard]] std::string peer() const;

 private:
  friend class ReadAwaiter;
  friend class WriteAwaiter;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

class Stream::ReadAwaiter final : Loop::Waiter {
 public:
  ReadAwaiter(std::shared_ptr<Impl> impl, std::span<char> into) : impl_(std::move(impl)), into_(into) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> caller);
  [[nodiscard]] Result<std::size_t> await_resume() { return std::move(result_); }

 private:
  bool attempt();
  void on_ready() override;
  std::shared_ptr<Impl> impl_;
  std::coroutine_handle<> caller_;
  std::span<char> into_;
  Result<std::size_t> result_ = 0;
};

class Stream::WriteAwaiter final : Loop::Waiter {
 public:
  WriteAwaiter(std::shared_ptr<Impl> impl, std::string_view head, std::string_view body)
      : impl_(std::move(impl)), head_(head), body_(body) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> caller);
  [[nodiscard]] Result<> await_resume() { return std::move(result_); }

 private:
  bool attempt();
  void on_ready() override;
  std::shared_ptr<Impl> impl_;
  std::coroutine_handle<> caller_;
  std::string_view head_;
  std::string_view body_;
  Result<> result_;
};

}  // namespace lambent::net
