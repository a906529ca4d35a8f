#include "instance/failure_text.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/time_format.h"

namespace lambent::instance {
namespace {

Failure make(std::string_view type, const std::string& message, std::string log_line) {
  // No caller's text is in the message: nothing needs escaping.
  return {std::string(type), fmt::format(R"({{"errorType":"{}","errorMessage":"{}"}})", type, message),
          std::move(log_line)};
}

std::string exit_text(const sandbox::ExitReport& exit) {
  switch (exit.kind) {
    case sandbox::ExitKind::exited:
      return exit.code == 0 ? "Runtime exited without providing a reason"
                            : fmt::format("Runtime exited with error: exit status {}", exit.code);
    case sandbox::ExitKind::signalled:
      return "Runtime exited with error: signal: " + signal_text(exit.code);
    case sandbox::ExitKind::killed:
    case sandbox::ExitKind::spawner_lost:
      break;
  }
  return "Runtime exited with error: signal: killed";
}

}  // namespace

std::string signal_text(int signal) {
  constexpr std::array<std::pair<int, std::string_view>, 12> names = {{{SIGHUP, "hangup"},
                                                                       {SIGINT, "interrupt"},
                                                                       {SIGQUIT, "quit"},
                                                                       {SIGILL, "illegal instruction"},
                                                                       {SIGTRAP, "trace/breakpoint trap"},
                                                                       {SIGABRT, "aborted"},
                                                                       {SIGBUS, "bus error"},
                                                                       {SIGFPE, "floating point exception"},
                                                                       {SIGKILL, "killed"},
                                                                       {SIGSEGV, "segmentation fault"},
                                                                       {SIGPIPE, "broken pipe"},
                                                                       {SIGTERM, "terminated"}}};
  for (const auto& [number, name] : names) {
    if (number == signal) return std::string(name);
  }
  return fmt::format("signal {}", signal);
}

// Go's words for errors are the C library's with a small first letter.
std::string reason_text(int error) {
  std::string reason = std::generic_category().message(error);
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return reason;
}

Failure timeout_failure(std::string_view request_id, std::chrono::seconds timeout, Wall now) {
  const std::string text = fmt::format("{} {} Task timed out after {:.2f} seconds", format_iso_millis(now), request_id,
                                       static_cast<double>(timeout.count()));
  return make("Sandbox.Timedout", text, text);
}

Failure exit_failure(std::string_view request_id, const sandbox::ExitReport& exit) {
  // AWS names a memory kill in the type; its text is that of any killed process.
  const std::string_view type = exit.out_of_memory ? "Runtime.OutOfMemory" : "Runtime.ExitError";
  const std::string what = exit.out_of_memory ? "Runtime exited with error: signal: killed" : exit_text(exit);
  const std::string text = fmt::format("RequestId: {} Error: {}", request_id, what);
  return make(type, text, fmt::format("{} {}", text, type));
}

Failure entrypoint_failure(std::string_view request_id, int error, bool is_missing) {
  std::string what = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
  if (!is_missing) {
    what = "fork/exec /var/task/bootstrap: " + reason_text(error);
  }
  constexpr std::string_view kType = "Runtime.InvalidEntrypoint";
  const std::string text = fmt::format("RequestId: {} Error: {}", request_id, what);
  return make(kType, text, fmt::format("{} {}", text, kType));
}

Failure extension_failure(std::string_view request_id, std::string_view type, std::string_view what) {
  const std::string text = fmt::format("RequestId: {} Error: {}", request_id, what);
  return {std::string(type), fmt::format(R"({{"errorMessage":"{}","errorType":"{}"}})", text, type),
          fmt::format("{}\t{}", text, type)};
}

Failure stopped_failure(std::string_view request_id) {
  const std::string text = fmt::format("RequestId: {} Error: The instance was stopped by the server", request_id);
  return make("Sandbox.Stopped", text, text);
}

}  // namespace lambent::instance
