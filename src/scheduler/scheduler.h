// Which instance runs a call: one pool per code and configuration, scale out on demand, scale to zero when idle.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "instance/instance.h"
#include "instance/runtime_set.h"
#include "instance/snapshot_outcome.h"
#include "net/one_shot.h"
#include "net/task.h"
#include "net/timer.h"
#include "scheduler/pool.h"
#include "scheduler/start_gate.h"

namespace lambent::scheduler {

class Scheduler {
 public:
  // `around` and `runtimes` must outlive the scheduler.
  // `ready` sandboxes are kept prepared for cold starts of each kind (instance::StartKind); 0: none.
  Scheduler(instance::Surroundings& around, const instance::RuntimeSet& runtimes, std::size_t starts_at_once,
            std::uint32_t ready = 0);
  // stop() must have been awaited.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Runs the call on an instance of exactly this code and configuration. The error says why there is no instance:
  // the runtime is missing, the sandbox could not be made, the server stops. `call` must stay until then.
  net::Task<Pool::Outcome> run(catalog::FunctionPtr function, instance::CallToRun& call);
  // Functions of this runtime may be called soon: from the first time on, sandboxes are kept ready for them.
  void expect(const instance::Runtime& runtime);
  // Of a version that was published with SnapStart: makes the template that its instances will be forks of, and waits
  // for the end of its INIT.
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr version);
  // This code and configuration are no longer called: its instances end after their call.
  void retire(const catalog::Function& function);
  // Keeps so many instances of these versions of one function ready, and of no others of it.
  struct Provision {
    catalog::FunctionPtr function;
    std::size_t count;
  };
  void keep_ready(const std::string& function_name, const std::vector<Provision>& wanted);
  [[nodiscard]] Readiness readiness(const catalog::Function& function) const;
  // True where an instance of any revision of the function lives: its unpacked code is in use.
  [[nodiscard]] std::size_t instances(const std::string& function_name) const;
  [[nodiscard]] std::size_t instances() const;
  // Ends every instance and waits for that. Calls in flight get Ending::stopped.
  net::Task<> stop();

 private:
  // Name and configuration_id, so that all pools of one function stand together.
  using Key = std::pair<std::string, std::string>;

  std::expected<Pool*, std::string> pool_of(const catalog::FunctionPtr& function);
  void remove_if_empty(const Key& key);
  void sweep();

  instance::Surroundings& around_;
  std::uint32_t ready_;
  std::set<std::uint32_t> expected_;  // kinds
  const instance::RuntimeSet& runtimes_;
  BoundedStartGate gate_;
  std::map<Key, std::unique_ptr<Pool>> pools_;
  net::Timer sweeper_;
  net::OneShot<bool> empty_;
  bool stopped_ = false;
};

}  // namespace lambent::scheduler
