#include "base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>

#include "base/time_format.h"

namespace lambent::log {
namespace {

std::atomic<Level> g_level{Level::info};  // the one process-wide value: a log line is wanted from every place
constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};

}  // namespace

void set_level(Level level) {
  g_level = level;
}

void write(Level level, std::string_view text) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  std::string line = format_iso_millis(SystemClock().wall());
  line += ' ';
  line += kNames[static_cast<std::size_t>(level)];
  line += ' ';
  for (char c : text) line += (c == '\n' || c == '\r' || c == '\x1b') ? ' ' : c;
  line += '\n';
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace lambent::log
