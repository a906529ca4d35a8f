// What the server does by itself at regular times: buffered function logs to disk every 100 ms, the usage ledger synced
// every second (what a power cut may lose).
#pragma once

#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/timer.h"
#include "net/work_pool.h"
#include "telemetry/log_store.h"
#include "telemetry/usage_ledger.h"

namespace lambent {

class Housekeeping {
 public:
  // All outlive it.
  Housekeeping(net::Loop& loop, net::WorkPool& pool, telemetry::LogStore& logs, telemetry::UsageLedger& ledger);
  void start();
  // One last round, then nothing more.
  net::Task<> stop();

 private:
  net::Task<> flush_logs();
  net::Task<> sync_ledger();
  net::Task<> sync_once();

  net::Loop& loop_;
  net::WorkPool& pool_;
  telemetry::LogStore& logs_;
  telemetry::UsageLedger& ledger_;
  net::Timer log_timer_;
  net::Timer ledger_timer_;
  net::Scope scope_;
  bool stopping_ = false;
};

}  // namespace lambent
