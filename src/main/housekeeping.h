// What the server does by itself at regular times: buffered function logs to disk every 100 ms, the usage ledger synced
// every second (what a power cut may lose), tables told to look for what has expired every five seconds.
#pragma once

#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/timer.h"
#include "net/work_pool.h"
#include "tables/engine.h"
#include "telemetry/log_store.h"
#include "telemetry/usage_ledger.h"

namespace lambent {

class Housekeeping {
 public:
  // All outlive it.
  Housekeeping(net::Loop& loop, net::WorkPool& pool, telemetry::LogStore& logs, telemetry::UsageLedger& ledger,
               tables::Engine& tables);
  void start();
  // One last round, then nothing more.
  net::Task<> stop();

 private:
  net::Task<> flush_logs();
  net::Task<> sync_ledger();
  net::Task<> sync_once();
  net::Task<> tick_tables();

  net::Loop& loop_;
  net::WorkPool& pool_;
  telemetry::LogStore& logs_;
  telemetry::UsageLedger& ledger_;
  tables::Engine& tables_;
  net::Timer log_timer_;
  net::Timer ledger_timer_;
  net::Timer tables_timer_;
  net::Scope scope_;
  bool stopping_ = false;
};

}  // namespace lambent
