// A function's output pipe, cut into lines. A line longer than the limit is cut there, the rest of it is counted and
// thrown away, and the cut is said at its end; so a flood without a newline takes bounded memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lambent::telemetry {

// Not thread-safe.
class LineSplitter {
 public:
  // Called for each line, without its newline (or carriage return before it); the view dies with the call.
  using OnLine = std::function<void(std::string_view line)>;

  LineSplitter(std::size_t line_limit, OnLine on_line) : limit_(line_limit), on_line_(std::move(on_line)) {}

  void feed(std::string_view bytes);

  // Hands over an unfinished line: at the end of an invocation and of the pipe.
  void finish();

  // True where more of the present line would only be thrown away.
  [[nodiscard]] bool is_cutting() const { return cut_ > 0; }

 private:
  void emit(std::string_view line);

  std::size_t limit_;
  OnLine on_line_;
  std::string partial_;
  std::size_t cut_ = 0;  // bytes of the present line thrown away
};

}  // namespace lambent::telemetry
