#include "triggers/shard_run.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lambent::triggers {
namespace {

constexpr std::chrono::hours kUntilWoken{1};
constexpr std::size_t kAround = 16;              // of an event beside its records
constexpr std::size_t kAroundWindow = 1 * 1024;  // the same with a window, beside its state

// What an event's records may take.
std::size_t record_bytes(const MappingContext& context) {
  const auto& policy = context.parts.policy;
  const std::size_t others = context.mapping.tumbling_seconds > 0 ? policy.window_state_bytes + kAroundWindow : kAround;
  return policy.payload_bytes > 2 * others ? policy.payload_bytes - others : policy.payload_bytes / 2;
}

}  // namespace

ShardRun::ShardRun(MappingContext& context, std::string shard)
    : context_(context), shard_(std::move(shard)), wake_(context) {
  const auto& mapping = context.mapping;
  const RecordQueue::Batches batches{.records = static_cast<std::size_t>(mapping.batch_size),
                                     .bytes = record_bytes(context),
                                     .window = std::chrono::seconds(mapping.window_seconds)};
  const auto lanes = mapping.tumbling_seconds > 0 ? 1 : mapping.parallelization;
  BatchDelivery::Observer& observer = *this;
  for (std::int64_t i = 0; i < lanes; ++i) lanes_.emplace_back(context, shard_, batches, observer);
}

net::Task<> ShardRun::run(StreamStart start) {
  if (!co_await begin(start)) co_return;
  for (auto& lane : lanes_) scope_.spawn(run_lane(lane));
  co_await read();
  for (auto& lane : lanes_) lane.queue.close();
  wake_lanes();
  co_await scope_.join();
  if (is_end_ && !context_.stopping) {
    context_.parts.positions.set(context_.mapping.id, shard_, {progress_->position(), true});
  }
}

net::Task<bool> ShardRun::begin(StreamStart start) {
  const auto& mapping = context_.mapping;
  if (auto kept = context_.parts.positions.find(mapping.id, shard_)) {
    read_to_ = std::move(kept->after);
    if (mapping.tumbling_seconds > 0) window_ = std::move(kept->window);
  } else {
    auto position = co_await context_.source.position(mapping.source_arn, shard_, start);
    if (!position) co_return false;
    read_to_ = *std::move(position);
    context_.parts.positions.set(mapping.id, shard_, {read_to_, false});
  }
  progress_.emplace(read_to_);
  co_return true;
}

net::Task<> ShardRun::read() {
  const auto& policy = context_.parts.policy;
  const auto& clock = context_.parts.clock;
  while (!context_.stopping && !is_end_) {
    const std::size_t most = room();
    is_full_ = most == 0;
    if (is_full_) {
      std::ignore = co_await context_.pause(wake_.get(), kUntilWoken);
      continue;
    }
    const std::int64_t asked_ms = clock.wall_ms();
    auto read = co_await context_.source.read(context_.mapping.source_arn, shard_, read_to_, most);
    if (!read) {
      context_.last_result = "PROBLEM: " + read.error().message;
      if (read.error().is_gone || !co_await context_.pause(wake_.get(), policy.longest_backoff)) break;
      continue;
    }
    const bool is_idle = read->records.empty() && !read->is_end;
    take(*std::move(read), asked_ms);
    if (is_idle) std::ignore = co_await context_.pause(wake_.get(), policy.poll);
  }
}

std::size_t ShardRun::room() const {
  const auto& policy = context_.parts.policy;
  if (held_bytes_ >= (lanes_.size() + 1) * policy.payload_bytes) return 0;
  const std::size_t batches = 2 * lanes_.size() * static_cast<std::size_t>(context_.mapping.batch_size);
  const std::size_t most = std::max(policy.read_ahead, batches);
  return most - std::min(most, progress_->ahead());
}

void ShardRun::take(StreamRead read, std::int64_t asked_ms) {
  const Monotonic now = context_.parts.clock.monotonic();
  complete_ms_ = read.records.empty() ? std::max(complete_ms_, asked_ms - context_.parts.policy.window_grace.count())
                                      : std::max(complete_ms_, read.records.back().arrived_ms);
  is_end_ = read.is_end;
  const std::string before = progress_->position();
  for (auto& record : read.records) {
    read_to_ = record.sequence;
    record.place = progress_->add(record.sequence);
    if (!wants(record)) {
      progress_->done(record.place);
      continue;
    }
    held_bytes_ += record.json.size();
    auto lane = std::next(lanes_.begin(), static_cast<std::ptrdiff_t>(record.key_hash % lanes_.size()));
    lane->queue.push(std::move(record), now);
  }
  if (progress_->position() != before) keep();
  const auto& mapping = context_.mapping;
  if (!read.records.empty() || mapping.tumbling_seconds > 0 || mapping.window_seconds > 0) wake_lanes();
}

bool ShardRun::wants(const StreamRecord& record) const {
  const auto& filters = context_.filters;
  return filters.empty() ||
         std::ranges::any_of(filters, [&](const event_pattern::Pattern& each) { return each.matches(record.json); });
}

void ShardRun::wake_lanes() {
  for (auto& lane : lanes_) lane.wake.get().cancel();
}

void ShardRun::wake_reader() {
  if (is_full_) wake_.get().cancel();
}

net::Task<> ShardRun::run_lane(Lane& lane) {
  const auto& clock = context_.parts.clock;
  while (!context_.stopping) {
    if (is_window_over(lane)) {
      if (!co_await end_window(lane)) break;
    } else if (lane.queue.is_ready(clock.monotonic(), border(lane), complete_ms_ >= border(lane))) {
      if (!co_await hand_over(lane)) break;
    } else if (lane.queue.is_closed()) {
      break;
    } else {
      const auto wait = lane.queue.is_empty() ? kUntilWoken : lane.queue.ready_at() - clock.monotonic();
      std::ignore = co_await context_.pause(lane.wake.get(), wait);
    }
  }
}

net::Task<bool> ShardRun::hand_over(Lane& lane) {
  const auto records = lane.queue.take(border(lane));
  const auto tumbling = context_.mapping.tumbling_seconds;
  if (tumbling > 0 && !window_) window_ = window_of(records.front().arrived_ms, tumbling);
  const bool are_done = co_await lane.delivery.hand_over(records, window_ ? &*window_ : nullptr);
  for (const auto& record : records) held_bytes_ -= record.json.size();
  wake_reader();
  co_return are_done;
}

net::Task<bool> ShardRun::end_window(Lane& lane) {
  if (!co_await lane.delivery.end_window(*window_)) co_return false;
  window_.reset();
  keep();
  co_return true;
}

std::int64_t ShardRun::border(const Lane& lane) const {
  const auto tumbling = context_.mapping.tumbling_seconds;
  if (tumbling == 0 || (!window_ && lane.queue.is_empty())) return std::numeric_limits<std::int64_t>::max();
  return window_ ? window_->end_ms : window_of(lane.queue.front_arrived_ms(), tumbling).end_ms;
}

bool ShardRun::is_window_over(const Lane& lane) const {
  if (!window_) return false;
  if (!lane.queue.is_empty()) return lane.queue.front_arrived_ms() >= window_->end_ms;
  return lane.queue.is_closed() || complete_ms_ >= window_->end_ms;
}

void ShardRun::on_done(std::span<const StreamRecord> records) {
  for (const auto& record : records) progress_->done(record.place);
  keep();
  wake_reader();
}

void ShardRun::keep() {
  context_.parts.positions.set(context_.mapping.id, shard_, {progress_->position(), false, window_});
}

}  // namespace lambent::triggers
