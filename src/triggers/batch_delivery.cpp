#include "triggers/batch_delivery.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/log.h"
#include "triggers/batch_failure.h"
#include "triggers/batch_response.h"

namespace lambent::triggers {
namespace {

constexpr std::string_view kCallFailed = "PROBLEM: Function call failed";

std::string event_of(std::span<const StreamRecord> records, std::string_view other_members) {
  std::string event = R"({"Records":[)";
  for (const auto& record : records) event.append(record.json).push_back(',');
  if (!records.empty()) event.pop_back();
  return event.append("]").append(other_members).append("}");
}

}  // namespace

std::chrono::milliseconds BatchDelivery::Backoff::next() {
  return std::exchange(next_, std::min(next_ * 2, policy_.longest_backoff));
}

net::Task<bool> BatchDelivery::hand_over(std::span<const StreamRecord> records, TumblingWindow* window) {
  std::deque<Piece> pieces{{records, 0}};
  Backoff backoff(context_.parts.policy);
  const auto& mapping = context_.mapping;
  while (!pieces.empty()) {
    if (context_.stopping || !co_await restart_large_window(window)) co_return false;
    Piece& piece = pieces.front();
    if (!co_await drop_old(piece)) co_return false;
    if (piece.records.empty()) {
      pieces.pop_front();
      continue;
    }
    const auto attempt = co_await try_batch(piece, window);
    if (attempt.outcome == Outcome::not_called) {
      if (!co_await context_.pause(timer_.get(), backoff.next())) co_return false;
      continue;
    }
    if (attempt.done > 0) {
      observer_.on_done(piece.records.first(attempt.done));
      piece = {piece.records.subspan(attempt.done), 0};
      backoff.reset();
    }
    if (attempt.outcome == Outcome::done) continue;
    if (mapping.bisects && piece.records.size() > 1) {
      const Piece second{piece.records.subspan(piece.records.size() / 2), piece.attempts};
      piece.records = piece.records.first(piece.records.size() / 2);
      pieces.insert(pieces.begin() + 1, second);
    } else if (mapping.max_retries >= 0 && piece.attempts++ >= mapping.max_retries) {
      if (!co_await give_up(piece, "RetryAttemptsExhausted", &attempt.answer)) co_return false;
      pieces.pop_front();
      continue;
    }
    if (!co_await context_.pause(timer_.get(), backoff.next())) co_return false;
  }
  co_return co_await restart_large_window(window);
}

net::Task<bool> BatchDelivery::restart_large_window(TumblingWindow* window) {
  if (window == nullptr || window->state.size() <= context_.parts.policy.window_state_bytes) co_return true;
  if (!co_await end_window(*window, WindowCall::early_final)) co_return false;
  window->state = TumblingWindow().state;
  observer_.on_window_restarted();
  co_return true;
}

net::Task<bool> BatchDelivery::end_window(const TumblingWindow& window, WindowCall kind) {
  Backoff backoff(context_.parts.policy);
  const std::string event = event_of({}, window_members(window, kind, shard_, context_.mapping.source_arn));
  while (!context_.stopping) {
    const auto attempt = co_await call(event);
    if (attempt.outcome == Outcome::done) co_return true;
    if (attempt.outcome == Outcome::too_large) {
      log::warning("event source mapping {}: the state of a window of {} is too large for an event, and is dropped",
                   context_.mapping.id, shard_);
      co_return true;
    }
    if (!co_await context_.pause(timer_.get(), backoff.next())) break;
  }
  co_return false;
}

net::Task<bool> BatchDelivery::drop_old(Piece& piece) {
  const auto max_age = context_.mapping.max_age_seconds;
  if (max_age < 0) co_return true;
  const auto oldest = context_.parts.clock.wall_ms() - max_age * 1000;
  const auto young = std::ranges::find_if(piece.records, [&](const auto& each) { return each.arrived_ms >= oldest; });
  const auto count = static_cast<std::size_t>(young - piece.records.begin());
  if (count == 0) co_return true;
  const Piece old{piece.records.first(count), piece.attempts};
  piece.records = piece.records.subspan(count);
  co_return co_await give_up(old, "RecordAgeExceeded", nullptr);
}

net::Task<BatchDelivery::Attempt> BatchDelivery::try_batch(Piece piece, TumblingWindow* window) {
  const auto& mapping = context_.mapping;
  const std::string members =
      window == nullptr ? "" : window_members(*window, WindowCall::aggregate, shard_, mapping.source_arn);
  auto attempt = co_await call(event_of(piece.records, members));
  if (attempt.outcome == Outcome::too_large) attempt.outcome = Outcome::failed;
  if (attempt.outcome != Outcome::done) co_return attempt;
  auto state = window == nullptr ? std::nullopt : returned_state(attempt.answer.payload);
  attempt.done =
      mapping.reports_item_failures ? records_done(attempt.answer.payload, piece.records) : piece.records.size();
  if (window != nullptr && !state) attempt.done = 0;
  if (window != nullptr && attempt.done > 0) window->state = *std::move(state);
  if (attempt.done < piece.records.size()) {
    attempt.outcome = Outcome::failed;
    context_.last_result = kCallFailed;
  }
  co_return attempt;
}

net::Task<BatchDelivery::Attempt> BatchDelivery::call(std::string event) {
  const auto& parts = context_.parts;
  const auto& mapping = context_.mapping;
  auto function = parts.find_function(mapping.function_name, mapping.qualifier);
  if (!function) {
    context_.last_result = "PROBLEM: Function not found";
    co_return Attempt{};
  }
  auto answered =
      co_await parts.invoker.invoke({.function = std::move(function),
                                     .invoked_arn = parts.home.function_arn(mapping.function_name, mapping.qualifier),
                                     .payload = std::move(event),
                                     .is_background = true});
  if (!answered) {
    context_.last_result = kCallFailed;
    const bool is_final = answered.error().kind == invoke::InvokeError::Kind::request_too_large;
    co_return Attempt{.outcome = is_final ? Outcome::too_large : Outcome::not_called};
  }
  Attempt attempt{.outcome = Outcome::failed, .answer = *std::move(answered)};
  if (attempt.answer.function_error.empty()) attempt.outcome = Outcome::done;
  context_.last_result = attempt.outcome == Outcome::done ? "OK" : kCallFailed;
  co_return attempt;
}

net::Task<bool> BatchDelivery::give_up(Piece piece, std::string_view condition, const invoke::Answer* answer) {
  const auto& parts = context_.parts;
  const auto& mapping = context_.mapping;
  log::warning("event source mapping {}: {} records of {} from {} on are given up: {}", mapping.id,
               piece.records.size(), shard_, piece.records.front().sequence, condition);
  if (!mapping.on_failure.empty()) {
    const BatchFailure failure{.function_arn = parts.home.function_arn(mapping.function_name, mapping.qualifier),
                               .condition = std::string(condition),
                               .attempts = piece.attempts,
                               .info_member = std::string(context_.source.batch_info_member()),
                               .stream_arn = mapping.source_arn,
                               .shard = shard_,
                               .time = parts.clock.wall()};
    invoke::Destinations::Delivery delivery{.arn = mapping.on_failure,
                                            .payload = batch_failure_record(failure, piece.records, answer),
                                            .trace_header = {},
                                            .about = "a batch of event source mapping " + mapping.id};
    const bool is_told = co_await parts.destinations.deliver(std::move(delivery), parts.policy.delivery, timer_.get(),
                                                             context_.stopping);
    if (!is_told) co_return false;
  }
  observer_.on_done(piece.records);
  co_return true;
}

}  // namespace lambent::triggers
