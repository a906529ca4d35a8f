#include "scheduler/pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/log.h"

namespace lambent::scheduler {
namespace {

// An instance that has answered is back within this time, or a waiting call gets another one.
constexpr std::chrono::milliseconds kPatience{20};
// A call whose instance died before the call reached it is given to another, this often.
constexpr int kAttempts = 3;
// So many INITs may fail in a row before starts are spaced out; then the first pause.
constexpr int kFreeFailures = 3;
constexpr std::chrono::milliseconds kFirstPause{100};

}  // namespace

using instance::Instance;

Pool::Pool(instance::Surroundings& around, StartGate& gate, catalog::FunctionPtr function, instance::Runtime runtime,
           std::function<void()> on_empty)
    : around_(around),
      gate_(gate),
      function_(std::move(function)),
      runtime_(std::move(runtime)),
      on_empty_(std::move(on_empty)),
      patience_(around.loop),
      pause_(around.loop) {}

Pool::~Pool() {
  assert(is_empty());
}

net::Task<Pool::Outcome> Pool::run(instance::CallToRun& call) {
  running_++;
  Outcome outcome = std::unexpected(std::string("The instance ended before it took the call"));
  for (int attempt = 0; attempt < kAttempts && !stopped_; ++attempt) {
    const net::OneShot<Assignment> assigned;
    queue_.push_back(assigned);
    pump();
    const Assignment assignment = co_await assigned;
    if (!assignment) {
      outcome = std::unexpected(assignment.error());
      break;
    }
    Instance& chosen = **assignment;
    instance::InvocationResult result = co_await chosen.run(call);
    if (chosen.state() == Instance::State::finishing) {
      Member& answered = member(chosen);
      answered.place = Member::Place::answered;
      answered.since = around_.clock.monotonic();
    }
    const bool reached = result.delivered || result.ending == instance::Ending::stopped;
    outcome = std::move(result);
    if (reached) break;
  }
  running_--;
  check_empty();
  co_return outcome;
}

void Pool::retire() {
  retired_ = true;
  for (Member& each : members_) {
    if (each.place == Member::Place::idle) each.instance->end();
  }
  check_empty();
}

void Pool::stop() {
  stopped_ = true;
  retired_ = true;
  for (const auto& waiting : std::exchange(queue_, {})) {
    around_.loop.post([waiting] { waiting.set(std::unexpected(std::string("The server is stopping"))); });
  }
  for (Member& each : members_) each.instance->end();
  check_empty();
}

void Pool::end_idle_since_before(Monotonic moment) {
  for (Member& each : members_) {
    if (each.place == Member::Place::idle && each.since < moment) each.instance->end();
  }
}

// Gives available instances to waiting calls and sees that enough more are coming.
void Pool::pump() {
  while (!queue_.empty()) {
    Member* free = most_recently_used();
    if (free == nullptr) break;
    free->place = Member::Place::taken;
    const auto waiting = queue_.front();
    queue_.pop_front();
    waiting.set(free->instance.get());
  }
  for (std::size_t i = coming(); i < wanted(); ++i) {
    asked_++;
    gate_.ask(this, [this] {
      asked_--;
      start_one();
    });
  }
  const bool some_answered =
      std::ranges::any_of(members_, [](const Member& each) { return each.place == Member::Place::answered; });
  if (!queue_.empty() && some_answered && !patience_.armed()) {
    patience_.arm(kPatience, [this] { pump(); });
  }
  const Monotonic now = around_.clock.monotonic();
  if (!queue_.empty() && is_failing() && now < next_start_ && !pause_.armed()) {
    pause_.arm(next_start_ - now, [this] { pump(); });
  }
}

bool Pool::is_failing() const {
  return init_failures_ >= kFreeFailures;
}

// How many instances the waiting calls justify.
std::size_t Pool::wanted() const {
  if (!is_failing()) return queue_.size();
  return around_.clock.monotonic() < next_start_ ? 0 : std::min<std::size_t>(1, queue_.size());
}

void Pool::count_init(bool has_failed) {
  if (!has_failed) {
    init_failures_ = 0;
    return;
  }
  init_failures_++;
  if (!is_failing()) return;
  if (init_failures_ == kFreeFailures) {
    log::warning("function {}: INIT failed {} times in a row; from now on its starts are spaced", function_->name,
                 init_failures_);
  }
  const int doublings = std::min(init_failures_ - kFreeFailures, 20);
  const auto pause = std::min(around_.limits.init_backoff, kFirstPause * (1 << doublings));
  next_start_ = around_.clock.monotonic() + pause;
}

// Nothing where no instance is idle. An instance that is ending stays a member until it is gone, and is passed over.
Pool::Member* Pool::most_recently_used() {
  Member* best = nullptr;
  for (Member& each : members_) {
    if (each.place != Member::Place::idle || !each.instance->is_usable()) continue;
    if (best == nullptr || each.since > best->since) best = &each;
  }
  return best;
}

// Instances that will be available without anything more being done.
std::size_t Pool::coming() const {
  const Monotonic now = around_.clock.monotonic();
  return asked_ + static_cast<std::size_t>(std::ranges::count_if(members_, [&](const Member& each) {
           return each.place == Member::Place::starting ||
                  (each.place == Member::Place::answered && now - each.since < kPatience);
         }));
}

void Pool::start_one() {
  const auto starting = static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const Member& each) { return each.place == Member::Place::starting; }));
  // The calls that asked for it may have been served meanwhile.
  if (stopped_ || wanted() <= starting) {
    gate_.done(this);
    check_empty();
    return;
  }
  make(instance::InitPhase::ahead, Member::Place::starting).instance->start();
}

