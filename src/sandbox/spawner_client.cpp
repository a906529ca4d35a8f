#include "sandbox/spawner_client.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "net/one_shot.h"
#include "net/readiness.h"
#include "net/scope.h"
#include "net/seqpacket.h"
#include "net/timer.h"
#include "sandbox/cgroup_paths.h"
#include "sandbox/protocol.h"

namespace lambent::sandbox {
namespace {

using LaunchResult = std::expected<Child, LaunchError>;
using UnpackResult = std::expected<UnpackReport, UnpackError>;
using OnExit = std::function<void(const ExitReport&)>;

constexpr std::chrono::seconds kStopTime{20};
constexpr std::chrono::milliseconds kSendRetry{1};

HostReport report_of(const protocol::Ready& message) {
  HostReport report;
  report.can_launch = message.can_launch == 1;
  for (std::uint32_t i = 0; i < message.count; ++i) {
    const auto& one = message.capabilities[i];
    report.capabilities.push_back({std::string(protocol::text_of(one.name)), static_cast<Enforcement>(one.level),
                                   std::string(protocol::text_of(one.means)),
                                   std::string(protocol::text_of(one.remedy))});
  }
  return report;
}

LaunchError launch_error(const Error& error) {
  return {error.step, error.code, error.detail.empty() ? error.target : error.target + ": " + error.detail};
}

}  // namespace

std::string LaunchError::message() const {
  return Error{step, detail, code, ""}.message();
}

std::optional<std::uint64_t> MemoryPeak::read() const {
  char text[32];
  const ssize_t length = file_ ? pread(file_.get(), text, sizeof text, 0) : -1;
  std::uint64_t value = 0;
  if (length <= 0 || std::from_chars(text, text + length, value).ec != std::errc()) return std::nullopt;
  return value;
}

struct SpawnerClient::Impl : std::enable_shared_from_this<SpawnerClient::Impl> {
  struct Outgoing {
    std::vector<std::byte> packet;
    std::vector<UniqueFd> fds;
  };
  struct PendingLaunch {
    net::OneShot<LaunchResult> result;
    OnExit on_exit;
  };

  Impl(net::Loop& loop_in, SpawnerProcess process)
      : loop(loop_in), line(loop, std::move(process.socket)), pid(process.pid), retry(loop) {
    pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  }

  // Sending: in order, and again a little later where the spawner's buffer is full.
  template <class Message>
  void send(const Message& message, std::vector<UniqueFd> fds = {}) {
    const auto bytes = std::as_bytes(std::span(&message, 1));
    outgoing.push_back({{bytes.begin(), bytes.end()}, std::move(fds)});
    if (outgoing.size() == 1) pump();
  }
  void pump() {
    while (!outgoing.empty()) {
      std::vector<int> fds;
      for (const auto& fd : outgoing.front().fds) fds.push_back(fd.get());
      if (const auto sent = line.send(outgoing.front().packet, fds); !sent && sent.error().code == EAGAIN) {
        return retry.arm(kSendRetry, [this] { pump(); });
      }
      // Another failure means that the spawner is gone, which receiving tells.
      outgoing.pop_front();
    }
  }

  static net::Task<> receive_all(std::shared_ptr<Impl> self) {
    std::vector<std::byte> packet(protocol::kLargestReply);
    for (;;) {
      auto received = co_await self->line.receive(packet);
      if (!received || received->bytes == 0) break;
      self->on_packet(std::span(packet).first(received->bytes), std::move(received->fds), received->fds_lost);
    }
    self->on_lost();
  }

  template <class Message>
  static std::optional<Message> take(std::span<const std::byte> packet) {
    Message message{};
    std::memcpy(&message, packet.data(), sizeof message);
    if (!protocol::is_valid(message)) return std::nullopt;
    return message;
  }

  void on_packet(std::span<const std::byte> packet, std::vector<UniqueFd> fds, bool fds_lost) {
    const auto type = protocol::type_of_reply(packet);
    if (type == protocol::Type::ready) {
      if (const auto message = take<protocol::Ready>(packet)) ready.set(report_of(*message));
    } else if (type == protocol::Type::launched) {
      const auto message = take<protocol::Launched>(packet);
      if (message && fds_lost) {
        on_launched_unreachable(*message);
      } else if (message) {
        on_launched(*message, std::move(fds));
      }
    } else if (type == protocol::Type::forkable) {
      if (const auto message = take<protocol::Forkable>(packet)) tell_forkable(message->header.id, true);
    } else if (type == protocol::Type::launch_failed) {
      if (const auto message = take<protocol::LaunchFailed>(packet)) on_launch_failed(*message);
    } else if (type == protocol::Type::exited) {
      if (const auto message = take<protocol::Exited>(packet)) on_exited(*message);
    } else if (type == protocol::Type::unpacked) {
      if (const auto message = take<protocol::Unpacked>(packet)) on_unpacked(*message);
    }
  }

