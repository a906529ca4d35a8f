// The last 4 KB of one invocation's log, START to REPORT: what LogType Tail answers (not yet base64).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lambent::telemetry {

// Holds at most twice `limit` bytes. Not thread-safe.
class LogTail {
 public:
  explicit LogTail(std::size_t limit = 4096) : limit_(limit) {}

  // One line, given without its newline.
  void append(std::string_view line);
  void clear() { text_.clear(); }

  // The last `limit` bytes of all lines, each closed by a newline; may begin within a line, never within a UTF-8
  // character.
  [[nodiscard]] std::string text() const;

 private:
  std::size_t limit_;
  std::string text_;
};

}  // namespace lambent::telemetry
