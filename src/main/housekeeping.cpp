#include "main/housekeeping.h"

#include <chrono>

#include "base/log.h"

namespace lambent {
namespace {

constexpr std::chrono::milliseconds kLogInterval{100};
constexpr std::chrono::milliseconds kLedgerInterval{1000};
constexpr std::chrono::milliseconds kTablesInterval{5000};

}  // namespace

Housekeeping::Housekeeping(net::Loop& loop, net::WorkPool& pool, telemetry::LogStore& logs,
                           telemetry::UsageLedger& ledger, tables::Engine& tables)
    : loop_(loop),
      pool_(pool),
      logs_(logs),
      ledger_(ledger),
      tables_(tables),
      log_timer_(loop),
      ledger_timer_(loop),
      tables_timer_(loop) {}

void Housekeeping::start() {
  scope_.spawn(flush_logs());
  scope_.spawn(sync_ledger());
  scope_.spawn(tick_tables());
}

net::Task<> Housekeeping::stop() {
  stopping_ = true;
  log_timer_.cancel();
  ledger_timer_.cancel();
  tables_timer_.cancel();
  co_await scope_.join();
  logs_.flush();
  co_await sync_once();
}

net::Task<> Housekeeping::flush_logs() {
  while (!stopping_ && co_await log_timer_.sleep(kLogInterval)) logs_.flush();
}

net::Task<> Housekeeping::sync_ledger() {
  while (!stopping_ && co_await ledger_timer_.sleep(kLedgerInterval)) co_await sync_once();
}

net::Task<> Housekeeping::tick_tables() {
  while (!stopping_ && co_await tables_timer_.sleep(kTablesInterval)) tables_.tick();
}

net::Task<> Housekeeping::sync_once() {
  const auto synced = co_await pool_.run(loop_, [&ledger = ledger_] { return ledger.sync(); });
  if (!synced) log::error("usage ledger: {}", synced.error().message());
}

}  // namespace lambent
