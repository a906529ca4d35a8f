#include "triggers/mapping_run.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "triggers/batch_failure.h"
#include "triggers/batch_response.h"

namespace lambent::triggers {
namespace {

constexpr std::string_view kCallFailed = "PROBLEM: Function call failed";

StreamStart start_of(const catalog::EventSourceMapping& mapping) {
  return mapping.starting_position == "LATEST" ? StreamStart::latest : StreamStart::trim_horizon;
}

std::string event_of(std::span<const StreamRecord> records) {
  std::string event = R"({"Records":[)";
  for (const auto& record : records) event.append(record.json).push_back(',');
  event.back() = ']';
  event.push_back('}');
  return event;
}

}  // namespace

MappingRun::MappingRun(const MappingParts& parts, StreamSource& source, catalog::EventSourceMapping mapping)
    : parts_(parts), source_(source), mapping_(std::move(mapping)) {
  for (const auto& text : mapping_.filters) {
    if (auto pattern = event_pattern::Pattern::parse(text)) filters_.push_back(*std::move(pattern));
  }
}

void MappingRun::start() {
  scope_.spawn(watch_shards());
}

void MappingRun::hold() {
  stopping_ = true;
  for (auto& timer : timers_) timer.cancel();
}

net::Task<> MappingRun::stop() {
  hold();
  co_await scope_.join();
}

net::Task<bool> MappingRun::pause(net::Timer& timer, std::chrono::milliseconds time) const {
  if (stopping_) co_return false;
  std::ignore = co_await timer.sleep(time);
  co_return !stopping_;
}

net::Task<> MappingRun::watch_shards() {
  const auto timer = timers_.emplace(timers_.end(), parts_.loop);
  bool is_first_look = !parts_.positions.has_any(mapping_.id);
  while (!stopping_) {
    auto wait = parts_.policy.look_for_shards;
    if (const auto shards = co_await source_.shards(mapping_.source_arn); !shards) {
      last_result_ = "PROBLEM: " + shards.error().message;
      if (shards.error().is_gone) wait = parts_.policy.longest_backoff;
    } else {
      for (auto& shard : shards_to_start(*shards)) {
        running_.insert(shard.id);
        scope_.spawn(run_shard(std::move(shard), is_first_look));
      }
      is_first_look = false;
    }
    if (!co_await pause(*timer, wait)) break;
  }
  timers_.erase(timer);
}

// Those of which the parent is read to its end, or is not there any more.
std::vector<StreamShard> MappingRun::shards_to_start(const std::vector<StreamShard>& shards) const {
  const auto is_ended = [&](const std::string& shard) {
    const auto position = parts_.positions.find(mapping_.id, shard);
    return position && position->is_end;
  };
  std::vector<StreamShard> to_start;
  for (const auto& shard : shards) {
    const bool waits =
        !is_ended(shard.parent) && std::ranges::find(shards, shard.parent, &StreamShard::id) != shards.end();
    if (!waits && !running_.contains(shard.id) && !is_ended(shard.id)) to_start.push_back(shard);
  }
  return to_start;
}

// What is new since the mapping began is read from its start, whatever the mapping's starting position.
net::Task<StreamResult<std::string>> MappingRun::first_position(const StreamShard& shard, bool is_first_look) {
  if (const auto kept = parts_.positions.find(mapping_.id, shard.id)) co_return kept->after;
  const auto start = is_first_look ? start_of(mapping_) : StreamStart::trim_horizon;
  auto position = co_await source_.position(mapping_.source_arn, shard.id, start);
  if (position) parts_.positions.set(mapping_.id, shard.id, {*position, false});
  co_return position;
}

net::Task<> MappingRun::run_shard(StreamShard shard, bool is_first_look) {
  const auto timer = timers_.emplace(timers_.end(), parts_.loop);
  auto position = co_await first_position(shard, is_first_look);
  while (position && !stopping_) {
    auto batch = co_await gather(shard.id, *position, *timer);
    if (!batch) {
      last_result_ = "PROBLEM: " + batch.error().message;
      if (batch.error().is_gone || !co_await pause(*timer, parts_.policy.longest_backoff)) break;
      continue;
    }
    if (!batch->records.empty() && !co_await hand_over(shard.id, batch->records, *timer)) break;
    const bool moved = batch->read_to != *position;
    position = std::move(batch->read_to);
    if (moved || batch->is_end) parts_.positions.set(mapping_.id, shard.id, {*position, batch->is_end});
    if (batch->is_end) break;
  }
  running_.erase(shard.id);  // seen again where it goes on
  timers_.erase(timer);
}

// Reads until there is a batch: as many records as it may have, or its time is over, or it is as large as an event
// may be.
net::Task<StreamResult<MappingRun::Batch>> MappingRun::gather(const std::string& shard, std::string after,
                                                              net::Timer& timer) {
  Batch batch;
  batch.read_to = std::move(after);
  const auto size = static_cast<std::size_t>(mapping_.batch_size);
  std::optional<Monotonic> ready_at;
  while (!stopping_) {
    auto read = co_await source_.read(mapping_.source_arn, shard, batch.read_to, size - batch.records.size());
    if (!read) co_return std::unexpected(read.error());
    const bool is_idle = read->records.empty();
    take(*std::move(read), batch);
    if (batch.is_end || batch.records.size() >= size || batch.bytes >= parts_.policy.payload_bytes) break;
    if (!batch.records.empty() && !ready_at) {
      ready_at = parts_.clock.monotonic() + std::chrono::seconds(mapping_.window_seconds);
    }
    if (ready_at && parts_.clock.monotonic() >= *ready_at) break;
    if (batch.records.empty() && !is_idle) break;  // nothing that passed: what was read is done with
    if (is_idle && !co_await pause(timer, parts_.policy.poll)) break;
  }
  co_return batch;
}

void MappingRun::take(StreamRead read, Batch& into) const {
  constexpr std::size_t kAround = 16;  // of the event beside its records
  for (auto& record : read.records) {
    const bool passes = wants(record);
    const std::size_t bytes = record.json.size() + 1;
    if (passes && !into.records.empty() && into.bytes + bytes + kAround > parts_.policy.payload_bytes) {
      into.bytes = parts_.policy.payload_bytes;  // full; this one is read again
      return;
    }
    into.read_to = record.sequence;
    if (!passes) continue;
    into.bytes += bytes;
    into.records.push_back(std::move(record));
  }
  into.is_end = read.is_end;
}

bool MappingRun::wants(const StreamRecord& record) const {
  return filters_.empty() ||
         std::ranges::any_of(filters_, [&](const event_pattern::Pattern& each) { return each.matches(record.json); });
}

net::Task<bool> MappingRun::hand_over(const std::string& shard, const Records& records, net::Timer& timer) {
  std::deque<Piece> pieces{{records, 0}};
  auto backoff = parts_.policy.shortest_backoff;
  const auto next_backoff = [&] {
    return std::exchange(backoff, std::min(backoff * 2, parts_.policy.longest_backoff));
  };
  while (!pieces.empty()) {
    if (stopping_) co_return false;
    Piece& piece = pieces.front();
    if (!co_await drop_old(shard, piece, timer)) co_return false;
    if (piece.records.empty()) {
      pieces.pop_front();
      continue;
    }
    const auto attempt = co_await call(piece);
    if (attempt.outcome == Outcome::not_called) {
      if (!co_await pause(timer, next_backoff())) co_return false;
      continue;
    }
    if (attempt.done > 0) {
      note(shard, piece.records[attempt.done - 1]);
      piece = {piece.records.subspan(attempt.done), 0};
      backoff = parts_.policy.shortest_backoff;
    }
    if (attempt.outcome == Outcome::done) continue;
    if (mapping_.bisects && piece.records.size() > 1) {
      const Piece second{piece.records.subspan(piece.records.size() / 2), piece.attempts};
      piece.records = piece.records.first(piece.records.size() / 2);
      pieces.insert(pieces.begin() + 1, second);
    } else if (mapping_.max_retries >= 0 && piece.attempts++ >= mapping_.max_retries) {
      if (!co_await give_up(shard, piece, "RetryAttemptsExhausted", &attempt.answer, timer)) co_return false;
      pieces.pop_front();
      continue;
    }
    if (!co_await pause(timer, next_backoff())) co_return false;
  }
  co_return true;
}

net::Task<bool> MappingRun::drop_old(const std::string& shard, Piece& piece, net::Timer& timer) {
  if (mapping_.max_age_seconds < 0) co_return true;
  const auto oldest = parts_.clock.wall_ms() - mapping_.max_age_seconds * 1000;
  const auto young = std::ranges::find_if(piece.records, [&](const auto& each) { return each.arrived_ms >= oldest; });
  const auto count = static_cast<std::size_t>(young - piece.records.begin());
  if (count == 0) co_return true;
  const Piece old{piece.records.first(count), piece.attempts};
  piece.records = piece.records.subspan(count);
  co_return co_await give_up(shard, old, "RecordAgeExceeded", nullptr, timer);
}

net::Task<MappingRun::Attempt> MappingRun::call(Piece piece) {
  auto function = parts_.find_function(mapping_.function_name, mapping_.qualifier);
  if (!function) {
    last_result_ = "PROBLEM: Function not found";
    co_return Attempt{};
  }
  auto answered = co_await parts_.invoker.invoke(
      {.function = std::move(function),
       .invoked_arn = parts_.home.function_arn(mapping_.function_name, mapping_.qualifier),
       .payload = event_of(piece.records),
       .is_background = true});
  if (!answered) {
    last_result_ = kCallFailed;
    const bool is_final = answered.error().kind == invoke::InvokeError::Kind::request_too_large;
    co_return Attempt{is_final ? Outcome::failed : Outcome::not_called, 0, {}};
  }
  Attempt attempt{.outcome = Outcome::failed, .done = 0, .answer = *std::move(answered)};
  if (attempt.answer.function_error.empty()) {
    attempt.done =
        mapping_.reports_item_failures ? records_done(attempt.answer.payload, piece.records) : piece.records.size();
    if (attempt.done == piece.records.size()) attempt.outcome = Outcome::done;
  }
  last_result_ = attempt.outcome == Outcome::done ? "OK" : kCallFailed;
  co_return attempt;
}

net::Task<bool> MappingRun::give_up(const std::string& shard, Piece piece, std::string_view condition,
                                    const invoke::Answer* answer, net::Timer& timer) {
  log::warning("event source mapping {}: {} records of {} from {} on are given up: {}", mapping_.id,
               piece.records.size(), shard, piece.records.front().sequence, condition);
  if (!mapping_.on_failure.empty()) {
    const BatchFailure failure{.function_arn = parts_.home.function_arn(mapping_.function_name, mapping_.qualifier),
                               .condition = std::string(condition),
                               .attempts = piece.attempts,
                               .info_member = std::string(source_.batch_info_member()),
                               .stream_arn = mapping_.source_arn,
                               .shard = shard,
                               .time = parts_.clock.wall()};
    invoke::Destinations::Delivery delivery{.arn = mapping_.on_failure,
                                            .payload = batch_failure_record(failure, piece.records, answer),
                                            .trace_header = {},
                                            .about = "a batch of event source mapping " + mapping_.id};
    const bool is_told =
        co_await parts_.destinations.deliver(std::move(delivery), parts_.policy.delivery, timer, stopping_);
    if (!is_told) co_return false;
  }
  note(shard, piece.records.back());
  co_return true;
}

void MappingRun::note(const std::string& shard, const StreamRecord& last) {
  parts_.positions.set(mapping_.id, shard, {last.sequence, false});
}

}  // namespace lambent::triggers
