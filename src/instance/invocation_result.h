// How one invocation ended, and what it cost.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "telemetry/cold_start.h"
#include "telemetry/report.h"

namespace lambent::instance {

enum class Ending {
  success,
  function_error,  // the function answered with an error
  init_error,      // INIT failed: import error, exit, ... before the function could be called
  timeout,
  crash,  // the process ended before it answered
  out_of_memory,
  stopped,  // the server ended the instance before it answered (shutdown)
};

struct InvocationResult {
  Ending ending = Ending::success;
  // False where the call never reached the function's code and may be given to another instance.
  bool delivered = true;
  std::string payload;         // the answer, or the error object
  std::string function_error;  // empty, or "Unhandled"
  std::string error_type;      // "Runtime.ExitError", "ValueError", ...; empty on success
  std::string content_type = "application/json";
  std::string log_tail;  // the last 4 KB of this invocation's log

  std::chrono::nanoseconds duration{};             // handed over to answered
  std::optional<std::chrono::nanoseconds> init;    // of a cold start, in its first invocation only
  std::optional<telemetry::Restore> restore;       // the same of a snapshot start
  std::optional<telemetry::ColdStart> cold_start;  // the first answer of an instance has it
  std::uint32_t billed_ms = 0;                     // duration and INIT, rounded up
  std::uint32_t memory_used_mb = 0;                // the instance's peak so far; 0 where the host does not count
};

}  // namespace lambent::instance
