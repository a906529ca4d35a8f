#include "invoke/event_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "catalog/function_name.h"
#include "net/one_shot.h"

namespace lambent::invoke {
namespace {

constexpr auto kSpace = store::Space::async_queue;

std::string key_of(const Event& event) {
  return fmt::format("{:016x}-{}", static_cast<std::uint64_t>(event.accepted_ms), event.request_id);
}

}  // namespace

EventQueue::EventQueue(net::Loop& loop, const Clock& clock, store::KeyValueStore& store, store::Committer& committer,
                       Invoker& invoker, FindFunction find_function, RetryPolicy policy)
    : loop_(loop),
      clock_(clock),
      store_(store),
      committer_(committer),
      invoker_(invoker),
      find_function_(std::move(find_function)),
      policy_(policy) {}

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
  if (bytes_ + call.payload.size() > policy_.pending_bytes) {
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
}

net::Task<> EventQueue::stop() {
  hold();
  co_await scope_.join();
}

// One event, from its first attempt to its end; left on disk where the server stops before that.
net::Task<> EventQueue::work(std::string key, Event event) {
  const auto place = waiting_.emplace(waiting_.end(), loop_);
  const std::size_t bytes = event.payload.size();
  bytes_ += bytes;
  const auto named = catalog::parse_function_name(event.invoked_arn);
  const std::string qualifier = named ? named->qualifier : std::string();
  auto backoff = policy_.shortest_backoff;
  bool finished = false;
  while (!stopping_ && !finished) {
    const catalog::FunctionPtr function = find_function_(event.function_name, qualifier);
    std::optional<std::chrono::milliseconds> wait;
    if (function) {
      Call call{function, event.invoked_arn, event.payload, event.client_context, event.trace_header, event.request_id};
      wait = next_wait(co_await invoker_.invoke(std::move(call)), event, backoff);
    }
    finished = !wait;
    if (finished) break;
    std::ignore = co_await write(key, encode(event), store::Durability::nosync);
    if (!stopping_) std::ignore = co_await place->timer.sleep(*wait);
  }
  waiting_.erase(place);
  bytes_ -= bytes;
  // A removal that is lost by a crash means one run more, which at-least-once allows.
  if (finished) std::ignore = co_await write(std::move(key), std::nullopt, store::Durability::nosync);
}

std::optional<std::chrono::milliseconds> EventQueue::next_wait(const InvokeResult<Answer>& result, Event& event,
                                                               std::chrono::milliseconds& backoff) const {
  if (result && result->function_error.empty()) return std::nullopt;
  if (clock_.wall_ms() - event.accepted_ms > policy_.max_age.count()) {
    log::warning("asynchronous call {} to {} is too old and given up", event.request_id, event.function_name);
    return std::nullopt;
  }
  if (!result) {
    const auto wait = backoff;
    backoff = std::min(backoff * 2, policy_.longest_backoff);
    return wait;
  }
  event.attempts++;
  if (event.attempts > policy_.retries) {
    log::warning("asynchronous call {} to {} failed {} times and is given up", event.request_id, event.function_name,
                 event.attempts);
    return std::nullopt;
  }
  return event.attempts == 1 ? policy_.first_wait : policy_.second_wait;
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
