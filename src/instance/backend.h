// Where an instance's process comes from. Today the process sandbox (process_backend.h); a micro-VM would be another.
//
// Used on the loop's thread only.
#pragma once

#include <expected>
#include <functional>

#include "net/task.h"
#include "sandbox/policy.h"
#include "sandbox/spawner_client.h"

namespace lambent::instance {

class Backend {
 public:
  using OnExit = std::function<void(const sandbox::ExitReport&)>;

  virtual ~Backend() = default;
  // Done when the program runs. `on_exit` is called exactly once after a successful launch, never after a failed one.
  virtual net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> launch(sandbox::Policy policy,
                                                                                OnExit on_exit) = 0;
  // Keeps sandboxes prepared for policies of this kind; see SpawnerClient::keep_ready.
  virtual void keep_ready(std::uint32_t kind, const sandbox::Policy& like, std::uint32_t ready, bool is_template) = 0;
  // Waits until what was launched as a template can be forked (Policy::forked_from); false: it ended before.
  virtual net::Task<bool> forkable(sandbox::ChildId id) = 0;
  // Changes its processor share, in thousandths of a core.
  virtual void set_cpu(sandbox::ChildId id, std::uint32_t millicores) = 0;
  // Ends it with everything in it; on_exit follows.
  virtual void kill(sandbox::ChildId id) = 0;
};

// Makes sandboxes through the spawner. The client must outlive it.
class ProcessBackend final : public Backend {
 public:
  explicit ProcessBackend(sandbox::SpawnerClient& spawner) : spawner_(spawner) {}
  net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> launch(sandbox::Policy policy,
                                                                        OnExit on_exit) override {
    co_return co_await spawner_.launch(policy, std::move(on_exit));
  }
  void keep_ready(std::uint32_t kind, const sandbox::Policy& like, std::uint32_t ready, bool is_template) override {
    spawner_.keep_ready(kind, like, ready, is_template);
  }
  net::Task<bool> forkable(sandbox::ChildId id) override { co_return co_await spawner_.forkable(id); }
  void set_cpu(sandbox::ChildId id, std::uint32_t millicores) override { spawner_.set_cpu(id, millicores); }
  void kill(sandbox::ChildId id) override { spawner_.kill(id); }

 private:
  sandbox::SpawnerClient& spawner_;
};

}  // namespace lambent::instance
