#include "invoke/destination.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "catalog/function_name.h"

namespace lambent::invoke {

net::Task<bool> Destinations::deliver(Delivery delivery, Backoff backoff, net::Timer& timer,
                                      const bool& is_stopping) const {
  const auto kind = std::ranges::find_if(all_, [&](const Destination* each) { return each->takes(delivery.arn); });
  if (kind == all_.end()) {
    log::warning("the outcome of {} is dropped: this server has no {}", delivery.about, delivery.arn);
    co_return true;
  }
  auto wait = backoff.shortest;
  while (!is_stopping) {
    const auto sent = co_await (*kind)->send(delivery.arn, delivery.payload, delivery.trace_header);
    if (sent) co_return true;
    using enum InvokeError::Kind;
    const auto why = sent.error().kind;
    if (why != throttled && why != queue_failed && why != stopping) {
      log::warning("the outcome of {} is dropped: {}", delivery.about, sent.error().message);
      co_return true;
    }
    if (!is_stopping) std::ignore = co_await timer.sleep(wait);
    wait = std::min(wait * 2, backoff.longest);
  }
  co_return false;
}

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
