#include "invoke/destination.h"

#include <utility>

#include "catalog/function_name.h"

namespace lambent::invoke {

bool FunctionDestination::takes(std::string_view arn) const {
  const auto name = catalog::parse_function_name(arn);
  return name && !name->region.empty();
}

net::Task<InvokeResult<void>> FunctionDestination::send(std::string arn, std::string payload,
                                                        std::string trace_header) {
  const auto name = catalog::parse_function_name(arn);
  auto function = find_(name->name, name->qualifier);
  if (!function) co_return std::unexpected(InvokeError{InvokeError::Kind::code_unavailable, "there is no " + arn});
  Call call{.function = std::move(function),
            .invoked_arn = std::move(arn),
            .payload = std::move(payload),
            .trace_header = std::move(trace_header)};
  const auto queued = co_await invoker_.enqueue(std::move(call));
  if (!queued) co_return std::unexpected(queued.error());
  co_return InvokeResult<void>();
}

}  // namespace lambent::invoke