  void on_launched(const protocol::Launched& message, std::vector<UniqueFd> fds) {
    auto pending = launches.extract(message.header.id);
    if (pending.empty()) return;
    Child child;
    child.id = message.header.id;
    std::size_t next = 0;
    const auto take_fd = [&](bool is_there) {
      return is_there && next < fds.size() ? std::move(fds[next++]) : UniqueFd();
    };
    child.pidfd = take_fd(true);
    child.log = take_fd(true);
    child.runtime_listener = take_fd((message.present & protocol::Launched::kRuntimeListener) != 0);
    child.platform_listener = take_fd((message.present & protocol::Launched::kPlatformListener) != 0);
    child.gate.tcp = take_fd((message.present & protocol::Launched::kGateTcp) != 0);
    child.gate.udp = take_fd((message.present & protocol::Launched::kGateUdp) != 0);
    child.gate.refusals = take_fd((message.present & protocol::Launched::kGateRefusals) != 0);
    child.runtime_line = take_fd((message.present & protocol::Launched::kRuntimeLine) != 0);
    child.memory_peak = MemoryPeak(take_fd((message.present & protocol::Launched::kMemoryPeak) != 0));
    child.freezer = Freezer(take_fd((message.present & protocol::Launched::kFreezer) != 0),
                            static_cast<int>(message.freezer_version));
    child.how = {std::chrono::nanoseconds(message.shell_ns), message.is_forked != 0};
    child.host_uid = message.host_uid;
    running.emplace(child.id, std::move(pending.mapped().on_exit));
    pending.mapped().result.set(std::move(child));
  }

  // This process has no descriptor left for the sandbox's doors: the sandbox is of no use, the server lives.
  void on_launched_unreachable(const protocol::Launched& message) {
    send(protocol::make<protocol::Kill>(protocol::Type::kill, message.header.id));
    auto pending = launches.extract(message.header.id);
    if (pending.empty()) return;
    pending.mapped().result.set(std::unexpected(LaunchError{"receive the sandbox's sockets", EMFILE, ""}));
  }

  void on_launch_failed(const protocol::LaunchFailed& message) {
    auto pending = launches.extract(message.header.id);
    forkables.erase(message.header.id);
    if (pending.empty()) return;
    pending.mapped().result.set(std::unexpected(LaunchError{std::string(protocol::text_of(message.step)), message.code,
                                                            std::string(protocol::text_of(message.detail))}));
  }

  void on_exited(const protocol::Exited& message) {
    ExitReport report;
    report.kind = static_cast<ExitKind>(message.kind);
    report.code = message.code;
    report.out_of_memory = message.out_of_memory == 1;
    if (message.has_memory_peak == 1) report.memory_peak_bytes = message.memory_peak_bytes;
    tell_exit(message.header.id, report);
  }

  void tell_forkable(ChildId id, bool is_up) {
    if (const auto template_of = forkables.find(id); template_of != forkables.end()) template_of->second.set(is_up);
  }

  // On its own turn of the loop: what it calls may use the client again.
  void tell_exit(ChildId id, const ExitReport& report) {
    tell_forkable(id, false);
    forkables.erase(id);
    auto child = running.extract(id);
    if (child.empty() || !child.mapped()) return;
    loop.post([on_exit = std::move(child.mapped()), report] { on_exit(report); });
  }

  void on_unpacked(const protocol::Unpacked& message) {
    auto pending = unpackings.extract(message.header.id);
    if (pending.empty()) return;
    const auto failure = static_cast<UnpackFailure>(message.failure);
    if (failure == UnpackFailure::none) {
      pending.mapped().set(UnpackReport{message.entries, message.bytes});
    } else {
      pending.mapped().set(std::unexpected(UnpackError{failure, std::string(protocol::text_of(message.detail))}));
    }
  }

  void on_lost() {
    is_lost = true;
    outgoing.clear();
    retry.cancel();
    ready.set(fail(Error::of("start spawner", "", "the spawner ended")));
    for (auto& [id, pending] : std::exchange(launches, {})) {
      pending.result.set(std::unexpected(LaunchError{"launch", EPIPE, "the spawner ended"}));
    }
    for (auto& [id, pending] : std::exchange(unpackings, {})) {
      pending.set(std::unexpected(UnpackError{UnpackFailure::internal, "the spawner ended"}));
    }
    while (!running.empty()) tell_exit(running.begin()->first, {.kind = ExitKind::spawner_lost});
    if (!is_closing && on_broken) loop.post([told = on_broken] { told("the spawner process ended unexpectedly"); });
  }

