// The library that a template loads (lambent_template.so): takes orders, and makes of a fork a confined process that
// waits in its shell. The language side is a loop around three functions:
//
//     while (lambent_template_next(fd) == 1) {
//       child = fork();
//       if (child == 0) {
//         lambent_template_join(); ... what every instance needs ...
//         block = lambent_template_wait(); ... the instance, with the environment read from block
//       }
//       else lambent_template_forked(child);
//     }
//
// One thread. The state is global because the interface is C, and there is one template to a process.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/packet_io.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"
#include "sandbox/template_protocol.h"

#define LAMBENT_TEMPLATE_API extern "C" __attribute__((visibility("default")))

namespace lambent::sandbox {
namespace {

constexpr pid_t kNoChild = 0;

struct Child {
  std::uint64_t key;
  UniqueFd end;  // pidfd. Not SIGCHLD: an interpreter's own threads would take it
  bool is_in_house;
};

struct Template {
  int control = -1;
  UniqueFd own;     // the way back to the own pid namespace
  UniqueFd events;  // epoll: the control socket, and the pidfd of each child
  std::unordered_map<pid_t, Child> children;
  ForkRequest request{};
  std::vector<UniqueFd> given;  // with the request
  UniqueFd joined;              // in a fork that has joined its shell: the line to its first process

  [[nodiscard]] int pid_namespace() const { return given[0].get(); }
  [[nodiscard]] int line() const { return given[kShellNamespaces.size()].get(); }
  [[nodiscard]] int log() const { return given[kShellNamespaces.size() + 1].get(); }
  [[nodiscard]] bool is_in_house() const { return request.is_in_house == 1; }
  [[nodiscard]] std::size_t descriptors() const { return kForkDescriptors + (is_in_house() ? 1 : 0); }
};

Template& the_template() {
  static Template one;
  return one;
}

void report(const Template& self, TemplateReport report) {
  static_cast<void>(send_packet(self.control, std::as_bytes(std::span(&report, 1))));
}

void report_failure(const Template& self, const Error& error) {
  TemplateReport failed{TemplateEvent::failed, error.code, self.request.key, 0, 0, {}};
  protocol::put_text(failed.step, error.target.empty() ? error.step : error.step + " " + error.target);
  report(self, failed);
}

Result<> watch(const Template& self, int fd, pid_t child) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = child;
  if (epoll_ctl(self.events.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl");
  return {};
}

Result<> prepare(Template& self, int control) {
  self.control = control;
  fcntl(control, F_SETFD, FD_CLOEXEC);
  // None in a house: there the fork itself goes over.
  self.own.reset(openat(kTemplateProc, "self/ns/pid", O_RDONLY | O_CLOEXEC));
  self.events.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!self.events) return fail_errno("epoll_create1");
  LAMBENT_TRY_VOID(watch(self, control, kNoChild));
  report(self, {TemplateEvent::up, 0, 0, 0, 0, {}});
  return {};
}

void reap(Template& self, pid_t child) {
  int status = 0;
  if (waitpid(child, &status, WNOHANG) != child) return;
  const auto found = self.children.find(child);
  // In a house this one only went ahead of the instance's process, whose end process 1 sees.
  if (!found->second.is_in_house) report(self, {TemplateEvent::ended, status, found->second.key, child, 0, {}});
  // By name: a fork that is on its way has a copy of the descriptor, with which the end would be told again and again.
  epoll_ctl(self.events.get(), EPOLL_CTL_DEL, found->second.end.get(), nullptr);
  self.children.erase(found);
}

Result<> keep(Template& self, pid_t child) {
  UniqueFd end(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (!end) return fail_errno("pidfd_open");
  LAMBENT_TRY_VOID(watch(self, end.get(), child));
  self.children.emplace(child, Child{self.request.key, std::move(end), self.is_in_house()});
  return {};
}

// False where there is nothing more to come.
bool take_request(Template& self, bool& is_ready) {
  auto packet = receive_packet(self.control, std::as_writable_bytes(std::span(&self.request, 1)), 0);
  if (!packet || packet->bytes == 0) return false;
  self.given = std::move(packet->fds);
  if (packet->bytes != sizeof self.request || self.given.size() < self.descriptors()) return false;
  is_ready = self.is_in_house() || setns(self.pid_namespace(), CLONE_NEWPID) == 0;
  if (!is_ready) {
    report_failure(self, Error::from_errno("setns", "pid namespace"));
    self.given.clear();
  }
  return true;
}

// The user namespace gives what the others take. Only a process that is born after it can be in the pid namespace.
Result<> enter_house(const Template& self) {
  if (setns(self.given[kForkDescriptors].get(), CLONE_NEWUSER) != 0) return fail_errno("setns", "user");
  if (setns(self.pid_namespace(), CLONE_NEWPID) != 0) return fail_errno("setns", "pid");
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd gone(ends[0]);
  UniqueFd here(ends[1]);
  const pid_t child = fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) {
    // What comes later is told after the parent's report.
    here.reset();
    char nothing = 0;
    return read(gone.get(), &nothing, 1) < 0 ? fail_errno("read") : Result<>{};
  }
  report(self, {TemplateEvent::forked, 0, self.request.key, child, 0, {}});
  _exit(0);
}

Result<> join_shell(const Template& self) {
  for (std::size_t i = self.descriptors(); i < self.given.size(); ++i) {
    LAMBENT_TRY_VOID(write_all(self.given[i].get(), "0", "cgroup.procs"));
  }
  if (self.is_in_house()) LAMBENT_TRY_VOID(enter_house(self));
  for (std::size_t i = 1; i < kShellNamespaces.size(); ++i) {
    if (setns(self.given[i].get(), 0) != 0) return fail_errno("setns", kShellNamespaces[i]);
  }
  setsid();
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) return fail_errno("open", "/dev/null");
  if (dup2(null, 0) < 0 || dup2(self.log(), 1) < 0 || dup2(self.log(), 2) < 0) return fail_errno("dup2");
  return {};
}

Result<> install_filter(bool is_recorded) {
  const off_t bytes = lseek(kTemplateFilter, 0, SEEK_END);
  void* program = mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ, MAP_PRIVATE, kTemplateFilter, 0);
  if (program == MAP_FAILED) return fail_errno("mmap", "filter");
  const auto installed = install_seccomp(
      std::span(static_cast<const sock_filter*>(program), static_cast<std::size_t>(bytes) / sizeof(sock_filter)),
      is_recorded);
  munmap(program, static_cast<std::size_t>(bytes));
  return installed;
}

