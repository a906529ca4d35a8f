#include "net/work_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "net/scope.h"

namespace lambent::net {
namespace {

Task<> run_and_record(WorkPool& pool, Loop& loop, std::thread::id& worked_on, std::thread::id& resumed_on) {
  worked_on = co_await pool.run(loop, [] { return std::this_thread::get_id(); });
  resumed_on = std::this_thread::get_id();
  loop.stop();
}

TEST(WorkPool, RunsElsewhereAndResumesOnTheLoop) {
  Loop loop;
  Scope scope;
  WorkPool pool(2);
  std::thread::id worked_on;
  std::thread::id resumed_on;
  scope.spawn(run_and_record(pool, loop, worked_on, resumed_on));
  loop.run();
  EXPECT_NE(worked_on, std::this_thread::get_id());
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST(WorkPool, FinishesQueuedWorkBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    WorkPool pool(3);
    for (int i = 0; i < 1000; ++i) pool.submit([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

}  // namespace
}  // namespace lambent::net
