// The loop's inside, for net/*.cpp only: one epoll set, timers by their time, and posted work.
//
// A round of the loop: wait for events, call the timers whose time has come, wake who waits for the events, run what
// had been posted by then. Events are seen by all before anyone is woken, so that what is asked of one descriptor while
// another is served is as fresh as the round.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "net/loop.h"

namespace lambent::net {

using LoopTime = std::chrono::steady_clock::time_point;

// A descriptor in the loop's epoll set, edge-triggered: the kernel tells of each change once. Does not own the
// descriptor, which must stay open until this object is gone or has left().
class Watch {
 public:
  Watch(Loop::Impl& loop, int fd);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Whether a read may find something: false from drained() until the kernel tells of something new.
  [[nodiscard]] bool may_read() const { return may_read_; }
  // A read found nothing, or less than it asked for. After the peer's end, which comes behind what it sent, reading
  // goes on.
  void drained() { may_read_ = at_end_; }

  // One waiter of each kind at a time. The first: until may_read().
  void wait_for_read(Loop::Waiter& waiter);
  // Until a read finds something, whatever was read before. A system call.
  void wait_for_readable(Loop::Waiter& waiter);
  // Whether the loop has looked since and heard of nothing.
  [[nodiscard]] bool is_known_unready() const;
  // Until a write finds room. Two system calls.
  void wait_for_write(Loop::Waiter& waiter);
  // Wakes who waits, later, from the loop.
  void wake_all();
  // Nobody is woken any more.
  void forget_waiters();
  // Out of the set: whoever waits after this is woken at once.
  void leave();

 private:
  friend struct Loop::Impl;

  void tell(std::uint32_t events);
  void wake(Loop::Waiter*& place);
  void change(std::uint32_t events);

  Loop::Impl& loop_;
  int fd_;
  bool is_in_set_;  // a plain file never is: it is always ready
  bool may_read_ = true;
  bool at_end_ = false;
  std::uint64_t asked_in_ = 0;  // the round of the last wait_for_readable()
  Loop::Waiter* reader_ = nullptr;
  Loop::Waiter* writer_ = nullptr;
};

// A place among the loop's timers. It moves to its time only when the time that it has there comes: what is armed anew
// by every call costs no more than a number.
class TimerPlace {
 public:
  explicit TimerPlace(Loop::Impl& loop) : loop_(loop) {}
  virtual ~TimerPlace();
  TimerPlace(const TimerPlace&) = delete;
  TimerPlace& operator=(const TimerPlace&) = delete;

  void arm(LoopTime at);
  void disarm();
  [[nodiscard]] bool is_armed() const { return is_armed_; }

 protected:
  virtual void on_time() = 0;  // disarmed by then

 private:
  friend struct Loop::Impl;
  Loop::Impl& loop_;
  LoopTime at_{};     // while armed
  LoopTime place_{};  // while placed: not after at_
  bool is_armed_ = false;
  bool is_placed_ = false;
};

struct Loop::Impl {
  Impl();
  ~Impl();

  void run(bool until_idle);
  void post(std::move_only_function<void()> work);
  void stop();

 private:
  friend class Watch;
  friend class TimerPlace;
  using Work = std::vector<std::move_only_function<void()>>;
  struct Due {
    Watch* watch;  // null: gone meanwhile
    std::uint32_t events;
  };

  [[nodiscard]] bool is_idle();
  void do_round();
  [[nodiscard]] int patience();
  void wait_for_events(int milliseconds);
  void wake_waiters();
  void run_timers();
  void run_posted();
  void take_foreign();
  void wake_up();
  void place(TimerPlace& timer, LoopTime at);

  UniqueFd epoll_;
  UniqueFd alarm_;            // eventfd: other threads wake the loop by it
  std::vector<Due> due_;      // to be served in the next round
  std::vector<Due> serving_;  // in this one
  std::set<std::pair<LoopTime, TimerPlace*>> timers_;
  std::uint64_t round_ = 0;
  std::size_t armed_ = 0;    // timers
  std::size_t waiting_ = 0;  // waiters
  Work posted_;
  Work running_;
  std::atomic<bool> is_stopped_ = false;
  std::atomic<bool> is_alarmed_ = false;
  std::mutex mutex_;
  Work foreign_;  // posted by other threads; under mutex_
};

}  // namespace lambent::net
