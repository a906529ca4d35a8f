#include "sandbox/template_process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "base/files.h"
#include "base/log.h"
#include "sandbox/capabilities.h"
#include "sandbox/mounts.h"
#include "sandbox/namespaces.h"
#include "sandbox/network.h"
#include "sandbox/packet_io.h"
#include "sandbox/root_skeleton.h"
#include "sandbox/signals.h"

namespace lambent::sandbox {
namespace {

constexpr std::uint32_t kMostFailures = 5;
constexpr std::chrono::seconds kFirstPause{1};

// Joining namespaces takes the first two, becoming the sandbox's user the others.
constexpr std::array kTemplateCapabilities{CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SETUID, CAP_SETGID};

struct TemplateStart {
  const protocol::Launch& like;
  int host_proc;
  int control;
  int filter;
};

Result<> make_template_file_system(const protocol::Launch& like) {
  LAMBENT_TRY_VOID(make_mounts_private());
  LAMBENT_TRY(RootBuilder root, RootBuilder::create());
  LAMBENT_TRY_VOID(add_skeleton(root, {geteuid(), getegid(), like.uid, like.gid, false}, nullptr));
  // The loader never looks again at a folder of its search path that was missing when the interpreter started.
  for (const char* folder : {"/var/task/lib", "/opt/lib"}) LAMBENT_TRY_VOID(root.add_folder(folder));
  for (const auto& mount : protocol::mounts_of(like)) {
    LAMBENT_TRY_VOID(root.bind(std::string(mount.source), mount.target, mount.access));
  }
  LAMBENT_TRY_VOID(root.enter());
  return root.seal();
}

Result<> place_descriptors(const TemplateStart& start) {
  // First out of the way of each other, then to their places.
  const int control = fcntl(start.control, F_DUPFD, 16);
  const int filter = fcntl(start.filter, F_DUPFD, 16);
  const int proc = fcntl(start.host_proc, F_DUPFD, 16);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (control < 0 || filter < 0 || proc < 0 || null < 0) return fail_errno("fcntl", "descriptors");
  if (dup2(null, 0) < 0 || dup2(2, 1) < 0 || dup2(control, kTemplateControl) < 0 || dup2(filter, kTemplateFilter) < 0 ||
      dup2(proc, kTemplateProc) < 0) {
    return fail_errno("dup2");
  }
  if (close_range(kTemplateProc + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return fail_errno("close_range");
  return {};
}

// In the cloned process, up to exec.
Error become_template(const TemplateStart& start) {
  protocol::Launch like = start.like;
  const auto argv = like.argv.pointers();
  const auto environment = like.environment.pointers();
  const auto steps = [&]() -> Result<> {
    LAMBENT_TRY_VOID(make_template_file_system(like));
    LAMBENT_TRY_VOID(place_descriptors(start));
    LAMBENT_TRY_VOID(raise_loopback());  // clients rehearse a start with a server of their own
    LAMBENT_TRY_VOID(pass_capabilities_on(kTemplateCapabilities));
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("prctl", "PR_SET_PDEATHSIG");
    reset_signals();
    setsid();
    if (chdir(like.working_folder.data()) != 0) return fail_errno("chdir", like.working_folder.data());
    return {};
  };
  if (auto done = steps(); !done) return done.error();
  execve(argv[0], argv.data(), environment.data());
  return Error::from_errno("exec", argv[0]);
}

}  // namespace

bool TemplateProcess::may_start(Time now) const {
  return !is_running() && failures < kMostFailures && now >= not_before;
}

void TemplateProcess::note_end(Time now) {
  failures = is_up ? 0 : failures + 1;
  not_before = now + kFirstPause * (1U << std::min(failures, kMostFailures));
  pidfd.reset();
  control.reset();
  is_up = false;
}

Result<TemplateProcess> start_template(const protocol::Launch& like, int host_proc,
                                       std::span<const sock_filter> filter) {
  LAMBENT_TRY(auto line, make_child_channel());
  LAMBENT_TRY(const UniqueFd filter_file, file_of_filter(filter));
  LAMBENT_TRY(auto cloned, clone_into(kTemplateNamespaces));
  if (cloned.pid == 0) {
    const Error error = become_template({like, host_proc, line.second.get(), filter_file.get()});
    log::error("template: {}", error.message());
    _exit(127);
  }
  TemplateProcess process;
  process.pidfd = std::move(cloned.pidfd);
  process.control = std::move(line.first);
  return process;
}

Result<> request_fork(const TemplateProcess& process, const ForkRequest& request, std::span<const int> descriptors) {
  return send_packet(process.control.get(), std::as_bytes(std::span(&request, 1)), descriptors);
}

std::optional<TemplateReport> receive_template_report(int control) {
  TemplateReport report{};
  const auto packet = receive_packet(control, std::as_writable_bytes(std::span(&report, 1)), MSG_DONTWAIT);
  if (!packet || packet->bytes != sizeof report || !protocol::is_text(report.step)) return std::nullopt;
  const auto event = static_cast<std::uint32_t>(report.event);
  if (event < 1 || event > 5) return std::nullopt;
  return report;
}

}  // namespace lambent::sandbox
