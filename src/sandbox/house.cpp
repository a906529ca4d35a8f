#include "sandbox/house.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "sandbox/capabilities.h"
#include "sandbox/child_channel.h"
#include "sandbox/house_check.h"
#include "sandbox/init.h"
#include "sandbox/landlock.h"
#include "sandbox/packet_io.h"
#include "sandbox/root_skeleton.h"
#include "sandbox/signals.h"
#include "sandbox/template_protocol.h"

namespace lambent::sandbox {
namespace {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

[[noreturn]] void give_up(int channel, const Error& error) {
  send_child_message(channel, failure_message(error));
  _exit(1);
}

// The template's process, up to exec.
struct TemplateStart {
  const Confinement& confinement;
  Assignment& assignment;
  int runtime_line;
  int filter;  // a file, of the filter that forks set
  int go;      // readable at its end: process 1 is out of reach
};

Result<> confine_template(const TemplateStart& start) {
  const auto& [confinement, assignment, runtime_line, filter, go] = start;
  char nothing = 0;
  if (read(go, &nothing, 1) < 0) return fail_errno("read", "go");
  LAMBENT_TRY(auto control, make_child_channel());
  LAMBENT_TRY_VOID(set_resource_limits(assignment.limits));
  LAMBENT_TRY_VOID(give_up_rights(-1));
  // The forks' /tmp and /dev/shm are mounted over the template's, where no rule of the template's can name them. So its
  // own wall leaves writing to the mounts, and each fork sets one that does not.
  LAMBENT_TRY(const auto rules, make_landlock_rules({"/"}));
  LAMBENT_TRY_VOID(enter_landlock(rules));
  const auto gated = gate_setns(confinement.filters[assignment.launch.seccomp_profile]);
  LAMBENT_TRY(const UniqueFd notifications, install_seccomp_with_notifications(gated));
  ChildMessage message{};
  message.event = ChildEvent::gated;
  const std::array fds{notifications.get(), control.first.get()};
  if (!send_child_message(confinement.channel, message, fds)) _exit(1);
  reset_signals();
  setsid();
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int own_control = fcntl(control.second.get(), F_DUPFD_CLOEXEC, 16);
  const int own_filter = fcntl(filter, F_DUPFD_CLOEXEC, 16);
  const int log = fcntl(confinement.log, F_DUPFD_CLOEXEC, 16);
  if (null < 0 || own_control < 0 || own_filter < 0 || log < 0) return fail_errno("fcntl", "descriptors");
  if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) return fail_errno("dup2");
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return fail_errno("close_range");
  if (dup2(own_control, kTemplateControl) < 0 || dup2(own_filter, kTemplateFilter) < 0) return fail_errno("dup2");
  if (runtime_line >= 0 && dup2(runtime_line, kRuntimeLine) < 0) return fail_errno("dup2", "runtime line");
  if (chdir(assignment.launch.working_folder.data()) != 0) return fail_errno("chdir");
  return {};
}

[[noreturn]] void become_template(const TemplateStart& start, int failure) {
  const auto argv = start.assignment.launch.argv.pointers();
  const auto environment = start.assignment.launch.environment.pointers();
  // Above all places that are taken below.
  const int told = fcntl(failure, F_DUPFD_CLOEXEC, 16);
  Error error;
  if (const auto done = confine_template(start); !done) {
    error = done.error();
  } else {
    execve(argv[0], argv.data(), environment.data());
    error = Error::from_errno("exec", argv[0]);
  }
  const ChildMessage message = failure_message(error);
  static_cast<void>(!write(told, &message, sizeof message));
  _exit(127);
}

// In a shell's first process, up to the assignment.
Result<Listeners> prepare_inside(const Confinement& confinement) {
  LAMBENT_TRY_VOID(join_cgroups(confinement.cgroup_files));
  LAMBENT_TRY_VOID(enter_cgroup_namespace());
  LAMBENT_TRY_VOID(make_mounts_private());
  LAMBENT_TRY(auto root, RootBuilder::of_current());
  LAMBENT_TRY_VOID(add_own_file_systems(root, confinement.identity.inside_uid, confinement.identity.inside_gid));
  return make_network(confinement);
}

Result<> assign_inside(const Confinement& confinement, const Assignment& assignment) {
  const auto& launch = assignment.launch;
  LAMBENT_TRY_VOID(set_host_name(launch.hostname.data()));
  LAMBENT_TRY(auto root, RootBuilder::of_current());
  LAMBENT_TRY_VOID(root.resize_tmpfs("/tmp", launch.tmp_bytes, launch.tmp_inodes));
  LAMBENT_TRY_VOID(root.resize_tmpfs("/dev/shm", launch.memory_bytes / 2, kShmInodes));
  LAMBENT_TRY_VOID(set_resource_limits(assignment.limits));
  LAMBENT_TRY_VOID(give_up_rights(confinement.channel));
  LAMBENT_TRY_VOID(restrict_files(launch));
  LAMBENT_TRY_VOID(install_seccomp(confinement.filters[launch.seccomp_profile], confinement.records_denied_calls));
  return check_lone_process();
}

[[noreturn]] void run_shell(Confinement confinement, ReceivedPacket& packet) {
  confinement.channel = packet.fds[0].get();
  confinement.log = packet.fds[1].get();
  confinement.program_line = packet.fds[2].get();
  confinement.is_in_house = true;
  confinement.cgroup_files.clear();
  for (std::size_t i = kShellDescriptors; i < packet.fds.size(); ++i) {
    confinement.cgroup_files.push_back(packet.fds[i].release());
  }
  std::vector<int> keep = confinement.cgroup_files;
  keep.insert(keep.end(), {confinement.channel, confinement.log, confinement.program_line});
  close_all_but(keep);
  reset_signals();
  auto listeners = prepare_inside(confinement);
  if (!listeners) give_up(confinement.channel, listeners.error());
  auto line = make_runtime_line(confinement);
  if (!line) give_up(confinement.channel, line.error());
  listeners->runtime_line = std::move(line->first);
  // Of its own now, in which "self" is this process.
  confinement.host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (const auto told = report_prepared(confinement, *std::move(listeners)); !told) {
    give_up(confinement.channel, told.error());
  }
  close(confinement.host_proc);
  const auto assignment = std::make_unique<Assignment>();
  const auto mounts = receive_assignment(confinement.channel, *assignment);
  if (!mounts) give_up(confinement.channel, mounts.error());
  if (const auto assigned = assign_inside(confinement, *assignment); !assigned) {
    give_up(confinement.channel, assigned.error());
  }
  run_init(confinement, std::move(line->second), *assignment);
}

class House {
 public:
  House(const Confinement& confinement, pid_t program, UniqueFd signals)
      : confinement_(confinement), program_(program), signals_(std::move(signals)) {}

