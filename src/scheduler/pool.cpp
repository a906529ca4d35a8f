#include "scheduler/pool.h"

#include <algorithm>
#include <cassert>
#include <thread>
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
// Calls that take less than this one after the other are better served by few instances, whose memory stays in the
// processors' caches, than by one instance each. Far below what a start takes.
constexpr std::chrono::microseconds kBrisk{250};
// But a call waits this long at most, as another one may take longer than usual.
constexpr std::chrono::milliseconds kHold{2};
// How long a call takes shows only while no more of them run than there are processors. Where more do, calls are held
// for a moment this often, to see it.
constexpr std::chrono::seconds kProbe{1};

// Asked for once: the answer is read from a file of the kernel's.
std::size_t processors() {
  static const std::size_t kCount = std::max(2U, std::thread::hardware_concurrency());
  return kCount;
}
// An instance that is kept ready and fails its INIT is made again after a wait that doubles.
constexpr std::chrono::milliseconds kFirstRecovery{1'000};
constexpr std::chrono::milliseconds kLastRecovery{300'000};

}  // namespace

using instance::Instance;

Pool::Pool(instance::Surroundings& around, StartGate& gate, catalog::FunctionPtr function, instance::Runtime runtime,
           std::function<void()> on_empty)
    : around_(around),
      gate_(gate),
      function_(std::move(function)),
      runtime_(std::move(runtime)),
      on_empty_(std::move(on_empty)),
      hold_(around.loop),
      recovery_(around.loop),
      recovery_wait_(kFirstRecovery),
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
    const auto behind = call.is_background ? queue_.end() : std::ranges::find_if(queue_, &Waiting::is_background);
    queue_.insert(behind, Waiting{assigned, call.is_background, around_.clock.monotonic()});
    pump();
    const Assignment assignment = co_await assigned;
    if (!assignment) {
      outcome = std::unexpected(assignment.error());
      break;
    }
    Instance& chosen = **assignment;
    const bool is_crowded = at_work() > processors();
    instance::InvocationResult result = co_await chosen.run(call);
    if (function_->isolation == catalog::kIsolationRequest) {
      chosen.end();
    } else if (chosen.state() == Instance::State::finishing) {
      Member& answered = member(chosen);
      answered.place = Member::Place::answered;
      answered.since = around_.clock.monotonic();
    }
    if (!is_crowded) note_duration(result);
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
  ready_ = 0;
  for (Member& each : members_) {
    if (each.place == Member::Place::idle) each.instance->end();
  }
  check_empty();
}

void Pool::stop() {
  stopped_ = true;
  retired_ = true;
  recovery_.cancel();
  for (const auto& [waiting, is_background, since] : std::exchange(queue_, {})) {
    around_.loop.post([waiting] { waiting.set(std::unexpected(std::string("The server is stopping"))); });
  }
  for (Member& each : members_) each.instance->end();
  check_empty();
}

void Pool::end_idle_since_before(Monotonic moment) {
  auto left = static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const Member& each) { return each.instance->is_usable(); }));
  for (Member& each : members_) {
    if (left <= ready_) return;
    if (each.place != Member::Place::idle || each.since >= moment || !each.instance->is_usable()) continue;
    each.instance->end();
    left--;
  }
}

void Pool::keep_ready(std::size_t count) {
  if (retired_) return;
  ready_ = count;
  init_failed_ = false;
  recovery_.cancel();
  recovery_wait_ = kFirstRecovery;
  pump();
}

Readiness Pool::readiness() const {
  using State = Instance::State;
  Readiness now{.wanted = ready_, .failed = init_failed_};
  std::size_t initialized = 0;
  std::size_t idle = 0;
  for (const Member& each : members_) {
    const State state = each.instance->state();
    if (!each.instance->is_usable() || state == State::starting || state == State::failed) continue;
    initialized++;
    if (each.place == Member::Place::idle) idle++;
  }
  now.allocated = std::min(initialized, ready_);
  now.available = std::min(idle, now.allocated);
  return now;
}

// Instances that are to be kept ready and neither live nor are on their way.
std::size_t Pool::missing() const {
  if (recovery_.armed()) return 0;
  const auto live = static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const Member& each) { return each.instance->is_usable(); }));
  return ready_ > live ? ready_ - live : 0;
}

net::OneShot<Pool::Assignment> Pool::take_waiting() {
  const auto next = queue_.front().assigned;
  queue_.pop_front();
  return next;
}

// Gives available instances to waiting calls and sees that enough more are coming.
void Pool::pump() {
  probe();
  while (!queue_.empty() && !is_held(queue_.front(), around_.clock.monotonic())) {
    Member* free = most_recently_used();
    if (free == nullptr) break;
    free->place = Member::Place::taken;
    take_waiting().set(free->instance.get());
  }
  for (std::size_t i = coming(); i < wanted(); ++i) ask_for_one();
  for (std::size_t i = asked_; i < missing(); ++i) ask_for_one();
  const bool some_answered =
      std::ranges::any_of(members_, [](const Member& each) { return each.place == Member::Place::answered; });
  if (!queue_.empty() && some_answered && !patience_.armed()) {
    patience_.arm(kPatience, [this] { pump(); });
  }
  const Monotonic now = around_.clock.monotonic();
  if (!queue_.empty() && is_held(queue_.front(), now) && !hold_.armed()) {
    hold_.arm(kHold, [this] { pump(); });
  }
  if (!queue_.empty() && is_failing() && now < next_start_ && !pause_.armed()) {
    pause_.arm(next_start_ - now, [this] { pump(); });
  }
}

