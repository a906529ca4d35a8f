#include "instance/log_pump.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>
#include <utility>

namespace lambent::instance {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;  // a pipe holds as much by default
// Between two reads that found no room.
constexpr std::chrono::milliseconds kRest{10};

}  // namespace

LogPump::LogPump(net::Loop& loop, UniqueFd pipe, std::size_t line_limit, LineSink& sink)
    : pipe_(std::move(pipe)),
      readiness_(loop, pipe_.get()),
      rest_(loop),
      sink_(sink),
      lines_(line_limit, [this](std::string_view line) { has_dropped_ |= !sink_.line(line); }) {}

net::Task<> LogPump::run() {
  // One read a turn: a function that floods its log does not keep the loop from others.
  while (!at_end_ && co_await readiness_.readable()) {
    std::ignore = read_once();
    if (has_dropped_ && !at_end_) std::ignore = co_await rest_.sleep(kRest);
  }
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
  rest_.cancel();
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
  take(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  return static_cast<std::size_t>(n);
}

void LogPump::take(std::string_view bytes) {
  has_dropped_ = false;
  if (!sink_.has_room()) return drop(bytes);
  if (within_dropped_line_) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
    drop(bytes.substr(0, end));
    bytes.remove_prefix(end);
  }
  lines_.feed(bytes);
  has_dropped_ |= lines_.is_cutting();
}

// Each line is counted once, also where it comes in several reads.
void LogPump::drop(std::string_view bytes) {
  lines_.finish();
  auto lines = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
  if (within_dropped_line_) --lines;
  within_dropped_line_ = !bytes.ends_with('\n');
  if (within_dropped_line_) ++lines;
  sink_.dropped(lines, bytes.size());
  has_dropped_ = true;
}

}  // namespace lambent::instance