// The second half of what a shell's first process does too (confine.h), for a process beside it.
Result<> confine_fork(const Template& self) {
  const auto& request = self.request;
  const Identity identity{request.host_uid, request.host_gid, request.inside_uid, request.inside_gid,
                          request.changes_user != 0};
  if (!self.is_in_house()) {
    LAMBENT_TRY_VOID(become_host_user(identity));
    LAMBENT_TRY_VOID(enter_user_namespace(identity, kTemplateProc));
  }
  LAMBENT_TRY_VOID(set_resource_limits({.open_files = request.open_files}));
  LAMBENT_TRY_VOID(give_up_rights(-1));
  LAMBENT_TRY(const auto rules, make_landlock_rules({}));
  LAMBENT_TRY_VOID(enter_landlock(rules));
  LAMBENT_TRY_VOID(install_filter(request.records_denied_calls != 0));
  // As after an exec: the instance's own files in /proc are its own.
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  return {};
}

// Nothing of the template's stays but the standard descriptors and the line, which is moved to 3. It holds the runtime
// line's number too: what the fork opens before it is assigned must not get that.
Result<UniqueFd> let_go(Template& self) {
  self.control = -1;
  if (dup2(self.line(), 3) < 0) return fail_errno("dup2", "line");
  self.given.clear();
  self.own.reset();
  self.events.reset();
  self.children.clear();
  if (close_range(4, ~0U, 0) != 0) return fail_errno("close_range");
  UniqueFd line(3);
  if (dup3(line.get(), kRuntimeLine, O_CLOEXEC) < 0) return fail_errno("dup3", "line");
  return line;
}

