// A template as the spawner sees it (template_protocol.h says what one is).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/protocol.h"
#include "sandbox/seccomp.h"
#include "sandbox/template_protocol.h"

namespace lambent::sandbox {

struct TemplateProcess {
  using Time = std::chrono::steady_clock::time_point;

  UniqueFd pidfd;  // invalid: not running
  UniqueFd control;
  bool is_up = false;          // it can be asked to fork
  std::uint32_t failures = 0;  // in a row, without ever having been up
  Time not_before;             // when it may be started again

  [[nodiscard]] bool is_running() const { return pidfd.valid(); }
  // After kMostFailures in a row it is left alone: its launches execute their programs.
  [[nodiscard]] bool may_start(Time now) const;
  void note_end(Time now);
};

// Starts the program of `like` in namespaces of its own, with the spawner's user and only those rights that joining a
// shell takes.
Result<TemplateProcess> start_template(const protocol::Launch& like, int host_proc,
                                       std::span<const sock_filter> filter);

// Asks for a process in a shell. `descriptors` as ForkRequest says.
Result<> request_fork(const TemplateProcess& process, const ForkRequest& request, std::span<const int> descriptors);

// Without waiting; nothing where no whole valid report is there.
std::optional<TemplateReport> receive_template_report(int control);

}  // namespace lambent::sandbox
