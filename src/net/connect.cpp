#include "net/connect.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <memory>

#include "net/loop_impl.h"
#include "net/one_shot.h"
#include "net/timer.h"

namespace lambent::net {

Task<Result<Stream>> connect_tcp(Loop& loop, sockaddr_storage to, socklen_t length, std::chrono::nanoseconds timeout) {
  UniqueFd socket(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail_errno("make socket", "connection");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), length) == 0) {
    co_return Stream(loop, std::move(socket));
  }
  if (errno != EINPROGRESS) co_return fail_errno("connect");
  const OneShot<bool> writable;
  const auto descriptor = std::make_shared<asio::posix::stream_descriptor>(loop.impl().io, socket.get());
  descriptor->async_wait(asio::posix::stream_descriptor::wait_write,
                         [writable, descriptor](boost::system::error_code error) { writable.set(!error); });
  Timer timer(loop);
  timer.arm(timeout, [descriptor] {
    boost::system::error_code ignored;
    descriptor->cancel(ignored);
  });
  const bool was_writable = co_await writable;
  timer.cancel();
  descriptor->release();
  if (!was_writable) co_return fail(Error{.step = "connect", .code = ETIMEDOUT});
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) co_return fail_errno("connect");
  if (code != 0) co_return fail(Error{.step = "connect", .code = code});
  co_return Stream(loop, std::move(socket));
}

}  // namespace lambent::net
