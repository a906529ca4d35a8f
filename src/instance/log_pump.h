// Reads what a sandbox writes to its log pipe and gives it away line by line.
//
// Used on the loop's thread only. A line longer than the limit is given in pieces; memory is bounded by that limit.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "net/loop.h"
#include "net/readiness.h"
#include "net/task.h"

namespace lambent::instance {

class LogPump {
 public:
  using OnLine = std::function<void(std::string_view line)>;  // without its line end

  // `pipe` is non-blocking and stays with the pump.
  LogPump(net::Loop& loop, UniqueFd pipe, std::size_t line_limit, OnLine on_line);

  // Reads until every writer has closed its end, or stop().
  net::Task<> run();
  // Reads what is in the pipe now, at most `bytes`, and gives an unfinished last line away too: at the end of a call.
  void drain(std::size_t bytes);
  void stop();

 private:
  // Bytes taken; 0 where the pipe is empty or at its end.
  std::size_t read_once();
  void take(std::string_view bytes);
  void flush();

  UniqueFd pipe_;
  net::Readiness readiness_;
  std::size_t line_limit_;
  OnLine on_line_;
  std::string partial_;
  bool at_end_ = false;
};

}  // namespace lambent::instance