  net::Loop& loop;
  net::Seqpacket line;
  pid_t pid;
  UniqueFd pidfd;
  net::Timer retry;
  net::Scope scope;
  std::function<void(const std::string&)> on_broken;
  net::OneShot<Result<HostReport>> ready;
  std::deque<Outgoing> outgoing;
  std::unordered_map<ChildId, PendingLaunch> launches;
  std::unordered_map<ChildId, OnExit> running;
  std::unordered_map<ChildId, net::OneShot<bool>> forkables;  // of templates that run
  std::unordered_map<std::uint64_t, net::OneShot<UnpackResult>> unpackings;
  std::uint64_t next_id = 1;
  bool is_started = false;
  bool is_closing = false;
  bool is_lost = false;
};

SpawnerClient::SpawnerClient(net::Loop& loop, SpawnerProcess process)
    : impl_(std::make_shared<Impl>(loop, std::move(process))) {}

SpawnerClient::~SpawnerClient() {
  impl_->line.close();
}

Result<> SpawnerClient::configure(const SpawnerSettings& settings) {
  LAMBENT_TRY(const std::string name, cgroup_name_for(settings.data_folder));
  auto message = protocol::make<protocol::Configure>(protocol::Type::configure, 0);
  protocol::put_text(message.cgroup_name, name);
  message.first_host_uid = settings.first_host_uid;
  message.host_uids = settings.host_uids;
  message.records_denied_calls = settings.records_denied_calls ? 1 : 0;
  impl_->send(message);
  return {};
}

net::Task<Result<HostReport>> SpawnerClient::start(std::function<void(const std::string&)> on_broken) {
  const auto impl = impl_;
  assert(!impl->is_started);
  impl->is_started = true;
  impl->on_broken = std::move(on_broken);
  impl->scope.spawn(Impl::receive_all(impl));
  const auto ready = impl->ready;
  co_return co_await ready;
}

void SpawnerClient::keep_ready(std::uint32_t kind, const Policy& like, std::uint32_t ready, bool is_template) {
  if (impl_->is_lost) return;
  const auto message = std::make_unique<protocol::Prepare>();
  if (const auto encoded = protocol::encode(like, kind, message->like); !encoded) {
    return log::error("no sandboxes are kept ready: {}", encoded.error().message());
  }
  message->header = {protocol::Type::prepare, sizeof(protocol::Prepare), kind};
  message->ready = std::min(ready, protocol::kMostReady);
  message->is_template = is_template ? 1 : 0;
  impl_->send(*message);
}

net::Task<LaunchResult> SpawnerClient::launch(const Policy& policy, OnExit on_exit) {
  const auto impl = impl_;
  if (impl->is_lost) co_return std::unexpected(LaunchError{"launch", EPIPE, "the spawner ended"});
  const std::uint64_t id = impl->next_id++;
  {
    const auto message = std::make_unique<protocol::Launch>();
    const auto encoded = protocol::encode(policy, id, *message);
    if (!encoded) co_return std::unexpected(launch_error(encoded.error()));
    impl->send(*message);
  }
  if (policy.is_template) impl->forkables.emplace(id, net::OneShot<bool>());
  const net::OneShot<LaunchResult> result;
  impl->launches.emplace(id, Impl::PendingLaunch{result, std::move(on_exit)});
  co_return co_await result;
}

net::Task<bool> SpawnerClient::forkable(ChildId id) {
  const auto impl = impl_;
  const auto template_of = impl->forkables.find(id);
  if (template_of == impl->forkables.end()) co_return false;
  const auto up = template_of->second;
  co_return co_await up;
}

void SpawnerClient::kill(ChildId id) {
  if (impl_->running.contains(id)) impl_->send(protocol::make<protocol::Kill>(protocol::Type::kill, id));
}

void SpawnerClient::set_cpu(ChildId id, std::uint32_t millicores) {
  if (!impl_->running.contains(id)) return;
  auto message = protocol::make<protocol::SetCpu>(protocol::Type::set_cpu, id);
  message.cpu_millicores = millicores;
  impl_->send(message);
}

net::Task<UnpackResult> SpawnerClient::unpack(UniqueFd zip, UniqueFd destination, UnpackLimits limits) {
  const auto impl = impl_;
  if (impl->is_lost) co_return std::unexpected(UnpackError{UnpackFailure::internal, "the spawner ended"});
  auto message = protocol::make<protocol::Unpack>(protocol::Type::unpack, impl->next_id++);
  message.unzipped_bytes = limits.unzipped_bytes;
  message.entries = limits.entries;
  message.time_ms = static_cast<std::uint32_t>(limits.time.count());
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(zip));
  fds.push_back(std::move(destination));
  const net::OneShot<UnpackResult> result;
  impl->unpackings.emplace(message.header.id, result);
  impl->send(message, std::move(fds));
  co_return co_await result;
}

// The spawner gives up on what the kernel does not end (kEndTime of spawner_process.h); only where it hangs itself is
// it left behind.
net::Task<> SpawnerClient::close() {
  const auto impl = impl_;
  if (impl->is_closing) co_return;
  impl->is_closing = true;
  std::optional<net::Readiness> ended;
  if (impl->pidfd.valid()) ended.emplace(impl->loop, impl->pidfd.get());
  net::Timer patience(impl->loop);
  patience.arm(kStopTime, [&] {
    log::error("the spawner, process {}, does not end: it is left behind", impl->pid);
    impl->line.close();
    if (ended) ended->cancel();
  });
  if (impl->is_started) {
    impl->send(protocol::make<protocol::Stop>(protocol::Type::stop, 0));
    co_await impl->scope.join();
  }
  impl->line.close();
  if (!ended) co_return;
  std::ignore = co_await ended->readable();
  int status = 0;
  waitpid(impl->pid, &status, WNOHANG);
}

}  // namespace lambent::sandbox
