// Templates: started, asked to fork, and what they report.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox/spawner_process.h"

namespace lambent::sandbox {

void SpawnerLoop::start_template_of(std::uint32_t number, ShellKind& kind) {
  auto started = start_template(*kind.like, host_proc_.get(), filters_[kind.like->seccomp_profile]);
  if (!started) {
    kind.process.note_end(std::chrono::steady_clock::now());
    return log::warning("spawner: template {}: {}", number, started.error().message());
  }
  started->failures = kind.process.failures;
  kind.process = *std::move(started);
  if (const auto watched = watch(kind.process.control.get(), Source::template_control, number); !watched) {
    log::warning("spawner: {}", watched.error().message());
    on_template_lost(number, kind);
  }
}

// Into a shell that is prepared. Everything that the template needs is then with it; this process keeps no copy.
void SpawnerLoop::fork_into(Instance& instance, std::span<const UniqueFd> namespaces) {
  const auto& kind = kinds_.at(instance.kind);
  if (!kind.process.is_up) return fail_instance(instance, Error::of("fork", "template", "ended"));
  if (namespaces.size() != kShellNamespaces.size()) {
    return fail_instance(instance, Error::of("fork", "namespaces of a shell", "wrong number"));
  }
  ForkRequest request{};
  request.key = instance.key;
  request.host_uid = is_privileged_ ? instance.host_uid : geteuid();
  request.host_gid = is_privileged_ ? instance.host_uid : getegid();
  request.inside_uid = kind.like->uid;
  request.inside_gid = kind.like->gid;
  request.changes_user = is_privileged_ ? 1 : 0;
  request.open_files = kind.like->open_files;
  request.records_denied_calls = records_denied_calls_ ? 1 : 0;
  std::vector<int> descriptors;
  for (const auto& one : namespaces) descriptors.push_back(one.get());
  descriptors.insert(descriptors.end(), {instance.program_line.get(), instance.program_log.get()});
  for (const auto& file : instance.cgroup.join_files()) descriptors.push_back(file.get());
  const auto asked = request_fork(kind.process, request, descriptors);
  instance.program_line.reset();
  instance.program_log.reset();
  instance.cgroup.close_join_files();
  if (!asked) fail_instance(instance, asked.error());
}

void SpawnerLoop::on_template(std::uint32_t number) {
  const auto found = kinds_.find(number);
  if (found == kinds_.end() || !found->second.process.is_running()) return;
  auto& process = found->second.process;
  const auto report = receive_template_report(process.control.get());
  if (!report) return on_template_lost(number, found->second);
  if (report->event != TemplateEvent::up) return on_report(*report);
  process.is_up = true;
  process.failures = 0;
  refill_at_ = std::chrono::steady_clock::now();
}

void SpawnerLoop::on_report(const TemplateReport& report) {
  const auto found = instances_.find(report.key);
  if (found == instances_.end()) return;
  Instance& instance = found->second;
  switch (report.event) {
    case TemplateEvent::forked:
      // Not reaped yet, so the number is still this process.
      instance.program.reset(static_cast<int>(syscall(SYS_pidfd_open, report.process, 0)));
      return;
    case TemplateEvent::joined:
      instance.is_joined = true;
      if (instance.state == Instance::State::shell) instance.deadline = {};  // it may wait for as long as it takes
      return assign_when_possible(instance);
    case TemplateEvent::failed:
      return fail_instance(instance, {std::string(protocol::text_of(report.step)), "", report.code, "in a template"});
    case TemplateEvent::ended:
      return on_program_ended(instance, report.code);
    case TemplateEvent::up:
      return;
  }
}

// What it forked goes on; their ends are seen by their pidfds from now on.
void SpawnerLoop::on_template_lost(std::uint32_t number, ShellKind& kind) {
  const auto now = std::chrono::steady_clock::now();
  log::warning("spawner: template {} ended", number);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, kind.process.control.get(), nullptr);
  syscall(SYS_pidfd_send_signal, kind.process.pidfd.get(), SIGKILL, nullptr, 0);
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(kind.process.pidfd.get()), &info, WEXITED);
  kind.process.note_end(now);
  for (auto& [key, instance] : instances_) {
    if (instance.kind != number || !instance.program_is_forked) continue;
    if (!instance.is_joined) {
      fail_instance(instance, Error::of("fork", "template", "ended"));
    } else if (instance.program.valid()) {
      if (const auto watched = watch(instance.program.get(), Source::program, key); !watched) kill_instance(instance);
    }
  }
  refill_at_ = std::min(refill_at_, kind.process.not_before);
}

}  // namespace lambent::sandbox
