#include "net/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "net/loop_impl.h"

namespace lambent::net {
namespace {

constexpr int kEventsARound = 256;
constexpr std::uint32_t kInterest = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t kForReader = EPOLLIN | kEnd;
constexpr std::uint32_t kForWriter = EPOLLOUT | EPOLLHUP | EPOLLERR;

// The loop that this thread runs.
thread_local const Loop::Impl* running_here = nullptr;

UniqueFd made(int fd, const char* what) {
  if (fd < 0) {
    log::error("event loop: {}: {}", what, Error::from_errno(what, "").message());
    std::abort();  // nothing can be done without one, and it is made at the start
  }
  return UniqueFd(fd);
}

}  // namespace

Watch::Watch(Loop::Impl& loop, int fd) : loop_(loop), fd_(fd) {
  epoll_event event{.events = kInterest, .data = {.ptr = this}};
  is_in_set_ = epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_ADD, fd_, &event) == 0;
}

Watch::~Watch() {
  forget_waiters();
  leave();
  for (auto* list : {&loop_.due_, &loop_.serving_}) {
    for (auto& due : *list) {
      if (due.watch == this) due.watch = nullptr;
    }
  }
}

void Watch::change(std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = this}};
  if (is_in_set_) epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_MOD, fd_, &event);
}

void Watch::wait_for_read(Loop::Waiter& waiter) {
  assert(reader_ == nullptr);
  reader_ = &waiter;
  loop_.waiting_++;
  if (may_read_ || !is_in_set_) wake_all();
}

void Watch::wait_for_readable(Loop::Waiter& waiter) {
  may_read_ = at_end_ = false;
  wait_for_read(waiter);
  change(kInterest);  // is told again of what is there
  asked_in_ = loop_.round_;
}

bool Watch::is_known_unready() const {
  return !may_read_ && asked_in_ < loop_.round_;
}

void Watch::wait_for_write(Loop::Waiter& waiter) {
  assert(writer_ == nullptr);
  writer_ = &waiter;
  loop_.waiting_++;
  change(kInterest | EPOLLOUT);
  if (!is_in_set_) wake_all();
}

void Watch::wake_all() {
  loop_.due_.push_back({this, kForReader | kForWriter});
}

void Watch::forget_waiters() {
  for (Loop::Waiter** place : {&reader_, &writer_}) {
    if (std::exchange(*place, nullptr) != nullptr) loop_.waiting_--;
  }
}

void Watch::leave() {
  if (std::exchange(is_in_set_, false)) epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
}

void Watch::tell(std::uint32_t events) {
  if ((events & kForReader) != 0) may_read_ = true;
  if ((events & kEnd) != 0) at_end_ = true;
}

void Watch::wake(Loop::Waiter*& place) {
  Loop::Waiter* const waiter = std::exchange(place, nullptr);
  if (waiter == nullptr) return;
  loop_.waiting_--;
  waiter->on_ready();
}

TimerPlace::~TimerPlace() {
  disarm();
  if (is_placed_) loop_.timers_.erase({place_, this});
}

void TimerPlace::arm(LoopTime at) {
  if (!std::exchange(is_armed_, true)) loop_.armed_++;
  at_ = at;
  if (!is_placed_ || at < place_) loop_.place(*this, at);
}

void TimerPlace::disarm() {
  if (std::exchange(is_armed_, false)) loop_.armed_--;
}

