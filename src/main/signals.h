// SIGTERM and SIGINT as something to wait for on the loop.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"
#include "net/readiness.h"
#include "net/task.h"

namespace lambent {

// Blocks SIGTERM and SIGINT in this thread and those it starts later, and ignores SIGPIPE. Before any thread exists.
void take_signals();

class StopSignal {
 public:
  explicit StopSignal(net::Loop& loop);
  // The signal's number, once one came; 0 after cancel().
  net::Task<int> next();
  void cancel() { readiness_.cancel(); }

 private:
  UniqueFd fd_;
  net::Readiness readiness_;
};

}  // namespace lambent
