// What the server asks of the spawner.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <tuple>

#include "base/log.h"
#include "sandbox/confine.h"
#include "sandbox/probe.h"
#include "sandbox/spawner_process.h"

namespace lambent::sandbox {
namespace {

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

}  // namespace

void SpawnerLoop::on_server() {
  auto packet = receive_packet(server_.get(), request_, MSG_DONTWAIT);
  if (!packet && packet.error().code == EAGAIN) return;
  if (packet && packet->bytes == 0) is_stopping_ = true;
  if (!packet && packet.error().code != EMSGSIZE) {
    log::error("spawner: nothing more can be heard from the server: {}", packet.error().message());
    is_stopping_ = true;
  }
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
    case protocol::Type::prepare:
      return prepare(*reinterpret_cast<const protocol::Prepare*>(request_.data()));
    case protocol::Type::launch:
      return launch();
    case protocol::Type::kill:
      return kill(header.id);
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
  Instance* instance = find(message.header.id);
  if (instance == nullptr || !protocol::validate(message)) return;
  if (const auto set = instance->cgroup.set_cpu(message.cpu_millicores); !set) {
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
  records_denied_calls_ = message.records_denied_calls == 1;
  host_ids_ = HostIds(message.first_host_uid, message.host_uids);
  cgroups_ = CgroupTree::discover();
  next_key_ = cgroups_.prepare(std::string(protocol::text_of(message.cgroup_name)));
  reply(ready_message(report_host(cgroups_, is_privileged_)));
  compile_filters();
}

// Beside the rest of the server's start, which waits for the report and not for these: no sandbox is made before.
void SpawnerLoop::compile_filters() {
  const auto compiled = [&]() -> Result<> {
    LAMBENT_TRY(filters_, compile_seccomp_profiles());
    LAMBENT_TRY(unpacker_filter_, compile_seccomp_policy("unpacker"));
    return {};
  }();
  if (compiled) return;
  log::error("spawner: {}", compiled.error().message());
  is_stopping_ = true;
}

void SpawnerLoop::reply_failed(std::uint64_t id, const Error& error) {
  const ChildMessage failure = failure_message(error);
  auto message = protocol::make<protocol::LaunchFailed>(protocol::Type::launch_failed, id);
  message.code = failure.code;
  message.step = failure.step;
  message.detail = failure.detail;
  reply(message);
}

void SpawnerLoop::prepare(const protocol::Prepare& message) {
  if (const auto valid = protocol::validate(message); !valid || !is_configured_) {
    return log::error("spawner: prepare: {}", valid ? "not configured" : valid.error().message());
  }
  const auto number = static_cast<std::uint32_t>(message.header.id);
  if (kinds_.size() == protocol::kKinds && !kinds_.contains(number)) return log::error("spawner: too many kinds");
  ShellKind& kind = kinds_[number];
  if (kind.like) return log::error("spawner: kind {} is there already", number);
  kind.like = std::make_unique<protocol::Launch>(message.like);
  kind.is_template = message.is_template == 1;
  kind.ready_at_least = message.ready;
  refill_at_ = std::chrono::steady_clock::now();
}

void SpawnerLoop::launch() {
  const auto& message = *reinterpret_cast<const protocol::Launch*>(request_.data());
  const std::uint64_t id = message.header.id;
  const auto came = std::chrono::steady_clock::now();
  const auto started = [&]() -> Result<> {
    if (!is_configured_) return fail(Error::of("launch", "", "not configured"));
    LAMBENT_TRY_VOID(protocol::validate(message));
    if (keys_.contains(id)) return fail({"launch", "id", EEXIST, ""});
    LAMBENT_TRY(Instance * instance, message.forked_from == 0 ? shell_for(message) : shell_in_house(message));
    instance->id = id;
    instance->launch_came = came;
    instance->launch = std::make_unique<protocol::Launch>(message);
    keys_.emplace(id, instance->key);
    assign_when_possible(*instance);
    return {};
  }();
  if (!started) reply_failed(id, started.error());
}

void SpawnerLoop::kill(std::uint64_t id) {
  if (Instance* instance = find(id)) {
    instance->is_killed = true;
    kill_instance(*instance);
  }
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
  if (const auto watched = watch(job->pidfd.get(), Source::unpack_pidfd, message.header.id); !watched) {
    job->stop_for_time();
    std::ignore = job->outcome();  // reaps it and empties the folder
    return refuse(watched.error());
  }
  unpackings_.emplace(message.header.id, *std::move(job));
}

}  // namespace lambent::sandbox
