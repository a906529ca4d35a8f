// Reads what a sandbox writes to its log pipe and gives it away line by line.
//
// What was read is given away some lines a turn of the loop, so that a flood of short lines keeps nobody waiting.
// A function that writes more than its log may take is not read at full speed only for its bytes to be thrown away:
// they are counted as they are, uncut, and after each such read the pump rests, so that the function waits in its write
// and the flood costs its own processor share, not the server's.
//
// Used on the loop's thread only. Memory is bounded by the line limit (telemetry::LineSplitter).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "net/loop.h"
#include "net/readiness.h"
#include "net/task.h"
#include "net/timer.h"
#include "telemetry/line_splitter.h"

namespace lambent::instance {

// Where the lines go.
class LineSink {
 public:
  virtual ~LineSink() = default;
  // False: nothing more is taken at present.
  virtual bool has_room() = 0;
  // One line, without its newline. False where it was dropped, and counted by the sink.
  virtual bool line(std::string_view text) = 0;
  // What was dropped before it was cut into lines.
  virtual void dropped(std::uint64_t lines, std::uint64_t bytes) = 0;
};

class LogPump {
 public:
  // `pipe` is non-blocking and stays with the pump. `sink` must outlive it.
  LogPump(net::Loop& loop, UniqueFd pipe, std::size_t line_limit, LineSink& sink);

  // Reads until every writer has closed its end, or stop().
  net::Task<> run();
  // Reads what is in the pipe now, at most about `bytes` (a line counts as kLineCost more), and gives an unfinished
  // last line away too: at the end of a call.
  static constexpr std::size_t kLineCost = 128;
  void drain(std::size_t bytes);
  // The same, but reads only where the loop has heard of something there: at the end of a call whose answer the loop
  // has heard of, all of it written after what counts.
  void drain_what_was_heard_of(std::size_t bytes);
  void stop();

 private:
  // False where the pipe is empty or at its end.
  bool read_more();
  void drain(std::size_t bytes, bool reads_blindly);
  std::size_t take_some();
  void take(std::string_view bytes);
  void drop(std::string_view bytes);

  UniqueFd pipe_;
  net::Readiness readiness_;
  net::Timer rest_;
  LineSink& sink_;
  telemetry::LineSplitter lines_;
  std::string read_;       // and not yet given away
  std::size_t taken_ = 0;  // at its front
  bool at_end_ = false;
  bool within_dropped_line_ = false;
  bool has_dropped_ = false;  // in the last read
};

}  // namespace lambent::instance
