// Asynchronous calls: on disk before they are acknowledged, run at least once, retried as AWS Lambda does
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
//
// A call that the function failed is tried twice more, after one minute and after two more. A call that could not be
// run (throttled, no instance) is tried again with growing waits until it is too old. A function's event invoke
// configuration says otherwise where it is there. Events of several functions run in turns, so that none waits behind
// all events of another.
//
// An event leaves the disk when it has succeeded or was given up, and the function's destinations and dead-letter
// target have their record of that for good; or when its function is gone. After a restart everything that is still on
// disk runs again.
//
// Events are kept under "<accepted, milliseconds, big-endian hex>-<request id>" in the space async_queue: oldest first.
// Used on the loop's thread only; the store is written by the committer's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/limits.h"
#include "catalog/settings.h"
#include "invoke/destination.h"
#include "invoke/event.h"
#include "invoke/invoker.h"
#include "invoke/outcome_record.h"
#include "invoke/turns.h"
#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/timer.h"
#include "store/committer.h"
#include "store/key_value_store.h"

namespace lambent::invoke {

struct RetryPolicy {
  std::uint32_t retries = 2;  // after the first attempt, where the function says nothing else
  std::chrono::milliseconds first_wait{60'000};
  std::chrono::milliseconds second_wait{120'000};
  std::chrono::milliseconds shortest_backoff{1'000};  // throttled or no instance
  std::chrono::milliseconds longest_backoff{300'000};
  std::chrono::milliseconds max_age{21'600'000};  // the same
  std::size_t at_once = 500;                      // events that run, shared in turns between functions
  std::size_t pending_bytes = 256 * kMiB;         // of all events that wait or run: they are kept in memory too
};

// What an event leads to now.
struct EventTarget {
  catalog::FunctionPtr function;  // null where the function or the qualifier is gone
  catalog::EventInvokeConfig config;
};

class EventQueue {
 public:
  // `qualifier`: empty for $LATEST.
  using FindTarget = std::function<EventTarget(const std::string& name, const std::string& qualifier)>;

  // All references outlive the queue.
  EventQueue(net::Loop& loop, const Clock& clock, store::KeyValueStore& store, store::Committer& committer,
             Invoker& invoker, FindTarget find_target, RetryPolicy policy = {});
  // stop() must have been awaited.
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // Before resume(); outlives the queue.
  void add_destination(Destination& destination) { destinations_.add(destination); }
  // Reads what an earlier run left and runs it. Blocks on the disk: before the loop runs. Returns how many.
  Result<std::size_t> resume();
  // The request id, once the call is on disk. Kind::throttled where too much is waiting already.
  net::Task<InvokeResult<std::string>> add(Call call);
  // Starts no further attempt; what waits for one stays on disk.
  void hold();
  // Calls hold(), and waits for attempts under way (their results are kept).
  net::Task<> stop();
  [[nodiscard]] std::size_t pending() const { return waiting_.size(); }

 private:
  struct Waiting {
    explicit Waiting(net::Loop& loop) : timer(loop) {}
    net::Timer timer;
  };
  using Place = std::list<Waiting>::iterator;

  // The end of an event: what became of it, and the answer of its last attempt where there was one.
  struct End {
    Condition condition = Condition::success;
    std::optional<Answer> answer;
    bool is_known = false;  // false: the event goes without a word (its function is gone)
  };
  // After an attempt: how long to wait for the next one, or how it ended.
  using Step = std::variant<std::chrono::milliseconds, End>;

  void start(std::string key, Event event);
  net::Task<> work(std::string key, Event event);
  net::Task<std::optional<End>> run_to_end(const std::string& key, Event& event, const std::string& qualifier,
                                           Place place);
  net::Task<InvokeResult<Answer>> attempt(const Event& event, catalog::FunctionPtr function);
  Step next_step(InvokeResult<Answer> result, Event& event, const catalog::EventInvokeConfig& config,
                 std::chrono::milliseconds& backoff) const;
  [[nodiscard]] bool is_too_old(const Event& event, const catalog::EventInvokeConfig& config) const;
  // True where nobody is left to be told.
  net::Task<bool> tell(const Event& event, const std::string& qualifier, const End& end, Place place);
  net::Task<bool> deliver(std::string arn, std::string payload, const Event& event, Place place);
  net::Task<Result<>> write(std::string key, std::optional<std::string> value, store::Durability durability);

  net::Loop& loop_;
  const Clock& clock_;
  store::KeyValueStore& store_;
  store::Committer& committer_;
  Invoker& invoker_;
  FindTarget find_target_;
  RetryPolicy policy_;
  Turns turns_;
  Destinations destinations_;
  net::Scope scope_;
  std::list<Waiting> waiting_;  // one for each event in memory
  std::size_t bytes_ = 0;       // that they take
  bool stopping_ = false;
};

}  // namespace lambent::invoke
