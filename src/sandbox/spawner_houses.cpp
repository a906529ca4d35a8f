// Houses (house.h): templates of functions, the shells in them, and their forks.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/files.h"
#include "base/log.h"
#include "sandbox/house.h"
#include "sandbox/spawner_process.h"

namespace lambent::sandbox {
namespace {

constexpr std::chrono::seconds kForkTime{10};
// User and pid namespace, and those of kShellNamespaces that follow.
constexpr unsigned kJoins = kShellNamespaces.size() + 1;

// The number of a process that may not be a child; 0 where it is gone.
pid_t number_of(int pidfd, int proc) {
  const UniqueFd file(openat(proc, ("self/fdinfo/" + std::to_string(pidfd)).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text{};
  const ssize_t length = file ? read(file.get(), text.data(), text.size()) : -1;
  if (length <= 0) return 0;
  const std::string_view all(text.data(), static_cast<std::size_t>(length));
  const auto at = all.find("\nPid:\t");
  if (at == std::string_view::npos) return 0;
  pid_t number = 0;
  std::from_chars(all.data() + at + 6, all.data() + all.size(), number);
  return std::max(number, 0);
}

}  // namespace

Result<Instance*> SpawnerLoop::shell_in_house(const protocol::Launch& launch) {
  Instance* house = find(launch.forked_from);
  if (house == nullptr || !house->house || !house->house->is_checked || house->state != Instance::State::running) {
    return fail(Error::of("fork", "template", "is not there"));
  }
  const auto& like = *house->house->like;
  if (like.uid != launch.uid || like.gid != launch.gid || like.runtime_port != launch.runtime_port ||
      like.platform_port != launch.platform_port || like.network != launch.network ||
      like.runtime_line != launch.runtime_line || like.seccomp_profile != launch.seccomp_profile) {
    return fail(Error::of("fork", "template", "is of another policy"));
  }
  refill_at_ = std::min(refill_at_, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
  auto& ready = house->house->ready;
  while (!ready.empty()) {
    const auto found = instances_.find(ready.front());
    ready.pop_front();
    if (found != instances_.end() && found->second.state == Instance::State::shell) return &found->second;
  }
  return make_shell_in(*house);
}

Result<Instance*> SpawnerLoop::make_shell_in(Instance& house) {
  const auto& like = *house.house->like;
  Instance shell;
  shell.key = next_key_++;
  shell.house_key = house.key;
  shell.program_is_forked = true;
  shell.deadline = std::chrono::steady_clock::now() + kForkTime;
  shell.wanted_listeners = listeners_of(like);
  const Identity identity{is_privileged_ ? house.host_uid : geteuid(), is_privileged_ ? house.host_uid : getegid(),
                          like.uid, like.gid, is_privileged_};
  LAMBENT_TRY(auto log, make_log_pipe(identity));
  LAMBENT_TRY(auto channel, make_child_channel());
  LAMBENT_TRY(auto line, make_child_channel());
  LAMBENT_TRY(shell.cgroup, cgroups_.make(shell.key));
  shell.memory_watch = shell.cgroup.watch_memory_limit();
  std::vector<int> fds{channel.second.get(), log.write_end.get(), line.second.get()};
  for (const auto& file : shell.cgroup.join_files()) fds.push_back(file.get());
  const ShellRequest request{shell.key};
  auto asked = send_packet(house.channel.get(), std::as_bytes(std::span(&request, 1)), fds);
  if (asked) asked = watch(channel.first.get(), Source::channel, shell.key);
  if (asked && shell.memory_watch.valid()) asked = watch(shell.memory_watch.get(), Source::memory, shell.key);
  if (!asked) {
    static_cast<void>(shell.cgroup.remove());
    return std::unexpected(asked.error());
  }
  house.house->cloning.push_back(shell.key);
  shell.channel = std::move(channel.first);
  shell.log = std::move(log.read_end);
  shell.program_line = std::move(line.first);
  shell.program_log = std::move(log.write_end);
  return &instances_.emplace(shell.key, std::move(shell)).first->second;
}

// Each template has one fork that waits for the next launch.
void SpawnerLoop::refill_houses() {
  for (auto& [key, instance] : instances_) {
    if (!instance.house || !instance.house->is_checked || !instance.house->ready.empty()) continue;
    if (instance.state != Instance::State::running) continue;
    const auto made = make_shell_in(instance);
    if (!made) return log::warning("spawner: no sandbox ahead: {}", made.error().message());
    instance.house->ready.push_back((*made)->key);
    refill_at_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    return;
  }
}

void SpawnerLoop::on_gated(Instance& house, std::vector<UniqueFd> fds) {
  if (!house.house || house.house->control.valid() || fds.size() != 2) {
    return fail_instance(house, Error::of("set up template", "descriptors", "wrong number"));
  }
  house.house->notifications = std::move(fds[0]);
  house.house->control = std::move(fds[1]);
  auto watched = watch(house.house->notifications.get(), Source::house_notifications, house.key);
  if (watched) watched = watch(house.house->control.get(), Source::house_control, house.key);
  if (!watched) fail_instance(house, watched.error());
}

void SpawnerLoop::on_house_running(Instance& house, std::vector<UniqueFd> fds) {
  if (fds.size() == 1) house.house->program = number_of(fds[0].get(), host_proc_.get());
  if (house.house->program == 0) fail_instance(house, Error::of("set up template", "process", "is gone"));
}

// In the order in which they were asked for.
void SpawnerLoop::on_cloned(Instance& house, int failure, std::vector<UniqueFd> fds) {
  if (!house.house || house.house->cloning.empty()) return;
  const auto found = instances_.find(house.house->cloning.front());
  house.house->cloning.pop_front();
  if (found == instances_.end()) return;
  Instance& shell = found->second;
  if (fds.size() != 1) {
    fail_instance(shell, {"make a sandbox in a template's", "", failure, ""});
    return on_ended(shell);
  }
  shell.pidfd = std::move(fds[0]);
  if (!std::exchange(house.house->is_checked, true)) {
    reply(protocol::make<protocol::Forkable>(protocol::Type::forkable, house.id));
  }
  if (const auto watched = watch(shell.pidfd.get(), Source::pidfd, shell.key); !watched) {
    return fail_instance(shell, watched.error());
  }
  // It may have been killed, or have failed, meanwhile.
  if (shell.hasten_again != Time()) return kill_instance(shell);
  assign_when_possible(shell);
}

void SpawnerLoop::on_shell_prepared(Instance& shell, std::vector<UniqueFd> namespaces) {
  const auto found = instances_.find(shell.house_key);
  if (found == instances_.end() || namespaces.size() != kShellNamespaces.size() + 1) {
    return fail_instance(shell, Error::of("fork", "namespaces of a shell", "wrong number"));
  }
  shell.namespaces = std::move(namespaces);
  found->second.house->waiting.push_back(shell.key);
  fork_next(found->second);
}

// One at a time: the one whose namespaces may be joined.
void SpawnerLoop::fork_next(Instance& of) {
  House& house = *of.house;
  while (house.joining == 0 && !house.waiting.empty()) {
    const auto found = instances_.find(house.waiting.front());
    house.waiting.pop_front();
    if (found == instances_.end() || found->second.state != Instance::State::shell) continue;
    Instance& shell = found->second;
    ForkRequest request{};
    request.key = shell.key;
    request.inside_uid = house.like->uid;
    request.inside_gid = house.like->gid;
    request.open_files = house.like->open_files;
    request.is_in_house = 1;
    request.records_denied_calls = records_denied_calls_ ? 1 : 0;
    std::vector<int> fds;
    for (std::size_t i = 0; i < kShellNamespaces.size(); ++i) fds.push_back(shell.namespaces[i].get());
    fds.insert(fds.end(), {shell.program_line.get(), shell.program_log.get(), shell.namespaces.back().get()});
    for (const auto& file : shell.cgroup.join_files()) fds.push_back(file.get());
    const auto asked = send_packet(house.control.get(), std::as_bytes(std::span(&request, 1)), fds);
    shell.namespaces.clear();
    shell.program_line.reset();
    shell.program_log.reset();
    shell.cgroup.close_join_files();
    if (!asked) {
      fail_instance(shell, asked.error());
      continue;
    }
    house.joining = shell.key;
    house.joiner = 0;
    house.joined = 0;
  }
}

void SpawnerLoop::on_house_control(Instance& house) {
  const auto report = receive_template_report(house.house->control.get());
  if (report) return on_house_report(house, *report);
  // It ended, which process 1 tells too, or says what no template says.
  char more = 0;
  const bool is_closed = recv(house.house->control.get(), &more, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, house.house->control.get(), nullptr);
  if (!is_closed) kill_instance(house);
}

// Once it runs and is up, in whichever order that is heard. Process 1 looks before it makes the first shell.
void SpawnerLoop::begin_forking(Instance& of) {
  if (!of.house || !of.house->is_up || of.state != Instance::State::running) return;
  const auto first = make_shell_in(of);
  if (!first) return fail_instance(of, first.error());
  of.house->ready.push_back((*first)->key);
}

// Whoever wrote it may be the function's own code: it can speak of this house's shells only.
void SpawnerLoop::on_house_report(Instance& of, const TemplateReport& report) {
  House& house = *of.house;
  if (report.event == TemplateEvent::up) {
    if (!std::exchange(house.is_up, true)) begin_forking(of);
    return;
  }
  const auto found = instances_.find(report.key);
  if (found == instances_.end() || found->second.house_key != of.key || house.joining != report.key) return;
  Instance& shell = found->second;
  if (report.event == TemplateEvent::forked) {
    shell.program_in_house = report.process;
    if (const auto ended = house.reaped.extract(report.process)) on_program_ended(shell, ended.mapped());
    return;
  }
  house.joining = 0;
  if (report.event == TemplateEvent::joined && shell.program_in_house != 0 && house.joined == kJoins) {
    end_forerunner(shell);
    shell.is_joined = true;
    if (shell.state == Instance::State::shell) shell.deadline = {};
    assign_when_possible(shell);
  } else if (report.event == TemplateEvent::joined) {
    fail_instance(shell, Error::of("fork", "report", "out of order"));
  } else {
    fail_instance(shell,
                  {std::string(protocol::text_of(report.step)), "", report.code, "in the template of a function"});
  }
  fork_next(of);
}

// One that does not end by itself is not what the spawner asked for. While it lived, what it forked could not go.
void SpawnerLoop::end_forerunner(Instance& shell) {
  if (shell.forerunner.valid()) syscall(SYS_pidfd_send_signal, shell.forerunner.get(), SIGKILL, nullptr, 0);
  shell.forerunner.reset();
}

// From process 1, which is not the function's.
void SpawnerLoop::on_reaped(Instance& house, pid_t process, int status) {
  if (!house.house) return;
  for (auto& [key, shell] : instances_) {
    if (shell.house_key != house.key || shell.program_in_house != process || shell.state == Instance::State::removing)
      continue;
    return on_program_ended(shell, status);
  }
  if (house.house->joining != 0) house.house->reaped[process] = status;
}

bool SpawnerLoop::may_join(House& house, pid_t process) {
  if (house.joining == 0 || process == house.program || house.joined == kJoins) return false;
  // The user and the pid namespace are joined by one process, the rest by the one that it forks.
  if (house.joined == 0 || house.joined == 2) {
    if (house.joined == 2 && process == house.joiner) return false;
    house.joiner = process;
    // It waits for the answer, so the number is still its own.
    const auto shell = instances_.find(house.joining);
    if (house.joined == 0 && shell != instances_.end()) {
      shell->second.forerunner.reset(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
    }
  }
  return process == house.joiner;
}

// A process of the template's wants to join a namespace, and waits.
void SpawnerLoop::on_notification(Instance& of) {
  seccomp_notif asked{};
  const int fd = of.house->notifications.get();
  // Where nothing waits any more the call would.
  pollfd ready{fd, POLLIN, 0};
  if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLIN) == 0) {
    if ((ready.revents & ~POLLIN) != 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    return;
  }
  if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;
  seccomp_notif_resp answer{};
  answer.id = asked.id;
  if (asked.data.nr == SYS_setns && may_join(*of.house, static_cast<pid_t>(asked.pid))) {
    of.house->joined++;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  } else {
    answer.error = -EPERM;
  }
  ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);  // fails where the process was ended meanwhile
}

// A shell of a house goes. A template that did not fork into it in time will not do so into another one either.
void SpawnerLoop::forget_in_house(Instance& shell) {
  const auto found = instances_.find(shell.house_key);
  if (shell.house_key == 0 || found == instances_.end() || !found->second.house) return;
  House& house = *found->second.house;
  std::erase(house.ready, shell.key);
  std::erase(house.waiting, shell.key);
  if (house.joining != shell.key) return;
  house.joining = 0;
  if (shell.failure && shell.failure->code == ETIMEDOUT) return kill_instance(found->second);
  fork_next(found->second);
}

// The kernel has ended everything in it. What had no process yet will have none.
void SpawnerLoop::on_house_ended(std::uint64_t key) {
  std::vector<std::uint64_t> unborn;
  for (const auto& [each, shell] : instances_) {
    if (shell.house_key == key && !shell.pidfd.valid()) unborn.push_back(each);
  }
  for (const auto each : unborn) {
    const auto found = instances_.find(each);
    if (found != instances_.end()) on_ended(found->second);
  }
}

}  // namespace lambent::sandbox
