// A bounded pool of threads for what blocks (disk, hashing large bodies), so that the loop never does.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "net/loop.h"
#include "net/one_shot.h"
#include "net/task.h"

namespace lambent::net {

class WorkPool {
 public:
  // Threads start now and end in the destructor, after the queued work is done.
  explicit WorkPool(std::size_t threads);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // Queues work for any thread of the pool. Thread-safe. Order between items is not kept.
  void submit(std::move_only_function<void()> work);

  // Runs `call` (no arguments, non-void result) on the pool and resumes the caller on `loop`. Everything that `call`
  // refers to must stay until it has run, even if the awaiting coroutine is destroyed: capture values.
  template <class Call>
  Task<std::invoke_result_t<Call>> run(Loop& loop, Call call) {
    using T = std::invoke_result_t<Call>;
    OneShot<T> done;
    submit([&loop, done, call = std::move(call)]() mutable {
      auto value = std::make_unique<T>(call());
      loop.post([done, value = std::move(value)]() mutable { done.set(std::move(*value)); });
    });
    co_return co_await done;
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambent::net
