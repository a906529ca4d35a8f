#include "invoke/streamed_call.h"

#include <utility>

namespace lambent::invoke {

StreamedCall::StreamedCall(Invoker& invoker, std::uint64_t limit)
    : invoker_(invoker), stream_(std::make_shared<runtime_api::AnswerStream>(limit)) {}

void StreamedCall::start(Call call) {
  call.stream = stream_;
  scope_.spawn(run(std::move(call)));
}

net::Task<> StreamedCall::run(Call call) {
  result_ = co_await invoker_.invoke(std::move(call));
  stream_->close();
}

net::Task<std::optional<std::string>> StreamedCall::next() {
  if (auto piece = co_await stream_->take()) co_return piece;
  const bool has_whole =
      *result_ && !stream_->has_begun() && (*result_)->function_error.empty() && !(*result_)->payload.empty();
  if (!has_whole || std::exchange(whole_given_, true)) co_return std::nullopt;
  co_return std::move((*result_)->payload);
}

const std::string& StreamedCall::content_type() const {
  return stream_->has_begun() || !result_ || !*result_ ? stream_->content_type() : (*result_)->content_type;
}

net::Task<> StreamedCall::close() {
  stream_->abandon();
  co_await scope_.join();
}

}  // namespace lambent::invoke
