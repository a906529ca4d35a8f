// The error objects and log lines for calls that end without the function's own answer, worded as AWS Lambda does.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sandbox/spawner_client.h"

namespace lambent::instance {

struct Failure {
  std::string error_type;  // "Runtime.ExitError", "Sandbox.Timedout", ...
  std::string payload;     // {"errorType":…,"errorMessage":…}
  std::string log_line;    // what the log says beside it
};

// "2026-11-23T05:34:00.123Z <id> Task timed out after 3.00 seconds".
Failure timeout_failure(std::string_view request_id, std::chrono::seconds timeout, Wall now);
// The process ended by itself or by a signal, before it answered; exceeded memory included.
Failure exit_failure(std::string_view request_id, const sandbox::ExitReport& exit);
// The function's own bootstrap could not be executed: `error` (errno), or it `is_missing`.
Failure entrypoint_failure(std::string_view request_id, int error, bool is_missing);
// An extension ended or failed while the call ran: "Extension.Crash", "exit code 1".
Failure extension_failure(std::string_view request_id, std::string_view type, std::string_view what);
// The server ended the instance: it is stopping, or lost its spawner.
Failure stopped_failure(std::string_view request_id);

// "permission denied" for EACCES, as Go prints errors.
std::string reason_text(int error);
// "killed" for SIGKILL, as Go prints signals, which is what AWS shows.
std::string signal_text(int signal);

}  // namespace lambent::instance
