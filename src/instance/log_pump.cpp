#include "instance/log_pump.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <tuple>
#include <utility>

namespace lambent::instance {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;  // a pipe holds as much by default

}  // namespace

LogPump::LogPump(net::Loop& loop, UniqueFd pipe, std::size_t line_limit, telemetry::LineSplitter::OnLine on_line)
    : pipe_(std::move(pipe)), readiness_(loop, pipe_.get()), lines_(line_limit, std::move(on_line)) {}

net::Task<> LogPump::run() {
  // One read a turn: a function that floods its log does not keep the loop from others.
  while (!at_end_ && co_await readiness_.readable()) std::ignore = read_once();
  lines_.finish();
}

void LogPump::drain(std::size_t bytes) {
  for (std::size_t taken = 0; taken < bytes;) {
    const std::size_t n = read_once();
    if (n == 0) break;
    taken += n;
  }
  lines_.finish();
}

void LogPump::stop() {
  at_end_ = true;
  readiness_.cancel();
}

std::size_t LogPump::read_once() {
  std::array<char, kReadBytes> buffer;
  ssize_t n = 0;
  do {
    n = read(pipe_.get(), buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n <= 0) {
    at_end_ |= n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return 0;
  }
  lines_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  return static_cast<std::size_t>(n);
}

}  // namespace lambent::instance
