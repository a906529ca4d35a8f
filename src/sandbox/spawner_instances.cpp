// What happens to sandboxes: set up, ended, put away.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <iterator>
#include <utility>
#include <vector>

#include "base/log.h"
#include "sandbox/spawner_client.h"
#include "sandbox/spawner_process.h"

namespace lambent::sandbox {
namespace {

constexpr std::chrono::seconds kHastenStuckEvery{1};
constexpr std::chrono::seconds kPauseAfterFailure{1};

}  // namespace

void SpawnerLoop::on_channel(Instance& instance) {
  auto received = receive_child_message(instance.channel.get());
  // A channel that says nothing valid is at its end, and would be readable for ever; the pidfd tells the rest.
  if (!received) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.channel.get(), nullptr);
  if (received) on_child_message(instance, *received);
}

void SpawnerLoop::hear_out(Instance& instance) {
  while (auto received = receive_child_message(instance.channel.get())) on_child_message(instance, *received);
}

Instance* SpawnerLoop::find(std::uint64_t id) {
  const auto key = keys_.find(id);
  return key == keys_.end() ? nullptr : &instances_.at(key->second);
}

void SpawnerLoop::on_child_message(Instance& instance, ReceivedChildMessage& received) {
  const auto& message = received.message;
  switch (message.event) {
    case ChildEvent::prepared:
      return on_prepared(instance, std::move(received.fds));
    case ChildEvent::gated:
      return on_gated(instance, std::move(received.fds));
    case ChildEvent::cloned:
      return on_cloned(instance, message.code, std::move(received.fds));
    case ChildEvent::reaped:
      return on_reaped(instance, message.process, message.code);
    case ChildEvent::ready:
      if (instance.house) on_house_running(instance, std::move(received.fds));
      // One that is to be killed before it was ready is reported as failed at its end.
      if (instance.state == Instance::State::assigned && !instance.is_killed) report_running(instance);
      return;
    case ChildEvent::failed:
      if (instance.state != Instance::State::shell && instance.state != Instance::State::assigned) return;
      instance.failure = message;
      instance.state = Instance::State::failed;
      return;
    case ChildEvent::ended:
      instance.program_status = message.code;
      instance.cgroup.hasten_end();  // of whatever the program leaves behind
      return;
  }
}

void SpawnerLoop::on_prepared(Instance& instance, std::vector<UniqueFd> fds) {
  const auto listeners = static_cast<std::ptrdiff_t>(std::popcount(instance.wanted_listeners));
  if (instance.is_prepared || static_cast<std::ptrdiff_t>(fds.size()) < listeners) {
    return fail_instance(instance, Error::of("set up sandbox", "listeners", "wrong number"));
  }
  const auto middle = std::make_move_iterator(fds.begin() + listeners);
  instance.listeners.assign(std::make_move_iterator(fds.begin()), middle);
  fds.erase(fds.begin(), fds.begin() + listeners);
  instance.is_prepared = true;
  // It was made for a launch that it has been told already.
  if (instance.state == Instance::State::assigned) {
    instance.shell_took = std::chrono::steady_clock::now() - instance.launch_came;
  }
  if (instance.house_key != 0) return on_shell_prepared(instance, std::move(fds));
  if (instance.program_line.valid()) return fork_into(instance, fds);
  if (instance.state == Instance::State::shell) instance.deadline = {};
  assign_when_possible(instance);
}

// What the server is not told it would wait for without end, so an untold message ends the spawner, which ends the
// server. One with descriptors may have failed for their sake: its caller has a plainer thing to tell.
Result<> SpawnerLoop::send_reply(std::span<const std::byte> packet, std::span<const int> fds) {
  auto sent = send_packet(server_.get(), packet, fds);
  if (sent) return sent;
  const int code = sent.error().code;
  const bool is_server_gone = code == EPIPE || code == ECONNRESET || code == ENOTCONN;
  if (!is_server_gone) log::error("spawner: the server was not told: {}", sent.error().message());
  if (is_server_gone || fds.empty()) is_stopping_ = true;
  return sent;
}