Loop::Impl::Impl()
    : epoll_(made(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      alarm_(made(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, alarm_.get(), &event);
}

// What is still posted may own what hangs off the loop.
Loop::Impl::~Impl() {
  foreign_.clear();
  posted_.clear();
}

void Loop::Impl::run(bool until_idle) {
  if (until_idle) is_stopped_ = false;
  const auto* outer = std::exchange(running_here, this);
  while (!is_stopped_ && !(until_idle && is_idle())) do_round();
  is_stopped_ = false;
  running_here = outer;
}

bool Loop::Impl::is_idle() {
  take_foreign();
  return posted_.empty() && due_.empty() && armed_ == 0 && waiting_ == 0;
}

void Loop::Impl::do_round() {
  take_foreign();
  wait_for_events(patience());
  take_foreign();
  wake_waiters();
  run_timers();
  run_posted();
}

// Of epoll_wait, in milliseconds; -1: for ever.
int Loop::Impl::patience() {
  if (!posted_.empty() || !due_.empty() || is_stopped_) return 0;
  while (!timers_.empty()) {
    TimerPlace& first = *timers_.begin()->second;
    if (!first.is_armed_) {
      timers_.erase(timers_.begin());
      first.is_placed_ = false;
    } else if (first.at_ > first.place_) {
      place(first, first.at_);
    } else {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(first.at_ - std::chrono::steady_clock::now());
      return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
  }
  return -1;
}

void Loop::Impl::wait_for_events(int milliseconds) {
  std::array<epoll_event, kEventsARound> events;
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsARound, milliseconds);
  round_++;
  serving_.swap(due_);
  for (int i = 0; i < count; ++i) {
    auto* watch = static_cast<Watch*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (watch != nullptr) serving_.push_back({watch, events[static_cast<std::size_t>(i)].events});
  }
  for (const Due& due : serving_) {
    if (due.watch != nullptr) due.watch->tell(due.events);
  }
}

void Loop::Impl::wake_waiters() {
  for (std::size_t i = 0; i < serving_.size(); ++i) {
    if (serving_[i].watch != nullptr && (serving_[i].events & kForReader) != 0) {
      serving_[i].watch->wake(serving_[i].watch->reader_);
    }
    if (serving_[i].watch != nullptr && (serving_[i].events & kForWriter) != 0 && serving_[i].watch->writer_) {
      serving_[i].watch->change(kInterest);
      serving_[i].watch->wake(serving_[i].watch->writer_);
    }
  }
  serving_.clear();
}

void Loop::Impl::place(TimerPlace& timer, LoopTime at) {
  if (timer.is_placed_) timers_.erase({timer.place_, &timer});
  timer.place_ = at;
  timer.is_placed_ = true;
  timers_.emplace(at, &timer);
}

void Loop::Impl::run_timers() {
  if (timers_.empty()) return;
  const LoopTime now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    TimerPlace& first = *timers_.begin()->second;
    if (first.is_armed_ && first.at_ > now) {
      place(first, first.at_);
      continue;
    }
    timers_.erase(timers_.begin());
    first.is_placed_ = false;
    if (!first.is_armed_) continue;
    first.disarm();
    first.on_time();
  }
}

// What they post is for the next round.
void Loop::Impl::run_posted() {
  running_.swap(posted_);
  for (auto& work : running_) work();
  running_.clear();
}

void Loop::Impl::post(std::move_only_function<void()> work) {
  if (running_here == this) {
    posted_.push_back(std::move(work));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    foreign_.push_back(std::move(work));
  }
  wake_up();
}

void Loop::Impl::stop() {
  is_stopped_ = true;
  wake_up();
}

// It is never read: each write is one more event.
void Loop::Impl::wake_up() {
  if (is_alarmed_.exchange(true)) return;
  const std::uint64_t one = 1;
  std::ignore = write(alarm_.get(), &one, sizeof one);
}

void Loop::Impl::take_foreign() {
  if (!is_alarmed_.load(std::memory_order_relaxed) || !is_alarmed_.exchange(false)) return;
  const std::lock_guard lock(mutex_);
  std::ranges::move(foreign_, std::back_inserter(posted_));
  foreign_.clear();
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->run(false);
}

void Loop::run_until_idle() {
  impl_->run(true);
}

void Loop::stop() {
  impl_->stop();
}

void Loop::post(std::move_only_function<void()> work) {
  impl_->post(std::move(work));
}

}  // namespace lambent::net