// INIT took longer than its own limit: it gets the first call's timeout, bound to that call.
void Pool::start_within_a_call() {
  if (queue_.empty() || stopped_) return;
  Instance& bound = *make(instance::InitPhase::within_a_call, Member::Place::taken).instance;
  const auto waiting = queue_.front();
  queue_.pop_front();
  bound.start();
  waiting.set(&bound);
}

Pool::Member& Pool::make(instance::InitPhase phase, Member::Place place) {
  Observer& self = *this;
  return members_.emplace_back(std::make_unique<Instance>(around_, function_, runtime_, phase, self), place,
                               around_.clock.monotonic());
}

Pool::Member& Pool::member(const Instance& instance) {
  const auto it = std::ranges::find_if(members_, [&](const Member& each) { return each.instance.get() == &instance; });
  assert(it != members_.end());
  return *it;
}

// It is available or gone: the gate lets the next one start.
void Pool::leave_start(Member& of) {
  if (of.place != Member::Place::starting) return;
  of.place = Member::Place::taken;
  gate_.done(this);
}

void Pool::on_available(Instance& instance) {
  Member& of = member(instance);
  const bool has_failed = instance.state() == Instance::State::failed;
  count_init(has_failed);  // first: leaving the start may begin another one
  leave_start(of);
  if (!instance.is_usable()) return;
  if (has_failed) return give_error_away(instance);
  if (retired_ && (queue_.empty() || stopped_)) {
    instance.end();
    return;
  }
  of.place = Member::Place::idle;
  of.since = around_.clock.monotonic();
  pump();
}

void Pool::give_error_away(Instance& failed) {
  for (std::size_t left = is_failing() ? queue_.size() : 1; left > 0 && !queue_.empty(); --left) {
    const auto waiting = queue_.front();
    queue_.pop_front();
    waiting.set(&failed);
  }
  failed.end();
  if (!stopped_) pump();
}

void Pool::on_init_timeout(Instance& instance) {
  leave_start(member(instance));
  start_within_a_call();
}

void Pool::on_ended(Instance& instance, const std::string& launch_error) {
  leave_start(member(instance));
  std::erase_if(members_, [&](const Member& each) { return each.instance.get() == &instance; });
  if (!launch_error.empty() && !queue_.empty()) {
    const auto waiting = queue_.front();
    queue_.pop_front();
    waiting.set(std::unexpected(launch_error));
  }
  if (!stopped_) pump();
  check_empty();
}

void Pool::check_empty() {
  if (retired_ && is_empty()) around_.loop.post(on_empty_);
}

}  // namespace lambent::scheduler
