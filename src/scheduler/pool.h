// The instances of one revision of a function, and the calls that wait for one.
//
// Calls wait in one queue; whatever instance becomes available first takes the oldest. A call that finds no idle
// instance asks for a new one, unless enough are on their way already (starting, or just answered and about to ask for
// more work). Of the idle ones the most recently used is taken, so that the rest can go to zero.
//
// With Function::isolation "request" an instance ends with its first call.
//
// Where calls take a fraction of a millisecond, more of them at once than there are processors only get in each other's
// way: then a call waits for an instance that is at work, for a millisecond at most, before it is given another one.
//
// Where INIT fails again and again, a start is tried once for all calls that wait, after a pause that doubles up to
// limits.init_backoff, and its error goes to all of them: a function that cannot start does not keep the host busy.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "instance/instance.h"
#include "net/one_shot.h"
#include "net/task.h"
#include "net/timer.h"
#include "scheduler/readiness.h"

namespace lambent::scheduler {

// Allows starts: a host-wide bound on instances that start at the same time, shared fairly between pools.
class StartGate {
 public:
  using Start = std::uint64_t;  // names one that was allowed

  virtual ~StartGate() = default;
  // Calls `go` when a start is allowed, at once or later; each go is followed by one done() of its start. `asker`
  // tells whose turn it is: askers are served in turn, whatever the number of their asks.
  virtual void ask(const void* asker, std::function<void(Start)> go) = 0;
  virtual void done(Start start) = 0;
};

class Pool final : instance::Instance::Observer {
 public:
  // No instance could be made; the text says why.
  using Outcome = std::expected<instance::InvocationResult, std::string>;

  // `around`, `gate` must outlive the pool. `on_empty` is called, from the loop, when a retired pool has neither
  // instances nor calls left.
  Pool(instance::Surroundings& around, StartGate& gate, catalog::FunctionPtr function, instance::Runtime runtime,
       std::function<void()> on_empty);
  ~Pool() override;  // only without instances and calls
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // `call` must stay until then.
  net::Task<Outcome> run(instance::CallToRun& call);
  // No longer the function's current revision: idle instances end now, others after their call.
  void retire();
  // Everything ends now; calls in flight get Ending::stopped.
  void stop();
  // Down to the number that is kept ready.
  void end_idle_since_before(Monotonic moment);
  // From now on so many instances are initialized before a call needs them, and stay.
  void keep_ready(std::size_t count);
  [[nodiscard]] Readiness readiness() const;

  [[nodiscard]] std::size_t instances() const { return members_.size(); }
  [[nodiscard]] bool is_empty() const { return members_.empty() && running_ == 0 && asked_ == 0; }

 private:
  // What a waiting call is given: an instance, or the reason why there is none.
  using Assignment = std::expected<instance::Instance*, std::string>;

  void on_available(instance::Instance& instance) override;
  void on_init_timeout(instance::Instance& instance) override;
  void on_ended(instance::Instance& instance, const std::string& launch_error) override;

  struct Member {
    enum class Place {
      starting,  // on its way, counted at the gate
      idle,
      taken,     // by a call
      answered,  // its call has its answer; it will ask for more work in a moment
    };
    std::unique_ptr<instance::Instance> instance;
    Place place = Place::starting;
    Monotonic since;
    StartGate::Start start = 0;  // while it is starting
  };

  struct Waiting {
    net::OneShot<Assignment> assigned;
    bool is_background;
    Monotonic since;
  };

  void pump();
  void ask_for_one();
  // The call that is served next: one that somebody waits for before one that waits in a queue of its own.
  net::OneShot<Assignment> take_waiting();
  [[nodiscard]] std::size_t missing() const;
  void note_duration(const instance::InvocationResult& result);
  void probe();
  [[nodiscard]] bool is_brisk(Monotonic now) const;
  [[nodiscard]] std::size_t at_work() const;
  [[nodiscard]] std::size_t unheld(Monotonic now) const;
  [[nodiscard]] bool is_held(const Waiting& waiting, Monotonic now) const;
  void start_one(StartGate::Start start, std::chrono::nanoseconds queued);
  void count_init(bool has_failed);
  void give_error_away(instance::Instance& failed);
  [[nodiscard]] bool is_failing() const;
  [[nodiscard]] std::size_t wanted() const;
  void start_within_a_call();
  void note_init(bool succeeded);
  Member& make(instance::InitPhase phase, Member::Place place);
  Member& member(const instance::Instance& instance);
  void leave_start(Member& member);
  [[nodiscard]] Member* most_recently_used();
  [[nodiscard]] std::size_t coming() const;
  void check_empty();

  instance::Surroundings& around_;
  StartGate& gate_;
  catalog::FunctionPtr function_;
  instance::Runtime runtime_;
  std::function<void()> on_empty_;
  std::list<Member> members_;  // stays put while instances come and go: starting one may make another
  std::deque<Waiting> queue_;  // those in the background last
  std::optional<std::chrono::nanoseconds> typical_;  // a moving mean of how long calls take that have a processor each
  Monotonic probe_end_{};
  Monotonic next_probe_{};
  net::Timer hold_;        // until a waiting call is held no longer
  std::size_t ready_ = 0;  // instances to keep
  net::Timer recovery_;    // after a failed INIT of one that is kept ready
  std::chrono::milliseconds recovery_wait_;
  bool init_failed_ = false;
  std::size_t asked_ = 0;    // starts waiting at the gate
  std::size_t running_ = 0;  // coroutines of run()
  net::Timer patience_;      // for an instance that answered and does not come back for more
  int init_failures_ = 0;    // in a row
  Monotonic next_start_{};   // not before, where INIT fails again and again
  net::Timer pause_;         // until then
  bool retired_ = false;
  bool stopped_ = false;
};

}  // namespace lambent::scheduler
