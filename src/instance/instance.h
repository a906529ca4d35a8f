// One instance of a function: a sandbox, the Runtime API it talks to, its log, and the call that it works on.
//
// An instance runs one call at a time. Its life:
//
//     starting --ready--> idle --run()--> busy --answer--> finishing --next--> idle ...
//         |                                 |
//         +--INIT failed--> failed          +--timeout, crash, out of memory--> ended
//
// While it is idle it is frozen after limits.freeze_after, where the host can: nothing that a handler left behind runs
// between calls.
//
// In state `failed` each run() gets the INIT error at once, until end(). A timeout, a crash or an exceeded memory limit
// ends the whole sandbox; the instance is never used again. Everything is logged here: the function's own output, and
// START, END and REPORT around each call. Where extensions go on after the answer, END and REPORT follow when they are
// done too: their time is part of the call's Duration, and billed.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "catalog/function.h"
#include "edge/server.h"
#include "egress/egress_client.h"
#include "egress/network_rules.h"
#include "egress/server_lines.h"
#include "identity/credentials.h"
#include "instance/backend.h"
#include "instance/invocation_result.h"
#include "instance/launch_plan.h"
#include "net/loop.h"
#include "net/task.h"
#include "runtime_api/session.h"
#include "telemetry/cold_start_histogram.h"
#include "telemetry/log_store.h"

namespace lambent::instance {

class Snapshots;

// What all instances of a server use; everything must outlive them.
struct Surroundings {
  net::Loop& loop;
  const Clock& clock;
  Random& random;
  Backend& backend;
  edge::HttpServer& http;          // serves the Runtime API sockets and the platform's API inside each sandbox
  edge::Handler platform_handler;  // the platform's API, as functions reach it at AWS_ENDPOINT_URL
  identity::CredentialStore& credentials;
  telemetry::LogStore& logs;
  telemetry::ColdStartHistogram& cold_starts;
  egress::Egress& egress;
  const egress::NetworkRules& network;
  const Limits& limits;
  Platform platform;
  // What extensions took after a call's answer, beyond what the answer's result says is billed. Null: nobody bills it.
  std::function<void(const catalog::Function& function, const std::string& request_id, std::uint32_t billed_ms)>
      bill_after_answer{};
  egress::ServerLines* server_lines = nullptr;  // bounds what the server's log says of networks; null: nothing does
  Snapshots* snapshots = nullptr;               // where instances may be forks of templates in which INIT ran
};

// The call, before the instance adds its deadline.
struct CallToRun {
  std::string request_id;
  std::string payload;
  std::string client_context;
  std::string trace_header;
  std::string invoked_arn;
  bool is_background = false;  // an asynchronous one: goes behind those that somebody waits for
  std::shared_ptr<runtime_api::AnswerStream> stream{};  // see runtime_api::Invocation
};

enum class InitPhase {
  provisioned,    // like `ahead`, of an instance that is to be kept ready
  ahead,          // before any call is bound to it: limits.init_timeout
  template_only,  // of a template: never takes a call, and is available once it can be forked (snapshots.h)
  within_a_call,  // INIT took too long ahead: again, within the first call's timeout
};

class Instance {
 public:
  enum class State { starting, idle, busy, finishing, failed, ended };

  // Told on the loop, never from inside a call into the instance.
  class Observer {
   public:
    virtual ~Observer() = default;
    // It can take a call: state idle, or failed with an INIT error for the next call.
    virtual void on_available(Instance& instance) = 0;
    // INIT took longer than limits.init_timeout; the instance ends.
    virtual void on_init_timeout(Instance& instance) = 0;
    // It is gone, and nothing of it is left; `launch_error` where the sandbox could not be made at all.
    virtual void on_ended(Instance& instance, const std::string& launch_error) = 0;
  };

  Instance(Surroundings& around, catalog::FunctionPtr function, Runtime runtime, InitPhase init, Observer& observer);
  // Only in state ended.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Makes the sandbox; on_available or on_ended follows. Once. `queued`: how long the start waited to be allowed.
  void start(std::chrono::nanoseconds queued = {});
  // Runs one call to its end. In state idle or failed; with InitPhase::within_a_call also in state starting.
  // `call` must stay until then; its members are moved out once the function has it.
  net::Task<InvocationResult> run(CallToRun& call);
  // Ends the sandbox; a call that runs gets Ending::stopped. on_ended follows. Idempotent.
  void end();

  [[nodiscard]] State state() const;
  // False once it is ending, whatever the state says: no further run().
  [[nodiscard]] bool is_usable() const;
  [[nodiscard]] const catalog::Function& function() const;
  // Of a template that is available: what forks of it name.
  [[nodiscard]] sandbox::ChildId sandbox_id() const;
  // Of one that is not: why, in words.
  struct InitEnd {
    enum class How {
      failed,  // by the function's own fault
      unsafe,  // a template says itself that it cannot be forked
      killed,  // from outside, as a template is that does not keep to what was agreed with it
      lost,    // with the spawner: nothing is known of INIT
    };
    How how = How::failed;
    std::string error_type;
    std::string why;
  };
  [[nodiscard]] InitEnd init_end() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambent::instance
