// One event loop: readiness of descriptors, timers and work posted from other threads, on exactly one thread.
//
// Everything that hangs off a loop (streams, listeners, timers, scopes, tasks) is used only on the loop's thread;
// post() and stop() are the only members that other threads may call.
#pragma once

#include <functional>
#include <memory>

namespace lambent::net {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(), even when there is nothing to do.
  void run();
  // Runs until there is nothing left to do (no posted work, no armed timer, no descriptor waited for): for tests.
  void run_until_idle();
  // Makes run() return soon: the one that is under way, else the next one. Thread-safe.
  void stop();
  // Queues work to run on the loop's thread, in order, never inside this call. Thread-safe.
  void post(std::move_only_function<void()> work);

  // For net/ only: who waits for a descriptor. Woken once for each wait, from the loop; may wait again from there.
  class Waiter {
   public:
    virtual void on_ready() = 0;

   protected:
    ~Waiter() = default;
  };
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambent::net
