#include "instance/instance.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <optional>
#include <utility>

#include "base/log.h"
#include "instance/companions.h"
#include "instance/failure_text.h"
#include "instance/idle_freezer.h"
#include "instance/instance_log.h"
#include "instance/log_pump.h"
#include "instance/snapshots.h"
#include "net/listener.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/timer.h"
#include "sandbox/template_protocol.h"
#include "telemetry/cold_start_timer.h"
#include "telemetry/report.h"

namespace lambent::instance {
namespace {

// Read at the end of a call; what a thread of the function keeps writing meanwhile belongs to later.
constexpr std::size_t kDrainBytes = 1 * kMiB;
// Read when it has ended: all that a pipe can hold, in lines of any length.
constexpr std::size_t kLastBytes = 64 * kMiB;
// Of one instance to the platform's API: a function that opens more harms only itself.
constexpr std::size_t kPlatformConnections = 64;
// The same to the Extensions API, and what all that is sent to it may take beyond 64 KiB.
constexpr std::size_t kExtensionConnections = 64;
constexpr std::size_t kExtensionBodies = 1 * kMiB;
// The kernel's count of memory is read at the end of a call where the last reading is this old: what a shorter call
// took is in the next reading.
constexpr std::chrono::milliseconds kMemoryReading{5};
// AWS gives INIT 10 s, and 130 s (or the function's timeout, where that is longer) where a snapshot is made of it.
constexpr int kSnapStartInit = 13;
// An instance whose line is closed ends by itself within this time, or is ended.
constexpr std::chrono::milliseconds kLostPatience{1000};

std::uint32_t billed_of(const InvocationResult& result) {
  return result.restore ? telemetry::billed_ms(result.duration, *result.restore)
                        : telemetry::billed_ms(result.duration, result.init);
}

std::uint32_t megabytes_of(std::uint64_t bytes) {
  return static_cast<std::uint32_t>((bytes + kMiB - 1) / kMiB);
}

}  // namespace

struct Instance::Impl final : runtime_api::Observer, Companions::Host {
  enum class Why { itself, timeout, init_timeout, stopped };  // the sandbox ends

  struct Current {
    CallToRun* call;  // the caller's, until done
    net::OneShot<InvocationResult> done;
    Monotonic started;
    Wall deadline;  // as the function is told it
    bool delivered = false;
  };
  // A call that is answered, and that extensions go on with.
  struct Unfinished {
    std::string request_id;
    InvocationResult result;  // without what only the caller needs
    Monotonic started;
    Monotonic answered;
    Wall answered_at;
  };

  Impl(Instance& of, Surroundings& in, catalog::FunctionPtr runs, Runtime on, InitPhase phase,
       Instance::Observer& tells)
      : self(of),
        around(in),
        function(std::move(runs)),
        runtime(std::move(on)),
        init_phase(phase),
        observer(tells),
        log(in.logs, in.clock, in.random, *function, in.limits.tail_bytes),
        deadline(in.loop),
        freezer(in.loop, in.clock, in.limits.freeze_after),
        start_timer(in.clock),
        external(external_extensions(*function)),
        companions(in.loop, in.clock, in.random, in.limits, *function, external, log, *this) {}

  Instance& self;
  Surroundings& around;
  catalog::FunctionPtr function;
  Runtime runtime;
  InitPhase init_phase;
  Instance::Observer& observer;
  State state = State::starting;

  InstanceLog log;
  std::string access_key_id;
  std::uint32_t memory_peak_mb = 0;
  Monotonic memory_read{};
  std::optional<sandbox::Child> child;
  std::unique_ptr<runtime_api::Session> session;
  std::optional<edge::HttpServer::ListenerId> platform_listener;  // none where its network policy is `none`
  std::optional<egress::GateId> gate;                             // where it reaches more than the platform
  std::optional<LogPump> pump;
  net::Scope scope;
  net::Scope pump_scope;
  net::Scope template_scope;  // waits until it is forkable
  net::Timer deadline;        // of INIT, then of each call
  IdleFreezer freezer;
  telemetry::ColdStartTimer start_timer;
  Why why = Why::itself;
  bool ending = false;
  bool is_lost = false;  // no call reaches the runtime any more

