#include "services/lambda/snapshot_publisher.h"

#include <memory>
#include <utility>

#include "base/log.h"

namespace lambent::services::lambda {
namespace {

using Kind = instance::SnapshotOutcome::Kind;

bool is_pending(const catalog::Function& version) {
  return version.state == "Pending" && catalog::has_snap_start(version);
}

void set_state(catalog::Function& version, const char* state, const char* reason, const char* code) {
  version.state = state;
  version.state_reason = reason;
  version.state_reason_code = code;
}

void set_update(catalog::Function& version, const char* status, const char* reason, const char* code) {
  version.last_update_status = status;
  version.last_update_status_reason = reason;
  version.last_update_status_reason_code = code;
}

// AWS's texts for an INIT that fails while its snapshot is made.
void apply(const instance::SnapshotOutcome& outcome, catalog::Function& version) {
  if (outcome.kind == Kind::init_failed) {
    constexpr const char* kReason = "An error occurred during function initialization.";
    set_state(version, "Failed", kReason, "FunctionError");
    set_update(version, "Failed", kReason, "FunctionError");
    return;
  }
  set_state(version, "Active", "", "");
  set_update(version, "Successful", "", "");
  version.lacks_snapshot = outcome.kind == Kind::unsuitable;
}

}  // namespace

void SnapshotPublisher::begin(catalog::Function& version) {
  if (!catalog::has_snap_start(version)) return;
  set_state(version, "Pending", "The function is being created.", "Creating");
  set_update(version, "InProgress", "The function is being created.", "Creating");
}

void SnapshotPublisher::forget(catalog::Function& version) {
  set_state(version, "Active", "", "");
  set_update(version, "Successful", "", "");
  version.lacks_snapshot = false;
}

void SnapshotPublisher::publish(const catalog::FunctionPtr& version) {
  if (stopped_ || !is_pending(*version)) return;
  waiting_.push_back(version);
  start_next();
}

void SnapshotPublisher::resume() {
  for (const auto& [name, entry] : catalog_.entries()) {
    for (const auto& [number, version] : entry.versions) publish(version);
  }
}

net::Task<> SnapshotPublisher::stop() {
  stopped_ = true;
  waiting_.clear();
  co_await scope_.join();
}

net::Task<> SnapshotPublisher::settled(std::string name) {
  const auto of = settling_.find(name);
  if (of == settling_.end()) co_return;
  const net::OneShot<bool> done;
  of->second.waiting.push_back(done);
  std::ignore = co_await done;
}

void SnapshotPublisher::start_next() {
  while (running_ < kAtOnce && !waiting_.empty()) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    running_++;
    scope_.spawn(make(std::move(next)));
  }
}

net::Task<> SnapshotPublisher::make(catalog::FunctionPtr version) {
  const auto outcome = co_await invoker_.make_snapshot(version);
  // What the server's end cut off begins again with its next start.
  if (outcome.kind != Kind::stopped) co_await settle(*version, outcome);
  running_--;
  start_next();
}

net::Task<> SnapshotPublisher::settle(const catalog::Function& version, const instance::SnapshotOutcome& outcome) {
  settling_[version.name].outcomes++;
  co_await write(version, outcome);
  const auto of = settling_.find(version.name);
  if (--of->second.outcomes > 0) co_return;
  const auto waiting = std::move(of->second.waiting);
  settling_.erase(of);
  for (const auto& each : waiting) each.set(true);
}

net::Task<> SnapshotPublisher::write(const catalog::Function& version, const instance::SnapshotOutcome& outcome) {
  auto change = co_await catalog_.begin_change_in_turn(version.name);
  const auto current = change.entry() == nullptr ? nullptr : change.entry()->version(version.version);
  // It may be deleted, or be another function of this name by now.
  if (!current || current->configuration_id != version.configuration_id || !is_pending(*current)) co_return;
  catalog::Edit edit{.published = *current};
  apply(outcome, *edit.published);
  edit.published->revision_id = random_.uuid();
  const std::string state = edit.published->state;
  if (const auto committed = co_await change.commit(std::move(edit)); !committed) {
    log::error("function {}: version {} stays Pending: {}", version.name, version.version, committed.error().message);
  } else if (outcome.kind != Kind::made) {
    log::info("function {}: version {} is {} without a snapshot: {}", version.name, version.version, state,
              outcome.why);
  }
}

}  // namespace lambent::services::lambda
