#include "invoke/event_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "catalog/function_name.h"
#include "invoke/lineage.h"
#include "net/one_shot.h"

namespace lambent::invoke {
namespace {

constexpr auto kSpace = store::Space::async_queue;

std::string key_of(const Event& event) {
  return fmt::format("{:016x}-{}", static_cast<std::uint64_t>(event.accepted_ms), event.request_id);
}

// An event takes room without a payload too.
std::size_t bytes_of(const std::string& payload) {
  constexpr std::size_t kEach = 1024;
  return payload.size() + kEach;
}

}  // namespace

EventQueue::EventQueue(net::Loop& loop, const Clock& clock, store::KeyValueStore& store, store::Committer& committer,
                       Invoker& invoker, FindTarget find_target, RetryPolicy policy)
    : loop_(loop),
      clock_(clock),
      store_(store),
      committer_(committer),
      invoker_(invoker),
      find_target_(std::move(find_target)),
      policy_(policy),
      turns_(loop, policy.at_once) {}

EventQueue::~EventQueue() = default;

Result<std::size_t> EventQueue::resume() {
  const auto snapshot = store_.snapshot();
  const auto cursor = snapshot->cursor(kSpace, "", "");
  std::size_t count = 0;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    std::string key(cursor->key());
    auto event = decode_event(cursor->value());
    if (!event) {
      // Kept on disk: a newer version of this program may have written it.
      log::error("asynchronous call {} cannot be read and is left where it is", key);
      continue;
    }
    count++;
    loop_.post(
        [this, key = std::move(key), event = *std::move(event)]() mutable { start(std::move(key), std::move(event)); });
  }
  LAMBENT_TRY_VOID(cursor->status());
  return count;
}

net::Task<InvokeResult<std::string>> EventQueue::add(Call call) {
  if (bytes_ + bytes_of(call.payload) > policy_.pending_bytes) {
    co_return std::unexpected(InvokeError{InvokeError::Kind::throttled, "Too many asynchronous calls are waiting."});
  }
  Event event{.function_name = call.function->name,
              .invoked_arn = std::move(call.invoked_arn),
              .payload = std::move(call.payload),
              .client_context = std::move(call.client_context),
              .trace_header = std::move(call.trace_header),
              .request_id = call.request_id,
              .accepted_ms = clock_.wall_ms(),
              .attempts = 0};
  std::string key = key_of(event);
  const auto written = co_await write(key, encode(event), store::Durability::sync);
  if (!written) {
    co_return std::unexpected(InvokeError{InvokeError::Kind::queue_failed, written.error().message()});
  }
  start(std::move(key), std::move(event));
  co_return call.request_id;
}

void EventQueue::start(std::string key, Event event) {
  if (!stopping_) scope_.spawn(work(std::move(key), std::move(event)));
}

void EventQueue::hold() {
  stopping_ = true;
  for (Waiting& each : waiting_) each.timer.cancel();
  turns_.close();
}

net::Task<> EventQueue::stop() {
  hold();
  co_await scope_.join();
}

// One event, from its first attempt to its end; left on disk where the server stops before that.
net::Task<> EventQueue::work(std::string key, Event event) {
  const auto place = waiting_.emplace(waiting_.end(), loop_);
  const std::size_t bytes = bytes_of(event.payload);
  bytes_ += bytes;
  const auto named = catalog::parse_function_name(event.invoked_arn);
  const std::string qualifier = named ? named->qualifier : std::string();
  const auto end = co_await run_to_end(key, event, qualifier, place);
  const bool finished = end && co_await tell(event, qualifier, *end, place);
  waiting_.erase(place);
  bytes_ -= bytes;
  // A removal that is lost by a crash means one run more, which at-least-once allows.
  if (finished) std::ignore = co_await write(std::move(key), std::nullopt, store::Durability::nosync);
}

