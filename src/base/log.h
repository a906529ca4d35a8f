// The process log: one line an event on standard error, for the operator. Functions' own output goes to telemetry/.
//
// Thread safety: any thread; a line is one write(2), so lines never mix.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace lambent::log {

enum class Level { debug, info, warning, error };

// Lines below this level are not written. Set once, before threads start.
void set_level(Level level);

void write(Level level, std::string_view text);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lambent::log