  const std::vector<std::string> external;  // extensions
  Companions companions;
  std::optional<edge::HttpServer::ListenerId> extension_listener;  // where the session does not own the port
  std::optional<ExtensionFault> extension_fault;                   // INIT failed by it, or the call that runs
  bool is_runtime_waiting = false;

  std::shared_ptr<void> lease;  // of the template that it is a fork of
  Monotonic asked;              // for it
  std::optional<telemetry::Restore> restore_not_yet_billed;
  Monotonic launched;
  std::optional<std::chrono::nanoseconds> init_not_yet_billed;
  std::optional<Failure> init_failure;           // as the runtime reported it
  std::optional<sandbox::ExitReport> init_exit;  // the process ended instead
  std::optional<int> entrypoint_error;           // errno: the function's bootstrap could not be executed
  net::OneShot<bool> released;                   // a failed instance has given its error away
  std::optional<Current> current;
  std::optional<Unfinished> unfinished;

  // The flow of an instance's life.
  net::Task<> live();
  net::Task<bool> launch(const net::OneShot<sandbox::ExitReport>& exited);
  net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> launch_sandbox(
      const identity::TemporaryCredentials& keys, const egress::NetworkPolicy& network,
      const net::OneShot<sandbox::ExitReport>& exited);
  net::Task<> wait_until_forkable();
  net::Task<> end_unlaunched(sandbox::LaunchError error);
  [[nodiscard]] Result<egress::NetworkPolicy> network_policy() const;
  void open_doors();
  void open_gate();
  void on_network_notice(const egress::Notice& notice);
  net::Task<> close_doors();
  void after_exit(const sandbox::ExitReport& exit);

  // What the Runtime API session tells.
  void on_waiting() override;
  void on_answer(runtime_api::Answer answer) override;
  void on_init_error(runtime_api::Answer error) override;
  void on_lost() override;

  // What its companions tell.
  void on_companions_progress() override;
  void on_runtime_ended(const sandbox::ExitReport& exit) override;
  void on_extension_failed(ExtensionFault fault) override;
  void on_shut_down() override { around.backend.kill(child->id); }

