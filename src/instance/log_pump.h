// Reads what a sandbox writes to its log pipe and gives it away line by line.
//
// Used on the loop's thread only. Memory is bounded by the line limit (telemetry::LineSplitter).
#pragma once

#include <cstddef>
#include <string_view>

#include "base/fd.h"
#include "net/loop.h"
#include "net/readiness.h"
#include "net/task.h"
#include "telemetry/line_splitter.h"

namespace lambent::instance {

class LogPump {
 public:
  // `pipe` is non-blocking and stays with the pump.
  LogPump(net::Loop& loop, UniqueFd pipe, std::size_t line_limit, telemetry::LineSplitter::OnLine on_line);

  // Reads until every writer has closed its end, or stop().
  net::Task<> run();
  // Reads what is in the pipe now, at most about `bytes`, and gives an unfinished last line away too: at the end of a
  // call.
  void drain(std::size_t bytes);
  void stop();

 private:
  // Bytes taken; 0 where the pipe is empty or at its end.
  std::size_t read_once();

  UniqueFd pipe_;
  net::Readiness readiness_;
  telemetry::LineSplitter lines_;
  bool at_end_ = false;
};

}  // namespace lambent::instance
