// A call whose answer is taken piece by piece, while the function makes it.
//
//     StreamedCall call(invoker, limit);
//     call.start(...);
//     while (auto piece = co_await call.next()) ...   // as the function sends it; the whole at once where it does not
//     stream call.result() ...                               // how it ended co_await call.close(); // always, before
//     it goes away
//
// Used on the loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "invoke/invoker.h"
#include "net/scope.h"
#include "net/task.h"
#include "runtime_api/answer_stream.h"

namespace lambent::invoke {

class StreamedCall {
 public:
  // `limit`: bytes of a streamed answer. The invoker outlives it.
  StreamedCall(Invoker& invoker, std::uint64_t limit);
  // close() must have been awaited.
  ~StreamedCall() = default;
  StreamedCall(const StreamedCall&) = delete;
  StreamedCall& operator=(const StreamedCall&) = delete;

  // Once.
  void start(Call call);
  // Nothing at the end: the call is over then. Where the call failed before it answered, there is no piece.
  net::Task<std::optional<std::string>> next();
  // After the end.
  [[nodiscard]] InvokeResult<Answer>& result() { return *result_; }
  // Once next() gave something, or its end. A function that does not stream has the type of its answer.
  [[nodiscard]] bool is_streamed() const { return stream_->has_begun(); }
  [[nodiscard]] const std::string& content_type() const;
  // Waits for the end of the call; what was not taken of the answer is dropped. As on AWS, a function whose caller has
  // gone runs on to its end.
  net::Task<> close();

 private:
  net::Task<> run(Call call);

  Invoker& invoker_;
  std::shared_ptr<runtime_api::AnswerStream> stream_;
  std::optional<InvokeResult<Answer>> result_;
  bool whole_given_ = false;
  net::Scope scope_;
};

}  // namespace lambent::invoke
