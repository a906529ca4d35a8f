#include "net/connect.h"

#include <cerrno>
#include <memory>

#include "net/loop_impl.h"
#include "net/one_shot.h"
#include "net/timer.h"

namespace lambent::net {
namespace {

struct Writable final : Loop::Waiter {
  void on_ready() override { shot.set(true); }
  OneShot<bool> shot;
};

// False where it takes longer.
Task<bool> writable(Loop& loop, int fd, std::chrono::nanoseconds timeout) {
  Writable waiter;
  Watch watch(loop.impl(), fd);
  watch.wait_for_write(waiter);
  Timer timer(loop);
  timer.arm(timeout, [shot = waiter.shot] { shot.set(false); });
  co_return co_await waiter.shot;
}

}  // namespace

Task<Result<Stream>> connect_tcp(Loop& loop, sockaddr_storage to, socklen_t length, std::chrono::nanoseconds timeout) {
  UniqueFd socket(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail_errno("make socket", "connection");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), length) == 0) {
    co_return Stream(loop, std::move(socket));
  }
  if (errno != EINPROGRESS) co_return fail_errno("connect");
  const bool was_writable = co_await writable(loop, socket.get(), timeout);
  if (!was_writable) co_return fail(Error{.step = "connect", .code = ETIMEDOUT});
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) co_return fail_errno("connect");
  if (code != 0) co_return fail(Error{.step = "connect", .code = code});
  co_return Stream(loop, std::move(socket));
}

}  // namespace lambent::net