// The environment block, to be read from a pipe: it fits in one.
Result<UniqueFd> wait_for_assignment(const UniqueFd& line) {
  std::vector<char> start(kProgramStartBytes);
  auto packet = receive_packet(line.get(), std::as_writable_bytes(std::span(start)), 0);
  if (!packet || packet->bytes == 0) _exit(1);  // the shell is gone: it was never assigned
  if (packet->fds.empty()) {
    close(kRuntimeLine);
  } else if (dup3(packet->fds.front().get(), kRuntimeLine, O_CLOEXEC) < 0) {
    return fail_errno("dup3", "runtime line");
  }
  packet->fds.clear();
  const std::size_t folder = strnlen(start.data(), packet->bytes);
  if (folder == packet->bytes) return fail(Error::of("assignment", "", "no working folder"));
  if (chdir(start.data()) != 0) return fail_errno("chdir", start.data());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  LAMBENT_TRY_VOID(write_all(write_end.get(), {start.data() + folder + 1, packet->bytes - folder - 1}, "environment"));
  explicit_bzero(start.data(), packet->bytes);
  return read_end;
}

Result<> join(Template& self) {
  LAMBENT_TRY_VOID(join_shell(self));
  LAMBENT_TRY_VOID(confine_fork(self));
  report(self, {TemplateEvent::joined, 0, self.request.key, 0, 0, {}});
  LAMBENT_TRY(self.joined, let_go(self));
  return {};
}

}  // namespace
}  // namespace lambent::sandbox

// Waits for an order. 1: fork now; 0: the template is no longer needed.
LAMBENT_TEMPLATE_API int lambent_template_next(int control) {
  using namespace lambent::sandbox;
  Template& self = the_template();
  if (self.control < 0 && !prepare(self, control)) return 0;
  for (;;) {
    epoll_event event{};
    const int n = epoll_wait(self.events.get(), &event, 1, -1);
    if (n < 0 && errno != EINTR) return 0;
    if (n != 1) continue;
    if (event.data.fd != kNoChild) {
      reap(self, event.data.fd);
      continue;
    }
    bool is_ready = false;
    if (!take_request(self, is_ready)) return 0;
    if (is_ready) return 1;
  }
}

// In the template, after the fork; `child` as fork(2) gave it. 0: go on.
LAMBENT_TEMPLATE_API int lambent_template_forked(pid_t child) {
  using namespace lambent::sandbox;
  Template& self = the_template();
  if (child > 0) {
    if (!keep(self, child)) _exit(1);
    if (!self.is_in_house()) report(self, {TemplateEvent::forked, 0, self.request.key, child, 0, {}});
  } else {
    report_failure(self, lambent::Error::from_errno("fork"));
  }
  self.given.clear();
  return self.is_in_house() ? 0 : setns(self.own.get(), CLONE_NEWPID);
}

// In the fork: confines it in its shell. Nothing of the template's stays open but the standard descriptors, and 3 until
// the fork is assigned. 0; or -1: it must end at once.
LAMBENT_TEMPLATE_API int lambent_template_join() {
  using namespace lambent::sandbox;
  Template& self = the_template();
  const auto joined = join(self);
  if (joined) return 0;
  report_failure(self, joined.error());
  return -1;
}

// In a fork that has joined. Gives a descriptor from which the environment is read (NAME=value, NUL, ... until its
// end), once the instance is assigned. -1: it must end at once.
LAMBENT_TEMPLATE_API int lambent_template_wait() {
  using namespace lambent::sandbox;
  Template& self = the_template();
  auto block = wait_for_assignment(self.joined);
  self.joined.reset();
  return block ? block->release() : -1;
}
