#include "instance/snapshots.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <fstream>

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
  auto found = templates_.find(key);
  if (found != templates_.end() && found->second.is_ending) co_return std::nullopt;  // as it was too old or too much
  Template* of = found == templates_.end() ? make(function, std::move(runtime)) : &found->second;
  if (of == nullptr) co_return std::nullopt;
  if (!of->is_up) {
    const net::OneShot<bool> is_up;
    of->waiting.push_back(is_up);
    if (!co_await is_up) co_return std::nullopt;
    // It may be gone again, or be another one.
    found = templates_.find(key);
    if (found == templates_.end() || !found->second.is_up || found->second.is_ending) co_return std::nullopt;
    of = &found->second;
  }
  of->last_use = around_.clock.monotonic();
  co_return Source{of->instance->sandbox_id(), of->lease};
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

void Snapshots::wake(Template& of, bool is_up) {
  for (const auto& waiting : std::exchange(of.waiting, {})) waiting.set(is_up);
}

std::map<Snapshots::Key, Snapshots::Template>::iterator Snapshots::find(const Instance& instance) {
  return std::ranges::find_if(templates_, [&](const auto& each) { return each.second.instance.get() == &instance; });
}

void Snapshots::on_available(Instance& instance) {
  Template& of = find(instance)->second;
  if (instance.state() == Instance::State::failed) {
    const auto end = instance.init_end();
    give_up(of, end.is_unsafe ? "INIT left what its forks cannot have" : end.error_type, end.is_unsafe);
    return;
  }
  of.is_up = !of.is_ending;
  wake(of, of.is_up);
}

void Snapshots::on_init_timeout(Instance& instance) {
  give_up(find(instance)->second, "INIT took too long", false);
}

void Snapshots::give_up(Template& of, const std::string& why, bool is_for_good) {
  const auto& function = of.instance->function();
  log::warning("function {}: no snapshot of version {}: {}; its instances run INIT themselves", function.name,
               function.version, why);
  if (without_.size() >= kRemembered) without_.clear();
  without_[key_of(function)] = is_for_good ? Monotonic::max() : around_.clock.monotonic() + kTryAgain;
  end(of);
  wake(of, false);
}

void Snapshots::on_ended(Instance& instance, const std::string& launch_error) {
  const auto of = find(instance);
  if (!launch_error.empty()) without_[of->first] = around_.clock.monotonic() + kTryAgain;
  wake(of->second, false);
  templates_.erase(of);
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
