// Invocation on this machine: admission, the scheduler, the usage ledger, and the durable queue of asynchronous calls.
//
// Used on the loop's thread only.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>

#include "base/call_limits.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "instance/runtime_set.h"
#include "invoke/concurrency.h"
#include "invoke/invoker.h"
#include "net/scope.h"
#include "scheduler/scheduler.h"
#include "telemetry/usage_ledger.h"

namespace lambent::invoke {

class EventQueue;

class LocalInvoker final : public Invoker, public RuntimeCatalog {
 public:
  struct Parts {
    scheduler::Scheduler& scheduler;
    const instance::RuntimeSet& runtimes;
    telemetry::UsageLedger& ledger;
    const Clock& clock;
    Random& random;
    const Limits& limits;
    const CallLimits& calls;
  };

  explicit LocalInvoker(Parts parts) : parts_(parts), concurrency_(parts.limits.account_concurrency) {}

  // Asynchronous calls go to this queue, which calls invoke() in turn; both outlive each other's use. Set once.
  void use_queue(EventQueue& queue) { queue_ = &queue; }

  net::Task<InvokeResult<Answer>> invoke(Call call) override;
  net::Task<InvokeResult<std::string>> enqueue(Call call) override;
  InvokeResult<void> check(const Call& call) override;
  void expect(const std::string& runtime) override;
  void retire(const catalog::Function& former) override { parts_.scheduler.retire(former); }
  void follow(const catalog::Entry& entry) override;
  void forget(const std::string& name) override;
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr version) override {
    return parts_.scheduler.make_snapshot(std::move(version));
  }
  [[nodiscard]] scheduler::Readiness readiness(const catalog::Function& version) const override {
    return parts_.scheduler.readiness(version);
  }
  [[nodiscard]] std::expected<void, std::string> can_run(const std::string& runtime) const override;

  // Of extensions, after the answer of a call that invoke() has recorded.
  void record_after_answer(const catalog::Function& function, const std::string& request_id, std::uint32_t billed_ms);

  // From now on every call is refused with Kind::stopping.
  void refuse_calls() { stopping_ = true; }
  // Synchronous and asynchronous calls that run now.
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

 private:
  [[nodiscard]] InvokeResult<void> admit(const Call& call) const;
  void record(const Call& call, const instance::InvocationResult& result);
  void append(telemetry::UsageRecord usage, const catalog::Function& function, const std::string& request_id);

  Parts parts_;
  Concurrency concurrency_;
  std::unordered_set<std::string> may_recurse_;  // functions whose loops are not stopped
  EventQueue* queue_ = nullptr;
  std::size_t in_flight_ = 0;
  bool stopping_ = false;
};

}  // namespace lambent::invoke
