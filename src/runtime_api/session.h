// The Lambda Runtime API of one instance (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), version
// 2018-06-01: next, response, error, init/error, served on a socket that only this instance reaches.
//
// States, as the runtime moves them:
//
//     starting --next--> waiting --deliver()--> busy --response|error--> answered --next--> waiting ...
//         |
//         +--init/error--> failed
//
// A request that does not fit the state is answered as AWS does and changes nothing: 403 InvalidStateTransition, or
// 400 InvalidRequestID for an id that is not the one in flight. The function's code is not trusted: every body is
// bounded, ids are compared, and whatever it sends reaches only its own caller.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "edge/server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/task.h"

namespace lambent::runtime_api {

// One call, as the runtime gets it.
struct Invocation {
  std::string request_id;
  std::string payload;         // JSON text
  std::string client_context;  // JSON text, or empty
  std::string trace_header;    // X-Amzn-Trace-Id
  std::string invoked_arn;
  Wall deadline;
};

// What the function answered: a result, or an error object.
struct Answer {
  bool is_error = false;
  std::string body;          // bytes as posted
  std::string content_type;  // of the post
  std::string error_type;    // Lambda-Runtime-Function-Error-Type, is_error only; may be empty
};

// What the session tells its instance. Calls come from the loop, never from inside a call into the session.
class Observer {
 public:
  virtual ~Observer() = default;
  // The runtime asks for its next invocation: deliver() may be called.
  virtual void on_waiting() = 0;
  virtual void on_answer(Answer answer) = 0;
  // INIT failed, by the runtime's own account.
  virtual void on_init_error(Answer error) = 0;
};

class Session {
 public:
  enum class State { starting, waiting, busy, answered, failed };

  // `server`, `observer` and `limits` must outlive the session. Serves from now on.
  Session(net::Loop& loop, edge::HttpServer& server, net::Listener listener, Observer& observer, const Limits& limits);
  // stopped() must have been awaited.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Hands the call to the waiting runtime. Only in state waiting (asserted). Where the runtime's poll is gone by then,
  // the call waits for its next one.
  void deliver(Invocation invocation);
  // The delivered call, where it never left for the runtime: another instance may have it. Once, after stop().
  std::optional<Invocation> take_undelivered();
  // Closes every connection; the observer hears nothing from then on. Idempotent.
  void stop();
  // Calls stop(), and waits until nothing of the session runs any more.
  net::Task<> stopped();
  [[nodiscard]] State state() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lambent::runtime_api
