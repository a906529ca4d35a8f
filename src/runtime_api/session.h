// What an instance and its runtime say to each other, on a socket that only this instance reaches: by the Lambda
// Runtime API over HTTP (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, version 2018-06-01: next,
// response, error, init/error), or by frames (frames.h).
//
// States, as the runtime moves them:
//
//     starting --next--> waiting --deliver()--> busy --response|error--> answered --next--> waiting ...
//         |
//         +--init/error--> failed
//
// An HTTP request that does not fit the state is answered as AWS does and changes nothing: 403 InvalidStateTransition,
// or 400 InvalidRequestID for an id that is not the one in flight. The function's code is not trusted: every body is
// bounded, ids are compared, and whatever it sends reaches only its own caller.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "edge/server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/task.h"
#include "runtime_api/answer_stream.h"

namespace lambent::runtime_api {

// One call, as the runtime gets it.
struct Invocation {
  std::string request_id;
  std::string payload;         // JSON text
  std::string client_context;  // JSON text, or empty
  std::string trace_header;    // X-Amzn-Trace-Id
  std::string invoked_arn;
  Wall deadline;
  std::shared_ptr<AnswerStream> stream;  // where a streamed answer goes while it is made; null: it is gathered
};

// What the function answered: a result, or an error object.
struct Answer {
  bool is_error = false;
  std::string body;           // bytes as posted; empty where all of them went to Invocation::stream
  std::string content_type;   // of the post
  std::string error_type;     // Lambda-Runtime-Function-Error-Type, is_error only; may be empty
  bool is_one_frame = false;  // what the function wrote elsewhere before it was written before the answer's first byte
};

// The error that AWS makes of an answer over the limit.
inline constexpr std::string_view kResponseTooLarge = "Function.ResponseSizeTooLarge";
Answer too_large_answer(std::size_t limit);

// What the session tells its instance. Calls come from the loop, never from inside a call into the session.
class Observer {
 public:
  virtual ~Observer() = default;
  // The runtime asks for its next invocation: deliver() may be called.
  virtual void on_waiting() = 0;
  virtual void on_answer(Answer answer) = 0;
  // INIT failed, by the runtime's own account.
  virtual void on_init_error(Answer error) = 0;
  // The line has come to its end, or to something that is no frame: nothing more can come of it. The runtime's own end
  // may follow, and says more.
  virtual void on_lost() = 0;
};

class Session {
 public:
  enum class State { starting, waiting, busy, answered, failed };

  // stopped() must have been awaited.
  virtual ~Session() = default;

  // Hands the call to the waiting runtime. Only in state waiting (asserted). Where the runtime is gone by then the call
  // stays here.
  virtual void deliver(Invocation invocation) = 0;
  // The delivered call, where it never left for the runtime: another instance may have it. Once, after stop().
  virtual std::optional<Invocation> take_undelivered() = 0;
  // Closes every connection; the observer hears nothing from then on. Idempotent.
  virtual void stop() = 0;
  // Calls stop(), and waits until nothing of the session runs any more.
  virtual net::Task<> stopped() = 0;
  [[nodiscard]] virtual State state() const = 0;
};

// `server`, `observer` and `limits` must outlive the session. Serves HTTP from now on. `beside` answers what is no path
// of the Runtime API (404 without one).
std::unique_ptr<Session> make_http_session(net::Loop& loop, edge::HttpServer& server, net::Listener listener,
                                           Observer& observer, const Limits& limits, edge::Handler beside = {});
// The same over frames (frames.h), for Lambent's own runtime clients. What does not fit the state can only come from
// code of the function that writes to the line: then the line is closed.
std::unique_ptr<Session> make_line_session(net::Loop& loop, net::Stream line, Observer& observer, const Limits& limits);

}  // namespace lambent::runtime_api
