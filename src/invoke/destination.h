// Where the outcome of an asynchronous call goes: one implementation for each kind of target.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "invoke/invoker.h"
#include "net/task.h"

namespace lambent::invoke {

class Destination {
 public:
  virtual ~Destination() = default;
  [[nodiscard]] virtual bool takes(std::string_view arn) const = 0;
  // Done when the target has it for good. `trace_header`: of the call that it is about.
  virtual net::Task<InvokeResult<void>> send(std::string arn, std::string payload, std::string trace_header) = 0;
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
