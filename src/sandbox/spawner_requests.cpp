// What the server asks of the spawner.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "sandbox/confine.h"
#include "sandbox/probe.h"
#include "sandbox/spawner_process.h"

namespace lambent::sandbox {
namespace {

constexpr std::chrono::seconds kSetUpTime{10};

protocol::Ready ready_message(const HostReport& report) {
  auto message = protocol::make<protocol::Ready>(protocol::Type::ready, 0);
  message.can_launch = report.can_launch ? 1 : 0;
  for (const auto& one : report.capabilities) {
    if (message.count == protocol::kCapabilities) break;
    auto& entry = message.capabilities[message.count++];
    protocol::put_text(entry.name, one.name);
    protocol::put_text(entry.means, one.means);
    protocol::put_text(entry.remedy, one.remedy);
    entry.level = static_cast<std::uint32_t>(one.level);
  }
  return message;
}

struct LogPipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Owned by the sandbox's user, so that a program can open /dev/stdout again, as shells do.
Result<LogPipe> make_log_pipe(uid_t uid, gid_t gid) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  LogPipe log{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (fchown(log.write_end.get(), uid, gid) != 0) return fail_errno("fchown", "log pipe");
  if (fcntl(log.read_end.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", "log pipe");
  return log;
}

}  // namespace

void SpawnerLoop::on_server() {
  auto packet = receive_packet(server_.get(), request_, MSG_DONTWAIT);
  if (!packet && packet.error().code == EAGAIN) return;
  if (packet && packet->bytes == 0) is_stopping_ = true;
  if (!packet && packet.error().code != EMSGSIZE) is_stopping_ = true;
  if (!packet || packet->bytes == 0) return;
  const auto type = protocol::type_of_request(std::span(request_).first(packet->bytes));
  if (type) {
    on_request(*type, *packet);
  } else {
    log::warning("spawner: a message of {} bytes that is none was dropped", packet->bytes);
  }
  explicit_bzero(request_.data(), packet->bytes);
}

void SpawnerLoop::on_request(protocol::Type type, ReceivedPacket& packet) {
  protocol::Header header{};
  std::memcpy(&header, request_.data(), sizeof header);
  switch (type) {
    case protocol::Type::configure: {
      protocol::Configure message{};
      std::memcpy(&message, request_.data(), sizeof message);
      return configure(message);
    }
    case protocol::Type::launch:
      return launch();
    case protocol::Type::kill:
      if (const auto found = instances_.find(header.id); found != instances_.end()) {
        found->second.is_killed = true;
        kill_instance(found->second);
      }
      return;
    case protocol::Type::set_cpu: {
      protocol::SetCpu message{};
      std::memcpy(&message, request_.data(), sizeof message);
      return set_cpu(message);
    }
    case protocol::Type::unpack: {
      protocol::Unpack message{};
      std::memcpy(&message, request_.data(), sizeof message);
      return unpack(message, packet);
    }
    default:
      is_stopping_ = true;
  }
}

void SpawnerLoop::set_cpu(const protocol::SetCpu& message) {
  const auto found = instances_.find(message.header.id);
  if (found == instances_.end() || !protocol::validate(message)) return;
  if (const auto set = found->second.cgroup.set_cpu(message.cpu_millicores); !set) {
    log::warning("spawner: {}", set.error().message());
  }
}

void SpawnerLoop::configure(const protocol::Configure& message) {
  if (is_configured_) return log::warning("spawner: configured twice");
  if (const auto valid = protocol::validate(message); !valid) {
    log::error("spawner: {}", valid.error().message());
    is_stopping_ = true;
    return;
  }
  is_configured_ = true;
  host_ids_ = HostIds(message.first_host_uid, message.host_uids);
  cgroups_ = CgroupTree::discover();
  cgroups_.prepare(std::string(protocol::text_of(message.cgroup_name)));
  reply(ready_message(report_host(cgroups_, is_privileged_)));
}

void SpawnerLoop::reply_failed(std::uint64_t id, const Error& error) {
  const ChildMessage failure = failure_message(error);
  auto message = protocol::make<protocol::LaunchFailed>(protocol::Type::launch_failed, id);
  message.code = failure.code;
  message.step = failure.step;
  message.detail = failure.detail;
  reply(message);
}

void SpawnerLoop::launch() {
  const auto& message = *reinterpret_cast<const protocol::Launch*>(request_.data());
  const std::uint64_t id = message.header.id;
  auto started = start_instance();
  if (!started) return reply_failed(id, started.error());
  Instance& instance = instances_.emplace(id, *std::move(started)).first->second;
  auto watched = watch(instance.pidfd.get(), Source::pidfd, id);
  if (watched) watched = watch(instance.channel.get(), Source::channel, id);
  if (watched && instance.memory_watch.valid()) watched = watch(instance.memory_watch.get(), Source::memory, id);
  if (!watched) {  // out of memory or of epoll watches: only tick() and stop would see its end
    instance.failure = failure_message(watched.error());
    instance.state = Instance::State::failed;
    kill_instance(instance);
  }
}

// From a valid request in request_ to a child that confines itself.
Result<Instance> SpawnerLoop::start_instance() {
  auto& message = *reinterpret_cast<protocol::Launch*>(request_.data());
  if (!is_configured_) return fail(Error::of("launch", "", "not configured"));
  LAMBENT_TRY_VOID(protocol::validate(message));
  if (instances_.contains(message.header.id)) return fail({"launch", "id", EEXIST, ""});

  Instance instance;
  instance.id = message.header.id;
  if (message.runtime_port != 0) instance.listeners |= protocol::Launched::kRuntimeListener;
  if (message.platform_port != 0) instance.listeners |= protocol::Launched::kPlatformListener;
  if (protocol::has_gate(message)) instance.listeners |= protocol::Launched::kGateTcp | protocol::Launched::kGateUdp;
  instance.set_up_deadline = std::chrono::steady_clock::now() + kSetUpTime;
  Confinement confinement;
  confinement.identity = {geteuid(), getegid(), message.uid, message.gid};
  if (is_privileged_) {
    const auto host_uid = host_ids_.take();
    if (!host_uid) return fail({"launch", "host user ids", EAGAIN, "all are in use"});
    instance.host_uid = *host_uid;
    confinement.identity.host_uid = confinement.identity.host_gid = *host_uid;
  }
  auto begun = begin_child(message, confinement, instance);
  if (!begun && instance.host_uid != 0) host_ids_.give_back(instance.host_uid);
  if (!begun) return std::unexpected(begun.error());
  return instance;
}

Result<> SpawnerLoop::begin_child(protocol::Launch& message, Confinement& confinement, Instance& instance) {
  LAMBENT_TRY(auto log, make_log_pipe(confinement.identity.host_uid, confinement.identity.host_gid));
  LAMBENT_TRY(auto channel, make_child_channel());
  LAMBENT_TRY(instance.cgroup,
              cgroups_.make(instance.id, {message.memory_bytes, message.cpu_millicores, message.processes}));
  instance.memory_watch = instance.cgroup.watch_memory_limit();
  confinement.launch = &message;
  confinement.limits = fallback_limits(cgroups_, message);
  confinement.is_privileged = is_privileged_;
  for (const auto& file : instance.cgroup.join_files()) confinement.cgroup_files.push_back(file.get());
  confinement.host_proc = host_proc_.get();
  confinement.channel = channel.second.get();
  confinement.log = log.write_end.get();
  confinement.filter = filters_[message.seccomp_profile];

  auto cloned = clone_into(is_privileged_ ? kSandboxNamespaces : kSandboxNamespaces | kUserNamespace);
  if (!cloned) {
    static_cast<void>(instance.cgroup.remove());
    return std::unexpected(cloned.error());
  }
  if (cloned->pid == 0) run_confined(confinement);
  instance.cgroup.close_join_files();
  instance.pid = cloned->pid;
  instance.pidfd = std::move(cloned->pidfd);
  instance.channel = std::move(channel.first);
  instance.log = std::move(log.read_end);
  return {};
}

void SpawnerLoop::unpack(const protocol::Unpack& message, ReceivedPacket& packet) {
  auto failed = protocol::make<protocol::Unpacked>(protocol::Type::unpacked, message.header.id);
  failed.failure = static_cast<std::uint32_t>(UnpackFailure::internal);
  const auto refuse = [&](const Error& error) {
    protocol::put_text(failed.detail, error.message());
    reply(failed);
  };
  if (const auto valid = protocol::validate(message); !valid) return refuse(valid.error());
  if (packet.fds.size() != 2) return refuse(Error::of("unpack", "", "needs two descriptors"));
  if (unpackings_.contains(message.header.id)) return refuse({"unpack", "id", EEXIST, ""});
  auto job = start_unpack({.archive = packet.fds[0].get(),
                           .destination = packet.fds[1].get(),
                           .limits = {.unzipped_bytes = message.unzipped_bytes,
                                      .entries = message.entries,
                                      .time = std::chrono::milliseconds(message.time_ms)},
                           .host_proc = host_proc_.get(),
                           .is_privileged = is_privileged_,
                           .filter = unpacker_filter_});
  if (!job) return refuse(job.error());
  const int pidfd = job->pidfd.get();
  unpackings_.emplace(message.header.id, *std::move(job));
  if (const auto watched = watch(pidfd, Source::unpack_pidfd, message.header.id); !watched) {
    log::error("spawner: {}", watched.error().message());
    is_stopping_ = true;
  }
}

}  // namespace lambent::sandbox
