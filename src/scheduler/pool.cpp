#include "scheduler/pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace lambent::scheduler {
namespace {

// An instance that has answered is back within this time, or a waiting call gets another one.
constexpr std::chrono::milliseconds kPatience{20};
// A call whose instance died before the call reached it is given to another, this often.
constexpr int kAttempts = 3;

}  // namespace

using instance::Instance;

Pool::Pool(instance::Surroundings& around, StartGate& gate, catalog::FunctionPtr function, instance::Runtime runtime,
           std::function<void()> on_empty)
    : around_(around),
      gate_(gate),
      function_(std::move(function)),
      runtime_(std::move(runtime)),
      on_empty_(std::move(on_empty)),
      patience_(around.loop) {}

Pool::~Pool() { assert(is_empty()); }

net::Task<Pool::Outcome> Pool::run(instance::CallToRun call) {
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
    if (chosen.state() == Instance::State::finishing) answered_.emplace_back(&chosen, around_.clock.monotonic());
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
  for (Instance* idle : std::exchange(idle_, {})) idle->end();
  check_empty();
}

void Pool::stop() {
  stopped_ = true;
  retired_ = true;
  for (const auto& waiting : std::exchange(queue_, {})) {
    around_.loop.post([waiting] { waiting.set(std::unexpected(std::string("The server is stopping"))); });
  }
  idle_.clear();
  for (const auto& each : instances_) each->end();
  check_empty();
}

void Pool::end_idle_since_before(Monotonic moment) {
  // Oldest first: the list is ordered by last use.
  while (!idle_.empty() && idle_.front()->idle_since() < moment) {
    Instance* old = idle_.front();
    idle_.erase(idle_.begin());
    old->end();
  }
}

// Gives available instances to waiting calls and sees that enough more are coming.
void Pool::pump() {
  while (!queue_.empty() && !idle_.empty()) {
    Instance* chosen = idle_.back();
    idle_.pop_back();
    const auto waiting = queue_.front();
    queue_.pop_front();
    waiting.set(chosen);
  }
  const std::size_t coming = asked_ + starting_ + about_to_be_free();
  for (std::size_t i = coming; i < queue_.size(); ++i) request_start();
  if (!queue_.empty() && !answered_.empty() && !patience_.armed()) {
    patience_.arm(kPatience, [this] { pump(); });
  }
}

std::size_t Pool::about_to_be_free() const {
  const Monotonic now = around_.clock.monotonic();
  return static_cast<std::size_t>(
      std::ranges::count_if(answered_, [&](const auto& entry) { return now - entry.second < kPatience; }));
}

void Pool::request_start() {
  asked_++;
  gate_.ask([this] {
    asked_--;
    start_one();
  });
}

void Pool::start_one() {
  // The calls that asked for it may have been served meanwhile.
  if (stopped_ || queue_.size() <= starting_) {
    gate_.done();
    check_empty();
    return;
  }
  starting_++;
  make(instance::InitPhase::ahead).start();
}

// INIT took longer than its own limit: it gets the first call's timeout, bound to that call.
void Pool::start_within_a_call() {
  if (queue_.empty() || stopped_) return;
  Instance& bound = make(instance::InitPhase::within_a_call);
  const auto waiting = queue_.front();
  queue_.pop_front();
  bound.start();
  waiting.set(&bound);
}

Instance& Pool::make(instance::InitPhase phase) {
  return *instances_.emplace_back(std::make_unique<Instance>(around_, function_, runtime_, phase, *this));
}

void Pool::on_available(Instance& instance) {
  if (const auto it = std::ranges::find(answered_, &instance, &std::pair<Instance*, Monotonic>::first);
      it != answered_.end()) {
    answered_.erase(it);
  } else if (instance.state() != Instance::State::ended) {
    starting_--;
    gate_.done();
  }
  if (instance.state() == Instance::State::ended) return;
  const bool wanted = !queue_.empty() && !stopped_;
  if (!wanted && (retired_ || instance.state() == Instance::State::failed)) {
    instance.end();
    return;
  }
  idle_.push_back(&instance);
  pump();
}

void Pool::on_init_timeout(Instance&) { start_within_a_call(); }

void Pool::on_ended(Instance& instance, const std::string& launch_error) {
  forget_idle(instance);
  const auto it = std::ranges::find(instances_, &instance, &std::unique_ptr<Instance>::get);
  assert(it != instances_.end());
  instances_.erase(it);
  if (!launch_error.empty() && !queue_.empty()) {
    const auto waiting = queue_.front();
    queue_.pop_front();
    waiting.set(std::unexpected(launch_error));
  }
  if (!stopped_) pump();
  check_empty();
}

void Pool::forget_idle(const Instance& instance) {
  std::erase(idle_, &instance);
  std::erase_if(answered_, [&](const auto& entry) { return entry.first == &instance; });
}

void Pool::check_empty() {
  if (retired_ && is_empty() && asked_ == 0) around_.loop.post(on_empty_);
}

}  // namespace lambent::scheduler