// Nothing where the server stops first.
net::Task<std::optional<EventQueue::End>> EventQueue::run_to_end(const std::string& key, Event& event,
                                                                 const std::string& qualifier, Place place) {
  auto backoff = policy_.shortest_backoff;
  while (co_await turns_.enter(event.function_name)) {
    auto target = find_target_(event.function_name, qualifier);
    std::optional<Step> step;
    if (!target.function) {
      step = End{};
    } else if (is_too_old(event, target.config)) {
      step = End{.condition = Condition::age_exceeded, .answer = {}, .is_known = true};
    } else {
      step = next_step(co_await attempt(event, std::move(target.function)), event, target.config, backoff);
    }
    turns_.leave();
    if (auto* end = std::get_if<End>(&*step)) co_return std::move(*end);
    std::ignore = co_await write(key, encode(event), store::Durability::nosync);
    if (!stopping_) std::ignore = co_await place->timer.sleep(std::get<std::chrono::milliseconds>(*step));
  }
  co_return std::nullopt;
}

net::Task<InvokeResult<Answer>> EventQueue::attempt(const Event& event, catalog::FunctionPtr function) {
  Call call{.function = std::move(function),
            .invoked_arn = event.invoked_arn,
            .payload = event.payload,
            .client_context = event.client_context,
            .trace_header = event.trace_header,
            .request_id = event.request_id,
            .is_background = true};
  co_return co_await invoker_.invoke(std::move(call));
}

bool EventQueue::is_too_old(const Event& event, const catalog::EventInvokeConfig& config) const {
  const auto max_age = config.max_age_seconds ? std::chrono::milliseconds(std::chrono::seconds(*config.max_age_seconds))
                                              : policy_.max_age;
  return clock_.wall_ms() - event.accepted_ms > max_age.count();
}

EventQueue::Step EventQueue::next_step(InvokeResult<Answer> result, Event& event,
                                       const catalog::EventInvokeConfig& config,
                                       std::chrono::milliseconds& backoff) const {
  if (!result) {
    if (result.error().kind == InvokeError::Kind::recursive_loop) {
      return End{.condition = Condition::loop_detected, .answer = {}, .is_known = true};
    }
    return std::exchange(backoff, std::min(backoff * 2, policy_.longest_backoff));
  }
  event.attempts++;
  if (result->function_error.empty()) {
    return End{.condition = Condition::success, .answer = *std::move(result), .is_known = true};
  }
  if (event.attempts > config.max_retries.value_or(policy_.retries)) {
    return End{.condition = Condition::retries_exhausted, .answer = *std::move(result), .is_known = true};
  }
  return event.attempts == 1 ? policy_.first_wait : policy_.second_wait;
}

net::Task<bool> EventQueue::tell(const Event& event, const std::string& qualifier, const End& end, Place place) {
  if (!end.is_known) co_return true;
  const bool succeeded = end.condition == Condition::success;
  const auto target = find_target_(event.function_name, qualifier);
  if (!target.function) co_return true;
  if (!succeeded) {
    log::warning("asynchronous call {} to {} is given up after {} attempts", event.request_id, event.function_name,
                 event.attempts);
  }
  const auto& to = succeeded ? target.config.on_success : target.config.on_failure;
  if (!to.empty()) {
    auto record = outcome_record(event, qualifier, end.condition, end.answer ? &*end.answer : nullptr, clock_.wall());
    if (!co_await deliver(to, std::move(record), event, place)) co_return false;
  }
  if (succeeded) co_return true;
  auto dead_letters = catalog::dead_letter_target(*target.function);
  if (dead_letters.empty()) co_return true;
  co_return co_await deliver(std::move(dead_letters), event.payload, event, place);
}

net::Task<bool> EventQueue::deliver(std::string arn, std::string payload, const Event& event, Place place) {
  Destinations::Delivery delivery{.arn = std::move(arn),
                                  .payload = std::move(payload),
                                  .trace_header = extend_lineage(event.trace_header, event.function_name).trace_header,
                                  .about = "call " + event.request_id};
  co_return co_await destinations_.deliver(std::move(delivery), {policy_.shortest_backoff, policy_.longest_backoff},
                                           place->timer, stopping_);
}

net::Task<Result<>> EventQueue::write(std::string key, std::optional<std::string> value, store::Durability durability) {
  store::WriteBatch batch;
  if (value) {
    batch.put(kSpace, key, *value);
  } else {
    batch.remove(kSpace, key);
  }
  const net::OneShot<Result<>> done;
  committer_.submit(std::move(batch), durability, [&loop = loop_, done](Result<> result) {
    loop.post([done, result = std::move(result)]() mutable { done.set(std::move(result)); });
  });
  co_return co_await done;
}

}  // namespace lambent::invoke
