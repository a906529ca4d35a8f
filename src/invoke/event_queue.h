// Asynchronous calls: on disk before they are acknowledged, run at least once, retried as AWS Lambda does
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
//
// A call that the function failed is tried twice more, after one minute and after two more. A call that could not be
// run (throttled, no instance) is tried again with growing waits until it is too old. An event leaves the disk when it
// has succeeded, was given up, or its function is gone. After a restart everything that is still on disk runs again.
//
// Events are kept under "<accepted, milliseconds, big-endian hex>-<request id>" in the space async_queue: oldest first.
// Used on the loop's thread only; the store is written by the committer's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "invoke/event.h"
#include "invoke/invoker.h"
#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/timer.h"
#include "store/committer.h"
#include "store/key_value_store.h"

namespace lambent::invoke {

struct RetryPolicy {
  std::uint32_t retries = 2;  // after the first attempt
  std::chrono::milliseconds first_wait{60'000};
  std::chrono::milliseconds second_wait{120'000};
  std::chrono::milliseconds shortest_backoff{1'000};  // throttled or no instance
  std::chrono::milliseconds longest_backoff{300'000};
  std::chrono::milliseconds max_age{21'600'000};
  std::size_t pending_bytes = 256 * kMiB;  // of all events that wait or run: they are kept in memory too
};

class EventQueue {
 public:
  // What a call of this qualifier (empty: $LATEST) runs now; null where the function or the qualifier is gone.
  using FindFunction = std::function<catalog::FunctionPtr(const std::string& name, const std::string& qualifier)>;

  // All references outlive the queue.
  EventQueue(net::Loop& loop, const Clock& clock, store::KeyValueStore& store, store::Committer& committer,
             Invoker& invoker, FindFunction find_function, RetryPolicy policy = {});
  // stop() must have been awaited.
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

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

  void start(std::string key, Event event);
  net::Task<> work(std::string key, Event event);
  // What to do after an attempt: wait so long and try again, or nothing more.
  std::optional<std::chrono::milliseconds> next_wait(const InvokeResult<Answer>& result, Event& event,
                                                     std::chrono::milliseconds& backoff) const;
  net::Task<Result<>> write(std::string key, std::optional<std::string> value, store::Durability durability);

  net::Loop& loop_;
  const Clock& clock_;
  store::KeyValueStore& store_;
  store::Committer& committer_;
  Invoker& invoker_;
  FindFunction find_function_;
  RetryPolicy policy_;
  net::Scope scope_;
  std::list<Waiting> waiting_;  // one for each event in memory
  std::size_t bytes_ = 0;       // of their payloads
  bool stopping_ = false;
};

}  // namespace lambent::invoke
