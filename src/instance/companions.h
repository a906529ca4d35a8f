// What lives in one instance beside its runtime: extensions (extensions/extension_api.h), and the attendant that starts
// the external ones and the runtime (extensions/attendant_line.h). Instances of functions without external extensions
// have no attendant; internal extensions they may have.
//
// Used on the loop's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/function.h"
#include "edge/server.h"
#include "extensions/attendant_line.h"
#include "extensions/extension_api.h"
#include "extensions/telemetry_feed.h"
#include "instance/instance_log.h"
#include "instance/log_pump.h"
#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/timer.h"
#include "sandbox/spawner_client.h"

namespace lambent::instance {

// The external extensions of a function: the files of /opt/extensions, by name. Reads a folder.
std::vector<std::string> external_extensions(const catalog::Function& function);

// How an extension failed, in AWS's terms.
struct ExtensionFault {
  std::string type;  // "Extension.Crash", ...
  std::string what;  // "exit code 1", ...
};

class Companions final : extensions::ExtensionApi::Observer, extensions::AttendantLine::Observer {
 public:
  // Calls come from the loop, never from inside a call into this object, until stop().
  class Host {
   public:
    virtual ~Host() = default;
    // are_waiting() may be true now.
    virtual void on_companions_progress() = 0;
    // Of an attended one; the instance is of no more use.
    virtual void on_runtime_ended(const sandbox::ExitReport& exit) = 0;
    virtual void on_extension_failed(ExtensionFault fault) = 0;
    // shut_down() has come to its end: what is left may be killed.
    virtual void on_shut_down() = 0;
  };

  // Everything named must outlive it.
  Companions(net::Loop& loop, const Clock& clock, Random& random, const Limits& limits,
             const catalog::Function& function, std::vector<std::string> external, InstanceLog& log, Host& host);
  // stopped() must have been awaited.
  ~Companions() override = default;
  Companions(const Companions&) = delete;
  Companions& operator=(const Companions&) = delete;

  // The attendant has greeted. Where there are no external extensions it is never called.
  void attend(extensions::Attendant attendant);
  [[nodiscard]] bool is_attended() const { return attendant_ != nullptr; }

  // What is asked on the Runtime API's port and is none of the Runtime API.
  net::Task<> serve(edge::Exchange& exchange);

  // All wait for their next event: the instance can take a call.
  [[nodiscard]] bool are_waiting() const { return !reported_ && api_.are_waiting(); }
  // The instance has started: says in the log which extensions there are; no more of them can register.
  void end_init();
  void begin_call(const extensions::CallFacts& call) { api_.begin_call(call); }

  // AWS's Shutdown phase: the runtime gets SIGTERM (it is killed where `spares_runtime` is not set), the extensions
  // their event; done when those that asked for it have ended, or after limits.shutdown_timeout. on_shut_down follows.
  // Only where is_attended(); once.
  void shut_down(std::string_view reason, bool spares_runtime);
  [[nodiscard]] bool is_shutting_down() const { return is_shutting_down_; }

  // What the extensions have printed so far goes to the log.
  void drain(std::size_t bytes);
  void stop();
  net::Task<> stopped();

 private:
  // What the extensions print.
  struct Output final : LineSink {
    explicit Output(InstanceLog& to) : log(to) {}
    bool has_room() override { return log.has_room(); }
    bool line(std::string_view text) override { return log.extension_line(text); }
    void dropped(std::uint64_t lines, std::uint64_t bytes) override { log.dropped(lines, bytes); }
    InstanceLog& log;
  };

  void on_progress() override;
  void on_error(const std::string& name, bool in_init, std::string type) override;
  void on_ended(std::uint8_t who, int status) override;
  void on_not_executed(std::uint8_t who, int error) override;
  void on_attendant_lost() override;

  net::Task<> run_shutdown(std::string reason, bool spares_runtime);
  [[nodiscard]] bool are_gone() const;
  void log_extension(const extensions::ExtensionApi::Extension& extension, std::string_view state,
                     std::string_view error_type);
  net::Task<> subscribe(edge::Exchange& exchange);
  void fail(ExtensionFault fault);

  net::Loop& loop_;
  const Clock& clock_;
  InstanceLog& log_;
  Output output_;
  Host& host_;
  const Limits& limits_;
  std::vector<std::string> external_;
  extensions::ExtensionApi api_;
  std::unique_ptr<extensions::AttendantLine> attendant_;
  extensions::TelemetryFeed feed_;
  std::optional<LogPump> pump_;  // of what the extensions print
  net::Scope scope_;
  net::Timer wait_;                         // of the shutdown
  std::optional<ExtensionFault> reported_;  // by an external one itself, whose end is to follow
  net::Timer patience_;                     // until it is not waited for any more
  bool is_runtime_started_ = false;
  bool is_runtime_ended_ = false;
  bool is_shutting_down_ = false;
  bool has_failed_ = false;
  bool is_stopped_ = false;
};

}  // namespace lambent::instance