  [[nodiscard]] std::chrono::milliseconds init_limit() const;
  [[nodiscard]] std::string_view initialization_type() const {
    return init_phase == InitPhase::provisioned ? "provisioned-concurrency" : "on-demand";
  }
  void on_init_deadline();
  void on_call_deadline();
  void on_all_waiting();
  void kill(Why reason);
  void put_down();
  void become_idle();
  void become_failed(std::string_view error_type);
  void deliver();
  void take_back(runtime_api::Invocation undelivered);
  [[nodiscard]] Failure timeout_text() const;
  void finish(InvocationResult result);
  void finish_after_answer(std::optional<Ending> broken_by = {}, std::string_view error_type = {});
  void read_memory_peak(Monotonic now);
  void finish_with(Ending how, Failure failure);
  void finish_with_init_error();
  void tell(std::move_only_function<void(Instance::Observer&)> call);
};

Instance::Instance(Surroundings& around, catalog::FunctionPtr function, Runtime runtime, InitPhase init,
                   Observer& observer)
    : impl_(std::make_unique<Impl>(*this, around, std::move(function), std::move(runtime), init, observer)) {}

Instance::~Instance() {
  assert(impl_->state == State::ended && impl_->scope.running() == 0);
}

Instance::State Instance::state() const {
  return impl_->state;
}
bool Instance::is_usable() const {
  if (impl_->ending || impl_->state == State::ended) return false;
  return impl_->state == State::failed || (impl_->why == Impl::Why::itself && !impl_->is_lost);
}
const catalog::Function& Instance::function() const {
  return *impl_->function;
}

sandbox::ChildId Instance::sandbox_id() const {
  return impl_->child ? impl_->child->id : 0;
}

Instance::InitEnd Instance::init_end() const {
  using How = InitEnd::How;
  if (impl_->init_failure) return {How::failed, impl_->init_failure->error_type, impl_->init_failure->payload};
  if (!impl_->init_exit) return {How::failed, "Runtime.ExitError", "INIT ended"};
  const auto& exit = *impl_->init_exit;
  const bool is_unsafe = exit.kind == sandbox::ExitKind::exited && exit.code == sandbox::kExitUnsafe;
  const bool is_killed = !exit.out_of_memory && (exit.kind == sandbox::ExitKind::killed ||
                                                 (exit.kind == sandbox::ExitKind::signalled && exit.code == SIGKILL));
  const bool is_lost = exit.kind == sandbox::ExitKind::spawner_lost;
  auto failure = exit_failure("", exit);
  return {is_lost     ? How::lost
          : is_killed ? How::killed
          : is_unsafe ? How::unsafe
                      : How::failed,
          std::move(failure.error_type), std::move(failure.payload)};
}

void Instance::start(std::chrono::nanoseconds queued) {
  impl_->start_timer.begin(queued);
  impl_->scope.spawn(impl_->live());
}

void Instance::end() {
  Impl& impl = *impl_;
  if (impl.ending) return;
  impl.ending = true;
  impl.released.set(true);
  impl.kill(Impl::Why::stopped);
}

net::Task<InvocationResult> Instance::run(CallToRun& call) {
  Impl& impl = *impl_;
  assert(!impl.current);
  if (impl.state == State::ended) {
    // Its launch failed between the pool's choice and this call.
    InvocationResult nothing;
    nothing.ending = Ending::crash;
    nothing.delivered = false;
    co_return nothing;
  }
  assert(impl.state == State::idle || impl.state == State::failed ||
         (impl.state == State::starting && impl.init_phase == InitPhase::within_a_call));
  const std::chrono::seconds timeout(impl.function->timeout_seconds);
  impl.current.emplace(
      Impl::Current{&call, {}, impl.around.clock.monotonic(), impl.around.clock.wall() + timeout, false});
  const auto done = impl.current->done;
  impl.log.begin_call(impl.current->call->request_id, impl.current->call->trace_header);
  if (impl.state == State::failed) {
    impl.finish_with_init_error();
  } else {
    impl.deadline.arm(timeout, [&impl] { impl.on_call_deadline(); });
    if (impl.state == State::idle && impl.freezer.wake()) {
      impl.deliver();
    } else if (impl.state == State::idle) {
      impl.kill(Impl::Why::itself);  // the call goes to another one
    }
  }
  co_return co_await done;
}

net::Task<> Instance::Impl::live() {
  const net::OneShot<sandbox::ExitReport> exited;
  if (!co_await launch(exited)) co_return;
  open_doors();
  const sandbox::ExitReport exit = co_await exited;
  freezer.release();
  session->stop();
  companions.drain(kLastBytes);
  pump->drain(kLastBytes);
  after_exit(exit);
  co_await close_doors();
  if (state == State::failed) co_await released;
  state = State::ended;
  tell([this](Instance::Observer& to) { to.on_ended(self, {}); });
}

// An error where it cannot be kept to: then there is no instance, and never one with more.
Result<egress::NetworkPolicy> Instance::Impl::network_policy() const {
  LAMBENT_TRY(auto policy, around.network.policy_of(function->network));
  if (!policy.has_egress()) return policy;
  const std::string why_not = around.egress.why_unavailable();
  if (!why_not.empty()) return fail(Error::of("network policy", "", why_not));
  return policy;
}

net::Task<bool> Instance::Impl::launch(const net::OneShot<sandbox::ExitReport>& exited) {
  const auto network = network_policy();
  if (!network) {
    co_await end_unlaunched({network.error().step + ":", network.error().code, network.error().detail});
    co_return false;
  }
  const identity::TemporaryCredentials keys =
      around.credentials.issue(identity::assumed_role_arn(function->role, function->name), function->name);
  access_key_id = keys.access_key_id;
  auto launched_child = co_await launch_sandbox(keys, *network, exited);
  if (launched_child) {
    child = std::move(*launched_child);
    const bool is_forked = child->how.is_forked;
    start_timer.launched(child->how.shell, lease       ? telemetry::StartLevel::snapshot
                                           : is_forked ? telemetry::StartLevel::blank
                                                       : telemetry::StartLevel::spawn);
    // Nothing comes where it has ended again, which is told as any end is.
    if (!external.empty()) {
      if (auto attendant = co_await extensions::AttendantLine::greeting(around.loop, child->runtime_line)) {
        companions.attend(*std::move(attendant));
      }
    }
    co_return true;
  }
  around.credentials.revoke(access_key_id);
  co_await end_unlaunched(std::move(launched_child).error());
  co_return false;
}

// From a template of this version where it wants one and there is one; as ever where not, or where the fork fails.
net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> Instance::Impl::launch_sandbox(
    const identity::TemporaryCredentials& keys, const egress::NetworkPolicy& network,
    const net::OneShot<sandbox::ExitReport>& exited) {
  const bool is_template = init_phase == InitPhase::template_only;
  const auto plan = [&](std::string_view type) {
    auto policy = plan_launch(*function, runtime, around.platform, around.limits, keys, log.stream(), type);
    if (!external.empty()) attend_launch(policy, around.platform, external);
    confine_network(policy, network, around.network.has_gates());
    return policy;
  };
  const auto on_exit = [exited](const sandbox::ExitReport& report) { exited.set(report); };
  if (is_template) {
    auto policy = plan("snap-start");
    make_template(policy, runtime);
    co_return co_await around.backend.launch(std::move(policy), on_exit);
  }
  const bool may_fork = around.snapshots != nullptr && external.empty();
  if (may_fork && wants_snapshot(*function, runtime, around.snapshots->settings())) {
    auto source = co_await around.snapshots->source_of(function, runtime);
    start_timer.has_template();
    if (source) {
      asked = around.clock.monotonic();
      auto policy = plan("snap-start");
      policy.forked_from = source->id;
      auto forked = co_await around.backend.launch(std::move(policy), on_exit);
      if (forked) {
        lease = std::move(source->lease);
        co_return forked;
      }
      log::warning("function {}: no fork of its template: {}", function->name, forked.error().message());
    }
  }
  co_return co_await around.backend.launch(plan(initialization_type()), on_exit);
}

net::Task<> Instance::Impl::wait_until_forkable() {
  const bool is_up = co_await around.backend.forkable(child->id);
  if (!is_up || state != State::starting || why != Why::itself) co_return;
  deadline.cancel();
  state = State::idle;
  pump->drain(kDrainBytes);
  tell([this](Instance::Observer& to) { to.on_available(self); });
}

// A bootstrap that cannot be executed is the function's fault, and the next call hears so; all else is the host's.
net::Task<> Instance::Impl::end_unlaunched(sandbox::LaunchError error) {
  std::string message = error.message();
  if (runtime.family == RuntimeFamily::provided && error.step == "exec") {
    message.clear();
    launched = around.clock.monotonic();
    log.init_start(runtime.id, initialization_type(), init_phase == InitPhase::within_a_call);
    entrypoint_error = error.code;
    become_failed("Runtime.InvalidEntrypoint");
    co_await released;
  } else {
    log::warning("function {}: no instance: {}", function->name, message);
    if (current) finish_with(Ending::crash, stopped_failure(current->call->request_id));
  }
  state = State::ended;
  tell([this, message](Instance::Observer& to) { to.on_ended(self, message); });
}

void Instance::Impl::open_doors() {
  launched = around.clock.monotonic();
  if (lease) {
    log.restore_start(runtime.id);
  } else {
    log.init_start(runtime.id, initialization_type(), init_phase == InitPhase::within_a_call);
  }
  if (init_phase == InitPhase::template_only) template_scope.spawn(wait_until_forkable());
  pump.emplace(around.loop, std::move(child->log), around.limits.log_line_bytes, log);
  pump_scope.spawn(pump->run());
  freezer.adopt(std::move(child->freezer));
  const auto beside = [this](edge::Exchange& exchange) { return companions.serve(exchange); };
  auto runtime_port = net::Listener::adopt(around.loop, std::move(child->runtime_listener));
  if (child->runtime_line.valid() && has_runtime_line(runtime.family)) {
    session = runtime_api::make_line_session(around.loop, net::Stream(around.loop, std::move(child->runtime_line)),
                                             *this, around.limits);
    edge::HttpLimits bounds = edge::HttpLimits::patient();
    bounds.head_bytes = around.limits.header_bytes;
    bounds.connections = kExtensionConnections;
    bounds.body_room_bytes = kExtensionBodies;
    extension_listener = around.http.add(std::move(runtime_port), beside, bounds);
  } else {
    session =
        runtime_api::make_http_session(around.loop, around.http, std::move(runtime_port), *this, around.limits, beside);
  }
  edge::HttpLimits bounds = edge::HttpLimits::of_a_sandbox();
  bounds.head_bytes = around.limits.header_bytes;
  bounds.connections = kPlatformConnections;
  bounds.body_room_bytes = around.limits.body_bytes;
  if (child->platform_listener.valid()) {
    platform_listener = around.http.add(net::Listener::adopt(around.loop, std::move(child->platform_listener)),
                                        around.platform_handler, bounds);
  }
  open_gate();
  // It may have been ended, or its call timed out, while the sandbox was being made.
  if (why != Why::itself) {
    around.backend.kill(child->id);
  } else if (init_phase != InitPhase::within_a_call) {
    deadline.arm(init_limit(), [this] { on_init_deadline(); });
  }
}

// Of a version with SnapStart: nobody waits for it but who published it.
std::chrono::milliseconds Instance::Impl::init_limit() const {
  const std::chrono::milliseconds limit = around.limits.init_timeout;
  if (init_phase != InitPhase::template_only || !catalog::has_snap_start(*function)) return limit;
  return std::max<std::chrono::milliseconds>(kSnapStartInit * limit, std::chrono::seconds(function->timeout_seconds));
}

void Instance::Impl::open_gate() {
  sandbox::Gate sockets = std::move(child->gate);
  const auto tell = [this](const egress::Notice& notice) { on_network_notice(notice); };
  if (sockets.tcp.valid()) {
    gate = around.egress.open(around.network.text_of(function->network), std::move(sockets.tcp), std::move(sockets.udp),
                              tell);
  } else if (sockets.refusals.valid() && around.network.logs_attempts()) {
    gate = around.egress.watch(std::move(sockets.refusals), tell);
  }
}

// For the function's author and for the operator.
void Instance::Impl::on_network_notice(const egress::Notice& notice) {
  const std::string line = notice.text();
  log.platform_line(line);
  if (notice.kind == egress::NoticeKind::failed) return;
  auto* bound = around.server_lines;
  if (bound != nullptr && !bound->take()) return;
  if (const auto more = bound == nullptr ? 0 : bound->left_out(); more > 0) {
    log::warning("{} more lines about functions' networks are in the functions' own logs only", more);
  }
  log::warning("function {}: {}", function->name, line);
}

net::Task<> Instance::Impl::close_doors() {
  // First: a call of the function to the platform may still run for long, and the keys may be elsewhere by now.
  around.credentials.revoke(access_key_id);
  if (gate) co_await around.egress.close(*gate);
  if (platform_listener) around.http.remove(*platform_listener);
  if (extension_listener) around.http.remove(*extension_listener);
  companions.stop();
  co_await session->stopped();
  if (extension_listener) co_await around.http.removed(*extension_listener);
  co_await companions.stopped();
  if (platform_listener) co_await around.http.removed(*platform_listener);
  pump->stop();
  co_await pump_scope.join();
  co_await template_scope.join();
}

// The sandbox is gone: whoever waits for it hears why.
void Instance::Impl::after_exit(const sandbox::ExitReport& exit) {
  deadline.cancel();
  if (exit.memory_peak_bytes) memory_peak_mb = megabytes_of(*exit.memory_peak_bytes);
  finish_after_answer();
  const bool in_init = state == State::starting;
  if (current) {
    const std::string id = current->call->request_id;
    if (auto undelivered = session->take_undelivered()) take_back(*std::move(undelivered));
    switch (why) {
      case Why::timeout:
        finish_with(Ending::timeout, timeout_text());
        break;
      case Why::stopped:
        finish_with(Ending::stopped, stopped_failure(id));
        break;
      case Why::itself:
      case Why::init_timeout:
        if (exit.kind == sandbox::ExitKind::spawner_lost) {  // no fault of the function's
          finish_with(Ending::stopped, stopped_failure(id));
          break;
        }
        finish_with(exit.out_of_memory ? Ending::out_of_memory : Ending::crash, exit_failure(id, exit));
        break;
    }
  } else if (in_init && why == Why::itself) {
    init_exit = exit;
    if (init_phase == InitPhase::template_only && self.init_end().how == InitEnd::How::unsafe) {
      log.platform_line(
          "No snapshot is made: INIT left threads, processes or open descriptors, which instances cannot share");
    }
    become_failed(exit.out_of_memory ? "Runtime.OutOfMemory" : "Runtime.ExitError");
  }
  if (state != State::failed) state = State::ended;
}

void Instance::Impl::on_waiting() {
  if (ending || why != Why::itself) return;
  is_runtime_waiting = true;
  if (state == State::starting && !lease) log.runtime_initialized();
  if (companions.are_waiting()) on_all_waiting();
}

void Instance::Impl::on_companions_progress() {
  if (is_runtime_waiting && !ending && why == Why::itself && companions.are_waiting()) on_all_waiting();
}

// INIT, or what follows an answer, is over.
void Instance::Impl::on_all_waiting() {
  if (state == State::starting) {
    if (init_phase != InitPhase::within_a_call) deadline.cancel();
    if (init_phase == InitPhase::template_only) return kill(Why::itself);  // it is none
    companions.end_init();
    const Monotonic now = around.clock.monotonic();
    if (lease) {
      restore_not_yet_billed = telemetry::Restore{now - asked, now - launched};
      log.restored(now - asked);
    } else {
      init_not_yet_billed = now - launched;
      log.initialized(now - launched);
    }
    start_timer.ready();
    // INIT ran with more, as on AWS.
    around.backend.set_cpu(child->id, function_millicores(*function, around.limits));
    if (current) {
      deliver();
    } else {
      become_idle();
    }
  } else if (state == State::finishing) {
    deadline.cancel();
    finish_after_answer();
    become_idle();
  }
}

void Instance::Impl::on_answer(runtime_api::Answer answer) {
  if (!current || why != Why::itself) return;
  // The deadline stays armed: a runtime that answers and never asks for more work is ended by it.
  InvocationResult result;
  result.ending = answer.is_error ? Ending::function_error : Ending::success;
  result.function_error = answer.is_error ? "Unhandled" : "";
  result.error_type = answer.is_error ? (answer.error_type.empty() ? "Unhandled" : answer.error_type) : "";
  result.payload = std::move(answer.body);
  result.content_type = std::move(answer.content_type);
  result.cold_start = start_timer.answered();
  if (result.cold_start) around.cold_starts.record(*result.cold_start);
  state = State::finishing;
  if (answer.is_one_frame) {
    pump->drain_what_was_heard_of(kDrainBytes);
  } else {
    pump->drain(kDrainBytes);
  }
  finish(std::move(result));
}

void Instance::Impl::on_init_error(runtime_api::Answer error) {
  if (state != State::starting || why != Why::itself) return;
  pump->drain(kDrainBytes);
  const std::string type = error.error_type.empty() ? "Runtime.Unknown" : error.error_type;
  init_failure = Failure{type, std::move(error.body), {}};
  become_failed(type);
}

// Its process has ended, as the spawner is about to report, or has closed the line and is of no use.
void Instance::Impl::on_lost() {
  // A template needs its line for INIT only.
  if (init_phase == InitPhase::template_only || ending || why != Why::itself || state == State::failed) return;
  is_lost = true;
  deadline.arm(kLostPatience, [this] { kill(Why::itself); });
}

void Instance::Impl::on_init_deadline() {
  log.init_failed(init_limit(), true, {});
  kill(Why::init_timeout);
  tell([this](Instance::Observer& to) { to.on_init_timeout(self); });
}

void Instance::Impl::on_call_deadline() {
  if (state == State::starting && session) log.init_failed(around.clock.monotonic() - launched, true, {});
  finish_after_answer(Ending::timeout);
  kill(Why::timeout);
  // Its extensions have some time for their end; the caller has waited long enough.
  if (current && companions.is_shutting_down()) finish_with(Ending::timeout, timeout_text());
}

void Instance::Impl::kill(Why reason) {
  if (why == Why::itself) why = reason;
  if (child) put_down();
}

// Ends the sandbox; with external extensions in it, when these had their time.
void Instance::Impl::put_down() {
  finish_after_answer();
  if (!companions.is_attended()) return around.backend.kill(child->id);
  if (companions.is_shutting_down()) return;
  deadline.cancel();
  std::ignore = freezer.wake();
  const bool is_spin_down = why == Why::stopped && !current;
  companions.shut_down(is_spin_down ? "spindown" : why == Why::timeout ? "timeout" : "failure", is_spin_down);
}

// As after_exit() tells them, but while the sandbox still stands.
void Instance::Impl::on_runtime_ended(const sandbox::ExitReport& exit) {
  if (ending || why != Why::itself || state == State::failed) return;
  companions.drain(kDrainBytes);
  pump->drain(kDrainBytes);
  if (state == State::starting) {
    init_exit = exit;
    return become_failed("Runtime.ExitError");
  }
  if (current) finish_with(Ending::crash, exit_failure(current->call->request_id, exit));
  is_lost = true;
  kill(Why::itself);
}

void Instance::Impl::on_extension_failed(ExtensionFault fault) {
  if (ending || why != Why::itself || state == State::failed) return;
  companions.drain(kDrainBytes);
  pump->drain(kDrainBytes);
  extension_fault = std::move(fault);
  if (state == State::starting) return become_failed(extension_fault->type);
  if (current) {
    finish_with(Ending::crash,
                extension_failure(current->call->request_id, extension_fault->type, extension_fault->what));
  }
  finish_after_answer(Ending::crash, extension_fault->type);
  is_lost = true;
  kill(Why::itself);
}

void Instance::Impl::become_idle() {
  state = State::idle;
  freezer.idle();
  tell([this](Instance::Observer& to) { to.on_available(self); });
}

void Instance::Impl::become_failed(std::string_view error_type) {
  deadline.cancel();
  const auto spent = around.clock.monotonic() - launched;
  log.init_failed(spent, false, error_type);
  init_not_yet_billed = spent;
  state = State::failed;
  if (child) put_down();  // a runtime that reported its error has nothing left to do
  if (current) {
    finish_with_init_error();
    released.set(true);
  } else {
    tell([this](Instance::Observer& to) { to.on_available(self); });
  }
}

void Instance::Impl::deliver() {
  state = State::busy;
  current->started = around.clock.monotonic();
  start_timer.called();
  is_runtime_waiting = false;
  current->delivered = true;
  runtime_api::Invocation invocation;
  invocation.request_id = current->call->request_id;
  invocation.payload = std::move(current->call->payload);
  invocation.client_context = std::move(current->call->client_context);
  invocation.trace_header = std::move(current->call->trace_header);
  invocation.invoked_arn = std::move(current->call->invoked_arn);
  invocation.deadline = current->deadline;
  invocation.stream = current->call->stream;
  companions.begin_call({invocation.request_id, invocation.invoked_arn, invocation.trace_header, invocation.deadline});
  session->deliver(std::move(invocation));
}

// The opposite of deliver().
void Instance::Impl::take_back(runtime_api::Invocation undelivered) {
  current->delivered = false;
  current->call->payload = std::move(undelivered.payload);
  current->call->client_context = std::move(undelivered.client_context);
  current->call->trace_header = std::move(undelivered.trace_header);
  current->call->invoked_arn = std::move(undelivered.invoked_arn);
}

void Instance::Impl::finish_with(Ending how, Failure failure) {
  InvocationResult result;
  result.ending = how;
  result.delivered = how == Ending::init_error || current->delivered || why == Why::timeout;
  result.function_error = "Unhandled";
  result.error_type = std::move(failure.error_type);
  result.payload = std::move(failure.payload);
  if (!failure.log_line.empty()) log.platform_line(failure.log_line);
  finish(std::move(result));
}

Failure Instance::Impl::timeout_text() const {
  return timeout_failure(current->call->request_id, std::chrono::seconds(function->timeout_seconds),
                         around.clock.wall());
}

void Instance::Impl::finish_with_init_error() {
  const std::string id = current->call->request_id;
  if (entrypoint_error) {
    const bool is_missing = ::access((function->code->folder + "/bootstrap").c_str(), F_OK) != 0;
    finish_with(Ending::init_error, entrypoint_failure(id, *entrypoint_error, is_missing));
  } else if (extension_fault) {
    finish_with(Ending::init_error, extension_failure(id, extension_fault->type, extension_fault->what));
  } else {
    finish_with(Ending::init_error, init_exit ? exit_failure(id, *init_exit) : *init_failure);
  }
}

// Measures, logs END and REPORT where no extension goes on, and wakes the caller.
void Instance::Impl::finish(InvocationResult result) {
  const Monotonic now = around.clock.monotonic();
  result.duration = result.ending == Ending::init_error ? std::chrono::nanoseconds(0) : now - current->started;
  read_memory_peak(now);
  result.init = std::exchange(init_not_yet_billed, std::nullopt);
  result.restore = std::exchange(restore_not_yet_billed, std::nullopt);
  result.billed_ms = billed_of(result);
  result.memory_used_mb = memory_peak_mb;
  log.runtime_done(current->call->request_id, result);
  if (state == State::finishing && !companions.are_waiting()) {
    std::string answer = std::exchange(result.payload, {});  // megabytes, and no part of the report
    unfinished.emplace(Unfinished{current->call->request_id, result, current->started, now, around.clock.wall()});
    result.payload = std::move(answer);
    log.flush();
  } else {
    log.end_call(current->call->request_id, result);
  }
  result.log_tail = log.tail();
  const auto done = current->done;
  current.reset();
  done.set(std::move(result));
}

// Extensions are done, or ended. `broken_by`: what ended them, where that is the call's own end.
void Instance::Impl::finish_after_answer(std::optional<Ending> broken_by, std::string_view error_type) {
  if (!unfinished) return;
  auto call = *std::exchange(unfinished, std::nullopt);
  auto& result = call.result;
  const Monotonic now = around.clock.monotonic();
  const std::uint32_t billed_before = result.billed_ms;
  if (broken_by) {
    result.ending = *broken_by;
    result.error_type = error_type;
  }
  result.duration = now - call.started;
  result.billed_ms = billed_of(result);
  read_memory_peak(now);
  result.memory_used_mb = memory_peak_mb;
  log.end_call(call.request_id, result, ExtensionSpan{call.answered_at, now - call.answered});
  const std::uint32_t more = result.billed_ms - std::min(result.billed_ms, billed_before);
  if (more > 0 && around.bill_after_answer) around.bill_after_answer(*function, call.request_id, more);
}

void Instance::Impl::read_memory_peak(Monotonic now) {
  if (!child || now - memory_read < kMemoryReading) return;
  memory_read = now;
  if (const auto peak = child->memory_peak.read()) memory_peak_mb = megabytes_of(*peak);
}

void Instance::Impl::tell(std::move_only_function<void(Instance::Observer&)> call) {
  around.loop.post([this, call = std::move(call)]() mutable { call(observer); });
}

}  // namespace lambent::instance
