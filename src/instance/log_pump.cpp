#include "instance/log_pump.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <tuple>

namespace lambent::instance {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;  // a pipe holds as much by default

}  // namespace

LogPump::LogPump(net::Loop& loop, UniqueFd pipe, std::size_t line_limit, OnLine on_line)
    : pipe_(std::move(pipe)), readiness_(loop, pipe_.get()), line_limit_(line_limit), on_line_(std::move(on_line)) {}

net::Task<> LogPump::run() {
  // One read a turn: a function that floods its log does not keep the loop from others.
  while (!at_end_ && co_await readiness_.readable()) std::ignore = read_once();
  flush();
}

void LogPump::drain(std::size_t bytes) {
  for (std::size_t taken = 0; taken < bytes;) {
    const std::size_t n = read_once();
    if (n == 0) break;
    taken += n;
  }
  flush();
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
  if (n < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) at_end_ = true;
    return 0;
  }
  if (n == 0) {
    at_end_ = true;
    return 0;
  }
  take(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  return static_cast<std::size_t>(n);
}

void LogPump::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (end != std::string_view::npos && partial_.empty() && piece.size() <= line_limit_) {
      on_line_(piece);
    } else {
      for (std::string_view rest = piece; !rest.empty();) {
        const std::size_t room = line_limit_ - partial_.size();
        partial_.append(rest.substr(0, room));
        rest.remove_prefix(std::min(room, rest.size()));
        if (partial_.size() == line_limit_) flush();
      }
      if (end != std::string_view::npos) {
        on_line_(partial_);
        partial_.clear();
      }
    }
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
  }
}

void LogPump::flush() {
  if (partial_.empty()) return;
  on_line_(partial_);
  partial_.clear();
}

}  // namespace lambent::instance