void Pool::note_duration(const instance::InvocationResult& result) {
  if (!result.delivered) return;
  typical_ = typical_ ? (7 * *typical_ + result.duration) / 8 : result.duration;
}

void Pool::probe() {
  const Monotonic now = around_.clock.monotonic();
  if (now < next_probe_ || at_work() <= processors()) return;
  probe_end_ = now + kHold;
  next_probe_ = now + kProbe;
}

bool Pool::is_brisk(Monotonic now) const {
  if (function_->isolation == catalog::kIsolationRequest) return false;
  return now < probe_end_ || (typical_ && *typical_ < kBrisk);
}

// Whether the call is to wait for an instance that is at work.
bool Pool::is_held(const Waiting& waiting, Monotonic now) const {
  return is_brisk(now) && now - waiting.since < kHold && at_work() >= processors();
}

std::size_t Pool::at_work() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const Member& each) { return each.place == Member::Place::taken; }));
}

// How many instances calls that waited long enough justify, and those that need not be held.
std::size_t Pool::unheld(Monotonic now) const {
  if (!is_brisk(now)) return queue_.size();
  const auto late = static_cast<std::size_t>(
      std::ranges::count_if(queue_, [&](const Waiting& each) { return now - each.since >= kHold; }));
  const std::size_t places = processors() - std::min(processors(), at_work());
  return late + std::min(queue_.size() - late, places);
}

bool Pool::is_failing() const {
  return init_failures_ >= kFreeFailures;
}

// How many instances the waiting calls justify.
std::size_t Pool::wanted() const {
  const Monotonic now = around_.clock.monotonic();
  if (!is_failing()) return unheld(now);
  return now < next_start_ ? 0 : std::min<std::size_t>(1, queue_.size());
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

void Pool::ask_for_one() {
  asked_++;
  gate_.ask(this, [this, asked = around_.clock.monotonic()](StartGate::Start start) {
    asked_--;
    start_one(start, around_.clock.monotonic() - asked);
  });
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

void Pool::start_one(StartGate::Start start, std::chrono::nanoseconds queued) {
  const auto starting = static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const Member& each) { return each.place == Member::Place::starting; }));
  // The calls that asked for it may have been served meanwhile.
  const bool is_kept = missing() > 0;
  if (stopped_ || (wanted() <= starting && !is_kept)) {
    gate_.done(start);
    check_empty();
    return;
  }
  const auto phase = is_kept ? instance::InitPhase::provisioned : instance::InitPhase::ahead;
  Member& made = make(phase, Member::Place::starting);
  made.start = start;
  made.instance->start(queued);
}

// INIT took longer than its own limit: it gets the first call's timeout, bound to that call.
void Pool::start_within_a_call() {
  if (queue_.empty() || stopped_) return;
  Instance& bound = *make(instance::InitPhase::within_a_call, Member::Place::taken).instance;
  const auto waiting = take_waiting();
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
  gate_.done(of.start);
}

void Pool::on_available(Instance& instance) {
  Member& of = member(instance);
  const bool has_failed = instance.state() == Instance::State::failed;
  count_init(has_failed);  // first: leaving the start may begin another one
  note_init(!has_failed);
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
    take_waiting().set(&failed);
  }
  failed.end();
  if (!stopped_) pump();
}

void Pool::on_init_timeout(Instance& instance) {
  leave_start(member(instance));
  note_init(false);
  start_within_a_call();
}

void Pool::on_ended(Instance& instance, const std::string& launch_error) {
  leave_start(member(instance));
  std::erase_if(members_, [&](const Member& each) { return each.instance.get() == &instance; });
  if (!launch_error.empty() && !queue_.empty()) {
    take_waiting().set(std::unexpected(launch_error));
  }
  if (!launch_error.empty()) note_init(false);
  if (!stopped_) pump();
  check_empty();
}

// Calls start instances whatever came before; those that are kept ready are not made again at once after a failure.
void Pool::note_init(bool succeeded) {
  init_failed_ = !succeeded;
  if (succeeded) {
    recovery_wait_ = kFirstRecovery;
  } else if (ready_ > 0 && !stopped_ && !recovery_.armed()) {
    recovery_.arm(recovery_wait_, [this] { pump(); });
    recovery_wait_ = std::min(recovery_wait_ * 2, kLastRecovery);
  }
}

void Pool::check_empty() {
  if (retired_ && is_empty()) around_.loop.post(on_empty_);
}

}  // namespace lambent::scheduler
