#include "instance/companions.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "extensions/extension_request.h"
#include "instance/failure_text.h"

namespace lambent::instance {
namespace {

using extensions::ExtensionApi;

constexpr std::size_t kMostStarted = 50;  // as many as the attendant takes
// An extension that says that it has failed ends by itself within this time.
constexpr std::chrono::milliseconds kExitPatience{300};

// "arn:aws:lambda:REGION:ACCOUNT:function:NAME"
std::string account_of(std::string_view arn) {
  for (int i = 0; i < 4; ++i) {
    const auto colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string(arn.substr(0, arn.find(':')));
}

sandbox::ExitReport report_of(int status) {
  sandbox::ExitReport report;
  const bool is_signal = WIFSIGNALED(status);
  report.kind = is_signal ? sandbox::ExitKind::signalled : sandbox::ExitKind::exited;
  report.code = is_signal ? WTERMSIG(status) : WEXITSTATUS(status);
  return report;
}

constexpr std::size_t kSubscriptionBytes = std::size_t{64} * 1024;
constexpr std::uint16_t kRuntimePort = 9001;  // reserved, says AWS

net::Task<> respond_with(edge::Exchange& exchange, extensions::ApiRefusal refusal) {
  std::ignore = co_await exchange.respond(extensions::refusal_response(refusal));
}

// Names go to logs and answers as they are.
bool is_plain_name(std::string_view name) {
  return name.size() <= 128 &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

std::string end_text(int status) {
  if (WIFSIGNALED(status)) return "signal: " + signal_text(WTERMSIG(status));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

// AWS's names of what keeps a file from being executed.
std::string_view launch_error_type(int error) {
  return error == EACCES ? "PermissionDenied" : "UnknownError";
}

}  // namespace

std::vector<std::string> external_extensions(const catalog::Function& function) {
  std::vector<std::string> names;
  if (!function.layers_code) return names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(function.layers_code->folder + "/extensions", error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(error) && is_plain_name(name)) names.push_back(name);
  }
  std::ranges::sort(names);
  names.resize(std::min(names.size(), kMostStarted));
  return names;
}

Companions::Companions(net::Loop& loop, const Clock& clock, Random& random, const Limits& limits,
                       const catalog::Function& function, std::vector<std::string> external, InstanceLog& log,
                       Host& host)
    : loop_(loop),
      clock_(clock),
      log_(log),
      output_(log),
      host_(host),
      limits_(limits),
      external_(std::move(external)),
      api_(loop, random, {function.name, function.version, function.handler, account_of(function.arn)},
           limits.extensions, *this),
      feed_(loop, clock),
      wait_(loop),
      patience_(loop) {
  api_.expect(external_);
  if (!external_.empty()) log.feed(feed_);
}

void Companions::attend(extensions::Attendant attendant) {
  extensions::AttendantLine::Observer& observer = *this;
  attendant_ =
      std::make_unique<extensions::AttendantLine>(loop_, std::move(attendant.control), external_.size(), observer);
  pump_.emplace(loop_, std::move(attendant.output), limits_.log_line_bytes, output_);
  scope_.spawn(pump_->run());
}

net::Task<> Companions::serve(edge::Exchange& exchange) {
  if (extensions::is_extension_path(exchange.head().path())) {
    co_await api_.handle(exchange);
  } else if (extensions::is_telemetry_path(exchange.head().path())) {
    co_await subscribe(exchange);
  } else {
    std::ignore = co_await exchange.respond(extensions::refusal_response({404, "NotFound", "No such path"}));
  }
}

// Where nobody can connect inside, the answer is that of AWS's emulator for local tests: accepted, not delivered.
net::Task<> Companions::subscribe(edge::Exchange& exchange) {
  const auto refuse = [&exchange](int status, std::string_view type, std::string_view message) {
    return respond_with(exchange, {status, std::string(type), std::string(message)});
  };
  const bool is_logs = extensions::telemetry_api_of(exchange.head().path()) == extensions::TelemetryApi::logs;
  if (exchange.head().method != "PUT") co_return co_await refuse(405, "MethodNotAllowed", "This path takes PUT");
  const auto* extension = api_.find(exchange.head().headers);
  if (extension == nullptr) {
    co_return co_await refuse(403, "Extension.UnknownExtensionIdentifier", "No extension has this identifier");
  }
  const auto body = co_await exchange.read_body(kSubscriptionBytes);
  if (!body) {
    std::ignore = co_await exchange.respond(edge::error_response(body.error()));
    co_return;
  }
  const std::string api = is_logs ? "Logs" : "Telemetry";
  if (!api_.is_open()) co_return co_await refuse(403, api + ".SubscriptionClosed", "The instance has started already");
  auto asked = extensions::parse_subscription(
      is_logs ? extensions::TelemetryApi::logs : extensions::TelemetryApi::telemetry, *body, kRuntimePort);
  if (!asked) co_return co_await respond_with(exchange, asked.error());
  if (!attendant_)
    co_return co_await refuse(202, api + ".NotSupported", "Only external extensions can be sent telemetry");
  const auto connect = [this](std::uint16_t port) { return attendant_->connect(port); };
  if (!feed_.subscribe(extension->name, *asked, connect)) {
    co_return co_await refuse(403, api + ".SubscriptionClosed", "The extension has subscribed too often");
  }
  log_.subscribed(extension->name, *asked);
  edge::Response ok;
  ok.headers.add("Content-Type", "application/json");
  ok.body = "\"OK\"";
  std::ignore = co_await exchange.respond(ok);
}

void Companions::on_progress() {
  if (is_shutting_down_) return;
  if (attendant_ && !is_runtime_started_ && api_.are_registered()) {
    is_runtime_started_ = true;
    attendant_->start_runtime();
  }
  host_.on_companions_progress();
}

void Companions::end_init() {
  api_.close_registration();
  for (const auto& each : api_.all()) log_extension(each, "Ready", {});
  feed_.forget_early();
}

void Companions::log_extension(const ExtensionApi::Extension& extension, std::string_view state,
                               std::string_view error_type) {
  log_.extension(extension.name, state, extension.events, error_type);
}

void Companions::fail(ExtensionFault fault) {
  if (is_shutting_down_ || std::exchange(has_failed_, true)) return;
  host_.on_extension_failed(std::move(fault));
}

// An external one is expected to end now, and its exit status belongs to the error.
void Companions::on_error(const std::string& name, bool in_init, std::string type) {
  const auto& all = api_.all();
  const auto found = std::ranges::find(all, name, &ExtensionApi::Extension::name);
  if (found == all.end() || is_shutting_down_) return;
  log_extension(*found, in_init ? "InitError" : "ExitError", type);
  reported_ = ExtensionFault{in_init ? "Extension.InitError" : "Extension.ExitError", "exit code 0"};
  patience_.arm(found->is_external ? kExitPatience : std::chrono::milliseconds(0), [this] { fail(*reported_); });
}

void Companions::on_ended(std::uint8_t who, int status) {
  if (who == extensions::kTheRuntime) {
    is_runtime_ended_ = true;
    wait_.cancel();
    if (!is_shutting_down_) host_.on_runtime_ended(report_of(status));
    return;
  }
  api_.set_gone(who);
  wait_.cancel();
  if (is_shutting_down_ || has_failed_) return;
  if (reported_) return fail({reported_->type, end_text(status)});
  log_extension(*std::next(api_.all().begin(), who), "ExitError", "Extension.Crash");
  fail({"Extension.Crash", end_text(status)});
}

void Companions::on_not_executed(std::uint8_t who, int error) {
  if (who == extensions::kTheRuntime) {
    is_runtime_ended_ = true;
    sandbox::ExitReport report;
    report.code = 127;
    return host_.on_runtime_ended(report);
  }
  api_.set_gone(who);
  if (is_shutting_down_) return;
  log_extension(*std::next(api_.all().begin(), who), "LaunchError", launch_error_type(error));
  fail({"Extension.LaunchError", fmt::format("fork/exec /opt/extensions/{}: {}", external_[who], reason_text(error))});
}

// Whoever ended it ended everything, or is about to.
void Companions::on_attendant_lost() {
  is_runtime_ended_ = true;
  for (std::size_t i = 0; i < external_.size(); ++i) api_.set_gone(i);
  wait_.cancel();
  if (!is_shutting_down_) host_.on_runtime_ended({.kind = sandbox::ExitKind::killed});
}

void Companions::shut_down(std::string_view reason, bool spares_runtime) {
  if (std::exchange(is_shutting_down_, true)) return;
  scope_.spawn(run_shutdown(std::string(reason), spares_runtime));
}

net::Task<> Companions::run_shutdown(std::string reason, bool spares_runtime) {
  const net::OneShot<bool> begun;  // not from inside shut_down()
  loop_.post([begun] { begun.set(true); });
  co_await begun;
  const Monotonic end = clock_.monotonic() + limits_.shutdown_timeout;
  const Wall deadline = clock_.wall() + limits_.shutdown_timeout;
  if (is_runtime_started_ && !is_runtime_ended_) {
    if (spares_runtime) attendant_->terminate_runtime();
    const Monotonic share = clock_.monotonic() + limits_.shutdown_timeout / 4;
    while (spares_runtime && !is_runtime_ended_ && !is_stopped_ && clock_.monotonic() < share) {
      std::ignore = co_await wait_.sleep(share - clock_.monotonic());
    }
    if (!is_runtime_ended_) attendant_->kill_runtime();
  }
  feed_.flush();
  api_.begin_shutdown(reason, deadline);
  while (!are_gone() && !is_stopped_ && clock_.monotonic() < end) {
    std::ignore = co_await wait_.sleep(end - clock_.monotonic());
  }
  if (!is_stopped_) host_.on_shut_down();
}

// Those that were told of the shutdown; the rest has nothing to do.
bool Companions::are_gone() const {
  return std::ranges::all_of(api_.all(), [](const auto& each) {
    return !each.is_external || !each.events.shutdown || each.state == ExtensionApi::Extension::State::gone;
  });
}

void Companions::drain(std::size_t bytes) {
  if (pump_) pump_->drain(bytes);
}

void Companions::stop() {
  if (std::exchange(is_stopped_, true)) return;
  patience_.cancel();
  api_.stop();
  wait_.cancel();
  if (attendant_) attendant_->stop();
  if (pump_) pump_->stop();
  feed_.stop();
}

net::Task<> Companions::stopped() {
  stop();
  if (attendant_) co_await attendant_->stopped();
  co_await scope_.join();
  co_await feed_.stopped();
}

}  // namespace lambent::instance
