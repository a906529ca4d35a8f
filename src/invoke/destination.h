// Where the outcome of an asynchronous call goes: one implementation for each kind of target.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "invoke/invoker.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::invoke {

class Destination {
 public:
  virtual ~Destination() = default;
  [[nodiscard]] virtual bool takes(std::string_view arn) const = 0;
  // Done when the target has it for good. `trace_header`: of the call that it is about.
  virtual net::Task<InvokeResult<void>> send(std::string arn, std::string payload, std::string trace_header) = 0;
};

// Every kind of target there is.
class Destinations {
 public:
  struct Backoff {
    std::chrono::milliseconds shortest{1'000};
    std::chrono::milliseconds longest{300'000};
  };
  struct Delivery {
    std::string arn;
    std::string payload;
    std::string trace_header;
    std::string about;  // for the log: "call 1234"
  };

  // Outlives this.
  void add(Destination& destination) { all_.push_back(&destination); }
  // Until the target has it; false where `is_stopping` is set first (then `timer`, on which this waits, is cancelled).
  // What can never arrive is logged and dropped, as on AWS, which counts as delivered.
  net::Task<bool> deliver(Delivery delivery, Backoff backoff, net::Timer& timer, const bool& is_stopping) const;

 private:
  std::vector<Destination*> all_;
};

// Another function, called asynchronously. Both references outlive it.
class FunctionDestination final : public Destination {
 public:
  using FindFunction = std::function<catalog::FunctionPtr(const std::string& name, const std::string& qualifier)>;

  FunctionDestination(Invoker& invoker, FindFunction find) : invoker_(invoker), find_(std::move(find)) {}

  [[nodiscard]] bool takes(std::string_view arn) const override;
  net::Task<InvokeResult<void>> send(std::string arn, std::string payload, std::string trace_header) override;

 private:
  Invoker& invoker_;
  FindFunction find_;
};

}  // namespace lambent::invoke
