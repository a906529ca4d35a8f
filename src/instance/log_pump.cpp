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
constexpr int kLinesATurn = 128;
constexpr std::size_t kKeptBytes = 4 * 1024;  // of the buffer of an instance that is silent
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
  while (!at_end_) {
    while (!at_end_ && taken_ < read_.size()) {
      take_some();
      const bool has_more = taken_ < read_.size();
      if (has_dropped_ || has_more) std::ignore = co_await rest_.sleep(has_dropped_ ? kRest : kRest.zero());
    }
    if (!at_end_ && co_await readiness_.readable()) read_more();
  }
  lines_.finish();
}

void LogPump::drain(std::size_t bytes) {
  drain(bytes, true);
}

void LogPump::drain_what_was_heard_of(std::size_t bytes) {
  drain(bytes, false);
}

void LogPump::drain(std::size_t bytes, bool reads_blindly) {
  for (std::size_t cost = 0; cost < bytes;) {
    if (taken_ == read_.size() && !reads_blindly && readiness_.is_known_unready()) break;
    if (taken_ == read_.size() && !read_more()) break;
    cost += take_some();
  }
  lines_.finish();
}

void LogPump::stop() {
  at_end_ = true;
  readiness_.cancel();
  rest_.cancel();
}

bool LogPump::read_more() {
  std::array<char, kReadBytes> buffer;
  ssize_t n = 0;
  do {
    n = read(pipe_.get(), buffer.data(), buffer.size());
  } while (n < 0 && errno == EINTR);
  if (n <= 0) at_end_ |= n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  read_.assign(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  taken_ = 0;
  return n > 0;
}

// What one turn gives away. Returns its cost.
std::size_t LogPump::take_some() {
  const auto rest = std::string_view(read_).substr(taken_);
  std::size_t end = 0;
  std::size_t lines = 0;
  for (; lines < kLinesATurn && end < rest.size(); ++lines) end = std::min(rest.find('\n', end), rest.size() - 1) + 1;
  if (!sink_.has_room()) end = rest.size();  // counted, not cut
  take(rest.substr(0, end));
  taken_ += end;
  if (taken_ == read_.size() && read_.capacity() > kKeptBytes) {
    read_ = {};
    taken_ = 0;
  }
  return end + lines * kLineCost;
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
