#include "sandbox/init.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/child_channel.h"
#include "sandbox/packet_io.h"
#include "sandbox/template_protocol.h"

namespace lambent::sandbox {
namespace {

constexpr std::size_t kProgramStack = 64U << 10U;

// What process 1 and the process that executes the program have in common: all memory, until exec.
struct ProgramStart {
  protocol::Launch& launch;
  int log;
  int line;
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* failed = nullptr;  // the step, where one did
  int code = 0;
};

// In the program's process, up to exec. Only returns on failure, with errno set.
const char* start_program(const ProgramStart& start) {
  setsid();
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0) return "open /dev/null";
  // null and log are above 2: the spawner keeps 0 to 2 open.
  if (dup2(null, 0) < 0 || dup2(start.log, 1) < 0 || dup2(start.log, 2) < 0) return "dup2";
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return "close_range";
  if (start.line >= 0 && dup2(start.line, kRuntimeLine) < 0) return "dup2 line";
  if (chdir(start.launch.working_folder.data()) != 0) return "chdir";
  execve(start.argv[0], start.argv.data(), start.environment.data());
  return "exec";
}

int run_program_process(void* with) {
  auto& start = *static_cast<ProgramStart*>(with);
  start.failed = start_program(start);
  start.code = errno;
  _exit(127);
}

// Process 1 holds nothing of the host's terminal or log.
void let_standard_descriptors_go() {
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2 && null >= 0; ++fd) dup2(null, fd);
  close(null);
}

Error failure_of(const ProgramStart& start) {
  const bool is_folder = strcmp(start.failed, "chdir") == 0;
  return {start.failed, is_folder ? start.launch.working_folder.data() : start.launch.argv.data.data(), start.code, ""};
}

[[noreturn]] void fail_init(int channel, const Error& error) {
  send_child_message(channel, failure_message(error));
  _exit(1);
}

// Until the program itself ends; others are reaped on the way.
int wait_for_program(pid_t program) {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended == program) return status;
    if (ended < 0 && errno != EINTR) return 0;
  }
}

// Executes the program as a child. Returns when it runs: until then this process stands still, and the child uses its
// memory, since a copy of its page tables, and of each page that either touches, would take longer than all of the
// rest.
pid_t execute_program(const Confinement& confinement, int runtime_line, protocol::Launch& launch) {
  ProgramStart start{launch, confinement.log, runtime_line, launch.argv.pointers(), launch.environment.pointers()};
  alignas(16) std::array<char, kProgramStack> stack;
  const pid_t program =
      clone(run_program_process, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  if (program < 0) fail_init(confinement.channel, Error::from_errno("clone"));
  close(confinement.log);
  if (start.failed != nullptr) fail_init(confinement.channel, failure_of(start));
  return program;
}

// Tells the process that a template forked into this shell where it is and what its environment is.
void release_program(const Confinement& confinement, const UniqueFd& runtime_line, const protocol::Launch& launch) {
  std::vector<std::byte> start;
  const auto append = [&](std::string_view bytes) {
    const auto more = std::as_bytes(std::span(bytes));
    start.insert(start.end(), more.begin(), more.end());
  };
  append(protocol::text_of(launch.working_folder));
  append(std::string_view("\0", 1));
  append({launch.environment.data.data(), launch.environment.used});
  const int line = runtime_line.get();
  const auto sent = send_packet(confinement.program_line, start, std::span(&line, runtime_line.valid() ? 1 : 0));
  explicit_bzero(start.data(), start.size());
  if (!sent) fail_init(confinement.channel, sent.error());
  close(confinement.program_line);
  close(confinement.log);
}

// The kernel reaps what is orphaned; the spawner ends this process when the program has ended.
[[noreturn]] void wait_for_the_end(int channel) {
  signal(SIGCHLD, SIG_IGN);
  pollfd line{channel, 0, 0};
  for (;;) {
    if (poll(&line, 1, -1) > 0) _exit(0);
  }
}

}  // namespace

// In the order of protocol::Launched, then what a template joins.
Result<> report_prepared(const Confinement& confinement, Listeners listeners) {
  ChildMessage prepared{};
  prepared.event = ChildEvent::prepared;
  std::vector<int> fds;
  for (const int fd : {listeners.runtime.get(), listeners.platform.get(), listeners.gate.tcp.get(),
                       listeners.gate.udp.get(), listeners.gate.refusals.get(), listeners.runtime_line.get()}) {
    if (fd >= 0) fds.push_back(fd);
  }
  std::vector<UniqueFd> namespaces;
  if (confinement.program_line >= 0) {
    for (const char* name : kShellNamespaces) {
      const std::string path = std::string("self/ns/") + name;
      namespaces.emplace_back(openat(confinement.host_proc, path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!namespaces.back()) return fail_errno("open", path);
      fds.push_back(namespaces.back().get());
    }
    if (confinement.is_in_house) {
      namespaces.emplace_back(openat(confinement.host_proc, "self/ns/user", O_RDONLY | O_CLOEXEC));
      if (!namespaces.back()) return fail_errno("open", "self/ns/user");
      fds.push_back(namespaces.back().get());
    }
  }
  if (!send_child_message(confinement.channel, prepared, fds)) _exit(1);
  return {};
}

void run_init(const Confinement& confinement, UniqueFd runtime_line, Assignment& assignment) {
  ChildMessage message{};
  message.event = ChildEvent::ready;
  if (confinement.program_line >= 0) {
    // First, since the program may end, and the spawner hear of that, before this process runs again.
    if (!send_child_message(confinement.channel, message)) _exit(1);
    release_program(confinement, runtime_line, assignment.launch);
    runtime_line.reset();  // so that the platform sees the program's end go
    let_standard_descriptors_go();
    explicit_bzero(&assignment, sizeof assignment);
    wait_for_the_end(confinement.channel);
  }
  const pid_t program = execute_program(confinement, runtime_line.get(), assignment.launch);
  runtime_line.reset();
  let_standard_descriptors_go();
  explicit_bzero(&assignment, sizeof assignment);
  if (!send_child_message(confinement.channel, message)) _exit(1);

  message.event = ChildEvent::ended;
  message.code = wait_for_program(program);
  send_child_message(confinement.channel, message);
  _exit(0);
}

}  // namespace lambent::sandbox
