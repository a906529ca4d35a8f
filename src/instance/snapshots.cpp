#include "instance/snapshots.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <fstream>
#include <utility>

#include "base/log.h"

namespace lambent::instance {
namespace {

constexpr std::chrono::seconds kSweep{1};
// A failed INIT may be the fault of something that passes.
constexpr std::chrono::seconds kTryAgain{30};
constexpr std::size_t kRemembered = 10'000;  // of those that were tried in vain

// INIT can see which version it is for.
std::string key_of(const catalog::Function& function) {
  return function.configuration_id + ":" + function.version;
}

SnapshotOutcome outcome_of(const Instance::InitEnd& end) {
  using Kind = SnapshotOutcome::Kind;
  switch (end.how) {
    case Instance::InitEnd::How::failed:
      return {Kind::init_failed, end.error_type};
    case Instance::InitEnd::How::unsafe:
      return {Kind::unsuitable,
              "INIT left threads, processes, connections or other descriptors, which forks cannot have"};
    case Instance::InitEnd::How::killed:
      return {Kind::unsuitable, "its template did what a template must not, and was ended"};
    case Instance::InitEnd::How::lost:
      return {Kind::stopped, "the spawner is gone"};
  }
  std::unreachable();
}

}  // namespace

Snapshots::Snapshots(Surroundings& around, SnapshotSettings settings, FreeMemory free_memory)
    : around_(around), settings_(settings), free_memory_(std::move(free_memory)), sweeper_(around.loop) {
  sweep();
}

Snapshots::~Snapshots() {
  assert(templates_.empty());
}

net::Task<std::optional<Snapshots::Source>> Snapshots::source_of(catalog::FunctionPtr function, Runtime runtime) {
  if (stopped_) co_return std::nullopt;
  const Key key = key_of(*function);
  if (const auto until = without_.find(key); until != without_.end()) {
    if (around_.clock.monotonic() < until->second) co_return std::nullopt;
    without_.erase(until);
  }
  const auto outcome = co_await obtain(key, std::move(function), std::move(runtime));
  if (outcome.kind != SnapshotOutcome::Kind::made) co_return std::nullopt;
  // It may be gone again, or be another one.
  const auto found = templates_.find(key);
  if (found == templates_.end() || !found->second.is_up || found->second.is_ending) co_return std::nullopt;
  found->second.last_use = around_.clock.monotonic();
  co_return Source{found->second.instance->sandbox_id(), found->second.lease};
}

net::Task<SnapshotOutcome> Snapshots::make_ahead(catalog::FunctionPtr function, Runtime runtime) {
  if (stopped_) co_return SnapshotOutcome{};
  Key key = key_of(*function);
  without_.erase(key);
  co_return co_await obtain(std::move(key), std::move(function), std::move(runtime));
}

net::Task<SnapshotOutcome> Snapshots::obtain(Key key, catalog::FunctionPtr function, Runtime runtime) {
  const auto found = templates_.find(key);
  // As it was too old or too much.
  if (found != templates_.end() && found->second.is_ending) {
    co_return SnapshotOutcome{SnapshotOutcome::Kind::unavailable, "the template before it is ending"};
  }
  Template* of = found == templates_.end() ? make(function, std::move(runtime)) : &found->second;
  if (of == nullptr) co_return SnapshotOutcome{SnapshotOutcome::Kind::unavailable, "there are too many templates"};
  if (of->is_up) co_return SnapshotOutcome{SnapshotOutcome::Kind::made};
  const net::OneShot<SnapshotOutcome> ready;
  of->waiting.push_back(ready);
  co_return co_await ready;
}

Snapshots::Template* Snapshots::make(const catalog::FunctionPtr& function, Runtime runtime) {
  if (!make_room()) return nullptr;
  Template& made = templates_[key_of(*function)];
  Observer& self = *this;
  made.instance = std::make_unique<Instance>(around_, function, std::move(runtime), InitPhase::template_only, self);
  made.lease = std::make_shared<int>(0);
  made.last_use = around_.clock.monotonic();
  made.instance->start();
  return &made;
}

// Ends the one that was not used for longest, where there are as many as there may be.
bool Snapshots::make_room() {
  if (templates_.size() < settings_.templates) return true;
  Template* oldest = nullptr;
  for (auto& [key, each] : templates_) {
    if (!each.is_up || each.is_ending || each.has_forks()) continue;
    if (oldest == nullptr || each.last_use < oldest->last_use) oldest = &each;
  }
  if (oldest != nullptr) end(*oldest);
  return oldest != nullptr;
}

void Snapshots::end(Template& of) {
  of.is_ending = true;
  of.instance->end();
}

void Snapshots::wake(Template& of, const SnapshotOutcome& outcome) {
  for (const auto& waiting : std::exchange(of.waiting, {})) waiting.set(outcome);
}

std::map<Snapshots::Key, Snapshots::Template>::iterator Snapshots::find(const Instance& instance) {
  return std::ranges::find_if(templates_, [&](const auto& each) { return each.second.instance.get() == &instance; });
}

void Snapshots::on_available(Instance& instance) {
  Template& of = find(instance)->second;
  if (instance.state() == Instance::State::failed) {
    return give_up(of, outcome_of(instance.init_end()));
  }
  if (of.is_ending) return;
  of.is_up = true;
  wake(of, {SnapshotOutcome::Kind::made});
}

void Snapshots::on_init_timeout(Instance& instance) {
  give_up(find(instance)->second, {SnapshotOutcome::Kind::init_failed, "INIT took too long"});
}

void Snapshots::give_up(Template& of, SnapshotOutcome outcome) {
  const auto& function = of.instance->function();
  const bool is_for_good = outcome.kind == SnapshotOutcome::Kind::unsuitable;
  log::warning("function {}: no snapshot of version {}: {}; its instances run INIT themselves", function.name,
               function.version, outcome.why);
  if (without_.size() >= kRemembered) without_.clear();
  without_[key_of(function)] = is_for_good ? Monotonic::max() : around_.clock.monotonic() + kTryAgain;
  end(of);
  wake(of, outcome);
}

void Snapshots::on_ended(Instance& instance, const std::string& launch_error) {
  const auto of = find(instance);
  if (!launch_error.empty()) without_[of->first] = around_.clock.monotonic() + kTryAgain;
  {
    // Whoever waits goes on when it is no longer here.
    Template gone = std::move(of->second);
    templates_.erase(of);
    const std::string& why = launch_error.empty() ? "it was ended" : launch_error;
    wake(gone, stopped_ ? SnapshotOutcome{} : SnapshotOutcome{SnapshotOutcome::Kind::unavailable, why});
  }
  if (stopped_ && templates_.empty()) empty_.set(true);
}

void Snapshots::retire(const catalog::Function& function) {
  const auto of = templates_.find(key_of(function));
  if (of != templates_.end()) of->second.last_use = Monotonic::min();
}

// What is idle for too long ends, and what idles at all where memory is scarce.
void Snapshots::sweep() {
  const auto now = around_.clock.monotonic();
  const auto free = free_memory_();
  const bool is_scarce = free && *free < settings_.memory_reserve_percent;
  for (auto& [key, each] : templates_) {
    if (!each.is_up || each.is_ending) continue;
    if (each.has_forks()) {
      if (each.last_use != Monotonic::min()) each.last_use = now;
    } else if (is_scarce || each.last_use == Monotonic::min() || now - each.last_use > around_.limits.idle_timeout) {
      end(each);
    }
  }
  sweeper_.arm(
      std::min<std::chrono::milliseconds>(kSweep, around_.limits.idle_timeout / 4 + std::chrono::milliseconds(10)),
      [this] { sweep(); });
}

net::Task<> Snapshots::stop() {
  stopped_ = true;
  sweeper_.cancel();
  for (auto& [key, each] : templates_) end(each);
  if (!templates_.empty()) std::ignore = co_await empty_;
}

std::optional<unsigned> Snapshots::host_free_memory() {
  std::ifstream file("/proc/meminfo");
  std::uint64_t total = 0;
  std::uint64_t available = 0;
  std::string name;
  for (std::uint64_t value = 0; file >> name >> value; file.ignore(64, '\n')) {
    if (name == "MemTotal:") total = value;
    if (name == "MemAvailable:") available = value;
  }
  if (total == 0 || available == 0) return std::nullopt;
  return static_cast<unsigned>(available * 100 / total);
}

}  // namespace lambent::instance