  [[noreturn]] void serve() {
    for (;;) {
      std::array<pollfd, 2> ready{{{confinement_.channel, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
      if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) _exit(1);
      if (ready[1].revents != 0) reap();
      if (ready[0].revents != 0) clone_shell();
    }
  }

 private:
  void reap() {
    signalfd_siginfo information{};
    static_cast<void>(!read(signals_.get(), &information, sizeof information));
    int status = 0;
    for (pid_t ended = waitpid(-1, &status, WNOHANG); ended > 0; ended = waitpid(-1, &status, WNOHANG)) {
      ChildMessage message{};
      message.event = ended == program_ ? ChildEvent::ended : ChildEvent::reaped;
      message.code = status;
      message.process = ended;
      if (!send_child_message(confinement_.channel, message) || ended == program_) _exit(0);
    }
  }

  void clone_shell() {
    ShellRequest request{};
    auto packet = receive_packet(confinement_.channel, std::as_writable_bytes(std::span(&request, 1)), 0);
    if (!packet || packet->bytes == 0) _exit(1);
    if (packet->bytes != sizeof request || packet->fds.size() < kShellDescriptors) _exit(1);
    ChildMessage message{};
    message.event = ChildEvent::cloned;
    // The first time INIT has just ended: what it left running would stay behind, and be shared by all forks.
    if (!std::exchange(is_checked_, true) && !check_alone_with(program_)) end_unsafe();
    auto cloned = clone_into(kSandboxNamespaces);
    if (cloned && cloned->pid == 0) {
      signals_.reset();
      run_shell(confinement_, *packet);
    }
    if (!cloned) message.code = cloned.error().code == 0 ? EAGAIN : cloned.error().code;
    std::vector<int> fds;
    if (cloned) fds.push_back(cloned->pidfd.get());
    if (!send_child_message(confinement_.channel, message, fds)) _exit(1);
  }

  // As a template ends that finds out by itself.
  [[noreturn]] void end_unsafe() {
    ChildMessage message{};
    message.event = ChildEvent::ended;
    message.code = kExitUnsafe << 8U;
    send_child_message(confinement_.channel, message);
    _exit(0);
  }

  const Confinement& confinement_;
  pid_t program_;
  UniqueFd signals_;
  bool is_checked_ = false;
};

// Out of the template's reach, with power over the inner user namespace only.
Result<> enter_inner_user_namespace(const Confinement& confinement) {
  Identity same = confinement.identity;
  same.host_uid = same.inside_uid;
  same.host_gid = same.inside_gid;
  LAMBENT_TRY_VOID(enter_user_namespace(same, confinement.host_proc));
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("prctl", "PR_SET_PDEATHSIG");
  pollfd line{confinement.channel, 0, 0};
  if (poll(&line, 1, 0) != 0) return fail(Error::of("give up rights", "parent", "is gone"));
  return {};
}

Result<House> build(const Confinement& confinement, Shell& shell, Assignment& assignment,
                    std::span<const UniqueFd> mounts) {
  LAMBENT_TRY_VOID(assign_place(confinement, shell, assignment, mounts));
  LAMBENT_TRY(auto go, make_pipe());
  LAMBENT_TRY(auto failure, make_pipe());
  LAMBENT_TRY(const UniqueFd filter, file_of_filter(confinement.filters[assignment.launch.seccomp_profile]));
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &ends, nullptr) != 0) return fail_errno("sigprocmask");
  UniqueFd signals(signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail_errno("signalfd");
  LAMBENT_TRY(auto cloned, clone_into(0));
  if (cloned.pid == 0) {
    go.write_end.reset();
    become_template({confinement, assignment, shell.runtime_line.get(), filter.get(), go.read_end.get()},
                    failure.write_end.get());
  }
  LAMBENT_TRY_VOID(enter_inner_user_namespace(confinement));
  explicit_bzero(&assignment, sizeof assignment);
  shell.runtime_line.reset();
  go.write_end.reset();
  failure.write_end.reset();
  ChildMessage message{};
  if (read(failure.read_end.get(), &message, sizeof message) > 0) {
    send_child_message(confinement.channel, message);
    _exit(1);
  }
  message = {};
  message.event = ChildEvent::ready;
  const std::array fds{cloned.pidfd.get()};
  if (!send_child_message(confinement.channel, message, fds)) _exit(1);
  return House(confinement, cloned.pid, std::move(signals));
}

}  // namespace

void run_house(const Confinement& confinement, Shell& shell, Assignment& assignment, std::span<const UniqueFd> mounts) {
  auto house = build(confinement, shell, assignment, mounts);
  if (!house) give_up(confinement.channel, house.error());
  close(confinement.log);
  close(confinement.host_proc);
  house->serve();
}

}  // namespace lambent::sandbox
