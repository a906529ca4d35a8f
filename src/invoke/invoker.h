// Invocation: the one way by which a call reaches a function, whoever asks (the Invoke API, a function URL, later
// event sources).
//
// A synchronous call is admitted (payload limit, account concurrency), given an instance, run, logged and metered;
// its answer is handed over after its usage record is in the ledger. An asynchronous call is acknowledged once it is
// on disk, and retried as AWS does. Everything runs on the server's loop.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "catalog/entry.h"
#include "catalog/function.h"
#include "instance/snapshot_outcome.h"
#include "net/task.h"
#include "runtime_api/answer_stream.h"
#include "scheduler/readiness.h"

namespace lambent::invoke {

struct Call {
  catalog::FunctionPtr function;
  std::string invoked_arn;     // as the caller named it: qualified where a qualifier was given
  std::string payload;         // JSON text, handed to the function byte for byte
  std::string client_context;  // JSON text, empty where none (X-Amz-Client-Context, decoded)
  std::string trace_header;    // X-Amzn-Trace-Id, empty: one is made
  std::string request_id;      // empty: one is made
  bool is_background = false;  // an attempt of an asynchronous call: others go before it
  // Where the caller takes an answer while it is made: a function that streams has its answer there, and the Answer's
  // payload is then empty or the error that the stream ended with. See streamed_call.h.
  std::shared_ptr<runtime_api::AnswerStream> stream{};
};

struct Answer {
  std::string request_id;
  std::string executed_version;
  std::string payload;         // what the function answered, or the error object
  std::string function_error;  // empty, or "Unhandled" / "Handled": X-Amz-Function-Error
  std::string log_tail;        // the last 4 KB of this call's log, not encoded
  std::string content_type;    // as the function's runtime client gave it, e.g. application/json or the
                               // http-integration-response type of a streamed answer
};

// Why a call was refused or could not be run; what the caller of the API sees is services/lambda's mapping.
struct InvokeError {
  enum class Kind {
    throttled,             // 429 TooManyRequestsException, Reason ConcurrentInvocationLimitExceeded
    throttled_by_reserve,  // the same, Reason ReservedFunctionConcurrentInvocationLimitExceeded
    recursive_loop,        // 400 RecursiveInvocationException
    request_too_large,     // 413 RequestTooLargeException
    function_not_active,   // 409 ResourceConflictException: Pending, or Failed
    snapshot_not_ready,    // 409 SnapStartNotReadyException: a version whose snapshot is being made
    runtime_unavailable,   // 400/502: the interpreter is not on this host; the message lists what is
    code_unavailable,      // 502: the unpacked package is gone
    instance_unavailable,  // 500 ServiceException: the sandbox could not be made
    stopping,              // 503: the server drains
    queue_failed,          // 500: the asynchronous call could not be made durable
  };
  Kind kind;
  std::string message;
};

template <class T>
using InvokeResult = std::expected<T, InvokeError>;

class Invoker {
 public:
  virtual ~Invoker() = default;
  // Runs the call and waits for its end (success, function error, timeout, crash).
  virtual net::Task<InvokeResult<Answer>> invoke(Call call) = 0;
  // Returns the request id once the call is durable; it runs later.
  virtual net::Task<InvokeResult<std::string>> enqueue(Call call) = 0;
  // What DryRun checks beyond permissions: the function could be called.
  virtual InvokeResult<void> check(const Call& call) = 0;
  // This version is no longer called as it is: its idle instances end, busy ones after their call.
  virtual void retire(const catalog::Function& former) = 0;
  // The function is new, or its settings or aliases changed: reserved and provisioned concurrency follow.
  virtual void follow(const catalog::Entry& entry) = 0;
  // The function is gone.
  virtual void forget(const std::string& name) = 0;
  // Of a version that was published with SnapStart: its INIT runs, in the template that its instances become forks of.
  // Waits for the end of that.
  virtual net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr version) = 0;
  // Of a version with provisioned concurrency.
  [[nodiscard]] virtual scheduler::Readiness readiness(const catalog::Function& version) const = 0;
};

// The platform's runtimes as this host has them; asked at CreateFunction, so that a missing interpreter is a clear
// error there and not at the first call.
class RuntimeCatalog {
 public:
  virtual ~RuntimeCatalog() = default;
  // Nothing where it can run; otherwise what is missing and what there is.
  [[nodiscard]] virtual std::expected<void, std::string> can_run(const std::string& runtime) const = 0;
  // Functions of this runtime may be called soon: what their cold starts need is made ready. Unknown ones are ignored.
  virtual void expect(const std::string& runtime) = 0;
};

}  // namespace lambent::invoke
