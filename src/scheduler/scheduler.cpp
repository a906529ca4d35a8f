#include "scheduler/scheduler.h"

#include <algorithm>
#include <cassert>

#include "instance/companions.h"
#include "instance/snapshots.h"

namespace lambent::scheduler {

Scheduler::Scheduler(instance::Surroundings& around, const instance::RuntimeSet& runtimes, std::size_t starts_at_once,
                     std::uint32_t ready)
    : around_(around),
      ready_(ready),
      runtimes_(runtimes),
      gate_(around.loop, around.clock, starts_at_once),
      sweeper_(around.loop) {
  sweep();
}

Scheduler::~Scheduler() {
  assert(pools_.empty());
}

net::Task<Pool::Outcome> Scheduler::run(catalog::FunctionPtr function, instance::CallToRun& call) {
  const auto pool = pool_of(function);
  if (!pool) co_return std::unexpected(pool.error());
  co_return co_await (*pool)->run(call);
}

std::expected<Pool*, std::string> Scheduler::pool_of(const catalog::FunctionPtr& function) {
  if (stopped_) return std::unexpected(std::string("The server is stopping"));
  Key key(function->name, function->configuration_id);
  if (const auto it = pools_.find(key); it != pools_.end()) return it->second.get();
  auto runtime = runtimes_.find(function->runtime);
  if (!runtime) return std::unexpected(runtime.error());
  expect(*runtime);
  auto pool =
      std::make_unique<Pool>(around_, gate_, function, *std::move(runtime), [this, key] { remove_if_empty(key); });
  return pools_.emplace(std::move(key), std::move(pool)).first->second.get();
}

void Scheduler::expect(const instance::Runtime& runtime) {
  if (ready_ == 0 || runtime.start_kind == 0 || !expected_.insert(runtime.start_kind).second) return;
  const auto kind = instance::start_kind(runtime, around_.platform, around_.limits, around_.network.has_gates());
  around_.backend.keep_ready(kind.number, kind.like, ready_, kind.is_template);
}

net::Task<instance::SnapshotOutcome> Scheduler::make_snapshot(catalog::FunctionPtr version) {
  using Kind = instance::SnapshotOutcome::Kind;
  const auto outcome = [](Kind kind, std::string why) { return instance::SnapshotOutcome{kind, std::move(why)}; };
  if (stopped_) co_return outcome(Kind::stopped, {});
  if (around_.snapshots == nullptr) co_return outcome(Kind::unavailable, "nothing is forked here");
  auto runtime = runtimes_.find(version->runtime);
  if (!runtime) co_return outcome(Kind::unavailable, runtime.error());
  if (!instance::wants_snapshot(*version, *runtime, around_.snapshots->settings())) {
    co_return outcome(Kind::unsuitable, "instances of its runtime, or with an exec wrapper, are not forked");
  }
  if (!instance::external_extensions(*version).empty()) {
    co_return outcome(Kind::unsuitable, "instances with external extensions are not forked");
  }
  co_return co_await around_.snapshots->make_ahead(std::move(version), *std::move(runtime));
}

void Scheduler::retire(const catalog::Function& function) {
  if (around_.snapshots != nullptr) around_.snapshots->retire(function);
  if (const auto it = pools_.find(Key(function.name, function.configuration_id)); it != pools_.end()) {
    it->second->retire();
  }
}

void Scheduler::keep_ready(const std::string& function_name, const std::vector<Provision>& wanted) {
  for (auto it = pools_.lower_bound(Key(function_name, "")); it != pools_.end() && it->first.first == function_name;
       ++it) {
    const bool stays = std::ranges::any_of(
        wanted, [&](const Provision& each) { return each.function->configuration_id == it->first.second; });
    if (!stays) it->second->keep_ready(0);
  }
  for (const Provision& each : wanted) {
    if (const auto pool = pool_of(each.function)) (*pool)->keep_ready(each.count);
  }
}

Readiness Scheduler::readiness(const catalog::Function& function) const {
  const auto it = pools_.find(Key(function.name, function.configuration_id));
  return it == pools_.end() ? Readiness{} : it->second->readiness();
}

std::size_t Scheduler::instances(const std::string& function_name) const {
  std::size_t count = 0;
  for (auto it = pools_.lower_bound(Key(function_name, "")); it != pools_.end() && it->first.first == function_name;
       ++it) {
    count += it->second->instances();
  }
  return count;
}

std::size_t Scheduler::instances() const {
  std::size_t count = 0;
  for (const auto& [key, pool] : pools_) count += pool->instances();
  return count;
}

net::Task<> Scheduler::stop() {
  stopped_ = true;
  sweeper_.cancel();
  for (const auto& [key, pool] : pools_) pool->stop();
  if (!pools_.empty()) std::ignore = co_await empty_;
}

void Scheduler::remove_if_empty(const Key& key) {
  const auto it = pools_.find(key);
  if (it == pools_.end() || !it->second->is_empty()) return;
  pools_.erase(it);
  if (stopped_ && pools_.empty()) empty_.set(true);
}

// Scale to zero: an instance ends between one and one and a quarter idle times after its last call.
void Scheduler::sweep() {
  const auto idle_time = around_.limits.idle_timeout;
  const Monotonic now = around_.clock.monotonic();
  for (const auto& [key, pool] : pools_) pool->end_idle_since_before(now - idle_time);
  sweeper_.arm(std::max<std::chrono::milliseconds>(idle_time / 4, std::chrono::milliseconds(10)), [this] { sweep(); });
}

}  // namespace lambent::scheduler