void SpawnerLoop::report_running(Instance& instance) {
  const UniqueFd memory_peak = instance.cgroup.open_memory_peak();
  auto launched = protocol::make<protocol::Launched>(protocol::Type::launched, instance.id);
  std::vector<int> fds{instance.pidfd.get(), instance.log.get()};
  for (const auto& listener : instance.listeners) fds.push_back(listener.get());
  launched.present = instance.wanted_listeners;
  launched.host_uid = instance.host_uid;
  if (memory_peak.valid()) {
    fds.push_back(memory_peak.get());
    launched.present |= protocol::Launched::kMemoryPeak;
  }
  const SandboxCgroup::FreezerFile freezer = instance.cgroup.open_freezer();
  if (freezer.file.valid()) {
    fds.push_back(freezer.file.get());
    launched.present |= protocol::Launched::kFreezer;
    launched.freezer_version = static_cast<std::uint32_t>(freezer.version);
  }
  launched.shell_ns = static_cast<std::uint64_t>(instance.shell_took.count());
  launched.is_forked = instance.program_is_forked ? 1 : 0;
  if (const auto told = reply(launched, fds); !told) return fail_instance(instance, told.error());
  instance.state = Instance::State::running;
  instance.deadline = {};
  instance.log.reset();
  instance.listeners.clear();
  begin_forking(instance);
}

// A program that a template forked: process 1 does not see its end.
void SpawnerLoop::on_program_ended(Instance& instance, std::optional<int> status) {
  if (instance.program.valid()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.program.get(), nullptr);
  if (instance.state == Instance::State::removing) return;
  // That it was told to go on may stand in the channel still: the two lines are read in any order.
  if (instance.state == Instance::State::assigned) hear_out(instance);
  if (instance.state == Instance::State::shell || instance.state == Instance::State::assigned) {
    return fail_instance(instance, Error::of("set up sandbox", "forked process", "ended too early"));
  }
  if (status) instance.program_status = status;
  kill_instance(instance);
}

void SpawnerLoop::fail_instance(Instance& instance, const Error& error) {
  if (instance.state != Instance::State::removing) {
    // What a template could not do for a launch that was not told yet, its program does by being executed.
    const bool can_move = instance.state == Instance::State::shell && instance.program_is_forked && instance.launch &&
                          instance.house_key == 0;
    if (can_move && !is_stopping_) move_launch(instance);
    if (!instance.failure) instance.failure = failure_message(error);
    instance.state = Instance::State::failed;
    instance.deadline = {};
  }
  kill_instance(instance);
}

void SpawnerLoop::kill_instance(Instance& instance) {
  if (instance.state == Instance::State::removing) return;
  instance.launch.reset();
  // The server may freeze it at the same moment; version 1 would keep it so for ever.
  const auto now = std::chrono::steady_clock::now();
  const bool is_stuck = instance.state == Instance::State::stuck;
  instance.hasten_again = is_stuck ? now + kHastenStuckEvery : now + kHastenEvery;
  if (!is_stuck && instance.end_by == Time()) instance.end_by = now + kEndTime;
  // Ends process 1 of the pid namespace, and the kernel everything else in it.
  syscall(SYS_pidfd_send_signal, instance.pidfd.get(), SIGKILL, nullptr, 0);
  end_forerunner(instance);
  instance.cgroup.hasten_end();
}

// The pidfd says that process 1 is gone, and so everything of its pid namespace.
void SpawnerLoop::on_ended(Instance& instance) {
  if (instance.state == Instance::State::removing) return;
  hear_out(instance);
  siginfo_t info{};
  instance.is_reaped = true;
  waitid(P_PIDFD, static_cast<id_t>(instance.pidfd.get()), &info, WEXITED);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.pidfd.get(), nullptr);
  if (instance.memory_watch.valid()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, instance.memory_watch.get(), nullptr);
  instance.memory_peak = instance.cgroup.memory_peak();
  if (instance.cgroup.memory_kills() > 0) instance.is_out_of_memory = true;
  if (instance.state == Instance::State::shell || instance.state == Instance::State::assigned) {
    const char* why = instance.is_killed ? "killed" : instance.is_out_of_memory ? "out of memory" : "ended too early";
    instance.failure = failure_message(Error::of("set up sandbox", "", why));
  }
  instance.state = Instance::State::removing;
  instance.deadline = {};
  instance.end_by = std::chrono::steady_clock::now() + kEndTime;
  if (instance.house) on_house_ended(instance.key);
  finish(instance);
}

// Removes what is left and tells the server; tried again a millisecond later where the kernel is still busy with it.
void SpawnerLoop::finish(Instance& instance) {
  if (!instance.cgroup.remove()) {
    instance.cgroup.kill_all();
    if (instance.state == Instance::State::stuck)
      instance.hasten_again = std::chrono::steady_clock::now() + kHastenStuckEvery;
    return;
  }
  tell_end(instance);
  if (instance.host_uid != 0) host_ids_.give_back(instance.host_uid);
  forget_in_house(instance);
  if (const auto kind = kinds_.find(instance.kind); kind != kinds_.end()) std::erase(kind->second.shells, instance.key);
  instances_.erase(instance.key);
}

// Its user id and its cgroup stay its own, since it may go on for a moment yet.
void SpawnerLoop::set_aside(Instance& instance) {
  log::error("spawner: process {} does not end {} s after it was killed; sandbox {} is left to the kernel, {}",
             instance.pid, kEndTime.count(), instance.key, instance.cgroup.text());
  tell_end(instance);
  instance.failure.reset();
  instance.deadline = {};
  instance.end_by = {};
  instance.state = Instance::State::stuck;
  instance.hasten_again = std::chrono::steady_clock::now() + kHastenStuckEvery;
}

// Once: whoever waits for it waits no more.
void SpawnerLoop::tell_end(Instance& instance) {
  if (instance.id == 0) {
    if (instance.failure && !is_stopping_) {
      if (const auto kind = kinds_.find(instance.kind); kind != kinds_.end()) {
        kind->second.not_before = std::chrono::steady_clock::now() + kPauseAfterFailure;
      }
      const auto& why = *instance.failure;
      const Error error{std::string(protocol::text_of(why.step)), std::string(protocol::text_of(why.detail)), why.code,
                        ""};
      log::warning("spawner: no sandbox could be made ahead: {}", error.message());
    }
  } else if (instance.failure) {
    auto failed = protocol::make<protocol::LaunchFailed>(protocol::Type::launch_failed, instance.id);
    failed.code = instance.failure->code;
    failed.step = instance.failure->step;
    failed.detail = instance.failure->detail;
    reply(failed);
  } else {
    auto exited = protocol::make<protocol::Exited>(protocol::Type::exited, instance.id);
    // Without a report from process 1, something ended it by force: the kernel for memory, or the host's operator.
    const int status = instance.program_status.value_or(SIGKILL);
    const bool is_signal = WIFSIGNALED(status);
    const auto kind = instance.is_killed && !instance.program_status ? ExitKind::killed
                      : is_signal                                    ? ExitKind::signalled
                                                                     : ExitKind::exited;
    exited.kind = static_cast<std::uint32_t>(kind);
    exited.code = is_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    exited.out_of_memory = instance.is_out_of_memory ? 1 : 0;
    exited.has_memory_peak = instance.memory_peak ? 1 : 0;
    exited.memory_peak_bytes = instance.memory_peak.value_or(0);
    reply(exited);
  }
  keys_.erase(std::exchange(instance.id, 0));
}

void SpawnerLoop::on_unpack_ended(std::uint64_t id) {
  const auto found = unpackings_.find(id);
  if (found == unpackings_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.pidfd.get(), nullptr);
  auto message = found->second.outcome();
  message.header = {protocol::Type::unpacked, sizeof message, id};
  unpackings_.erase(found);
  reply(message);
}

}  // namespace lambent::sandbox
