// Shells: made ahead of launches or for one, and given their launch.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "sandbox/assignment.h"
#include "sandbox/mounts.h"
#include "sandbox/probe.h"
#include "sandbox/spawner_process.h"

namespace lambent::sandbox {
namespace {

constexpr std::chrono::seconds kSetUpTime{10};
// A launch is served first: shells are made again when none came for a moment, one after the other.
constexpr std::chrono::milliseconds kRefillPause{10};
constexpr std::chrono::milliseconds kRefillStep{1};

// Of a launch whose shell has the first `from` already.
Result<std::vector<UniqueFd>> open_mounts(const protocol::Launch& launch, std::uint32_t from) {
  std::vector<UniqueFd> mounts;
  for (const auto& mount : protocol::mounts_of(launch)) {
    if (mount.index < from) continue;
    LAMBENT_TRY(auto tree, open_mount(std::string(mount.source), mount.access));
    mounts.push_back(std::move(tree));
  }
  return mounts;
}

bool begins_with(const protocol::Launch& launch, const protocol::Launch& like) {
  const auto mounts = protocol::mounts_of(launch);
  const auto wanted = protocol::mounts_of(like);
  return mounts.size() >= wanted.size() &&
         std::equal(wanted.begin(), wanted.end(), mounts.begin(), [](const auto& a, const auto& b) {
           return a.source == b.source && a.target == b.target && a.access == b.access;
         });
}

// A sandbox with an open gate becomes any other by closing some of its sockets.
bool fits_network(const protocol::Launch& like, const protocol::Launch& launch) {
  const bool is_any = protocol::network_of(like) == NetworkMode::open;
  return like.network == launch.network || (is_any && protocol::network_of(launch) != NetworkMode::bare);
}

// What the launch does not have is closed before its program runs: from then on it is refused (gate.h).
void close_beyond(Instance& instance, std::uint32_t granted) {
  using protocol::Launched;
  auto next = instance.listeners.begin();
  for (const std::uint32_t one : {Launched::kRuntimeListener, Launched::kPlatformListener, Launched::kGateTcp,
                                  Launched::kGateUdp, Launched::kGateRefusals, Launched::kRuntimeLine}) {
    if ((instance.wanted_listeners & one) == 0) continue;
    next = (granted & one) == 0 ? instance.listeners.erase(next) : next + 1;
  }
  instance.wanted_listeners &= granted;
}

}  // namespace

Result<LogPipe> make_log_pipe(const Identity& identity) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  LogPipe log{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (fchown(log.write_end.get(), identity.host_uid, identity.host_gid) != 0) return fail_errno("fchown", "log pipe");
  if (fcntl(log.read_end.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", "log pipe");
  return log;
}

std::uint32_t listeners_of(const protocol::Launch& launch) {
  using protocol::Launched;
  const NetworkMode network = protocol::network_of(launch);
  std::uint32_t wanted = 0;
  if (launch.runtime_port != 0) wanted |= Launched::kRuntimeListener;
  if (launch.platform_port != 0 && network != NetworkMode::none) wanted |= Launched::kPlatformListener;
  if (network == NetworkMode::open) wanted |= Launched::kGateTcp | Launched::kGateUdp;
  if (network != NetworkMode::bare) wanted |= Launched::kGateRefusals;
  if (launch.runtime_line != 0) wanted |= Launched::kRuntimeLine;
  return wanted;
}

// The launch's kind, where its shells would be what the launch asks for.
ShellKind* SpawnerLoop::kind_of(const protocol::Launch& launch) {
  const auto found = kinds_.find(launch.kind);
  if (found == kinds_.end()) return nullptr;
  const auto& like = *found->second.like;
  const bool fits = like.uid == launch.uid && like.gid == launch.gid && like.runtime_port == launch.runtime_port &&
                    like.platform_port == launch.platform_port && fits_network(like, launch) &&
                    like.runtime_line == launch.runtime_line &&
                    (!found->second.is_template || like.seccomp_profile == launch.seccomp_profile) &&
                    begins_with(launch, like);
  return fits ? &found->second : nullptr;
}

Result<Instance*> SpawnerLoop::shell_for(const protocol::Launch& launch) {
  ShellKind* kind = kind_of(launch);
  if (kind == nullptr) return make_shell(launch, 0);
  const auto now = std::chrono::steady_clock::now();
  kind->note_launch(now);
  refill_at_ = now + kRefillPause;
  while (!kind->shells.empty()) {
    const auto found = instances_.find(kind->shells.front());
    kind->shells.pop_front();
    if (found != instances_.end() && found->second.state == Instance::State::shell) return &found->second;
  }
  return make_shell(launch, launch.kind);
}

// `like` gives the users and ports; the mounts are the kind's.
Result<Instance*> SpawnerLoop::make_shell(const protocol::Launch& like, std::uint32_t kind) {
  Instance instance;
  instance.key = next_key_++;
  instance.kind = kind;
  instance.deadline = std::chrono::steady_clock::now() + kSetUpTime;
  instance.wanted_listeners = listeners_of(like);
  Confinement confinement;
  confinement.has_runtime_line = like.runtime_line != 0;
  confinement.network = protocol::network_of(like);
  confinement.runtime_port = like.runtime_port;
  confinement.platform_port = like.platform_port;
  confinement.identity = {geteuid(), getegid(), like.uid, like.gid, is_privileged_};
  if (is_privileged_) {
    const auto host_uid = host_ids_.take();
    if (!host_uid) return fail({"launch", "host user ids", EAGAIN, "all are in use"});
    instance.host_uid = *host_uid;
    confinement.identity.host_uid = confinement.identity.host_gid = *host_uid;
  }
  if (auto begun = begin_child(instance, confinement); !begun) {
    if (instance.host_uid != 0) host_ids_.give_back(instance.host_uid);
    return std::unexpected(begun.error());
  }
  const std::uint64_t key = instance.key;
  Instance& placed = instances_.emplace(key, std::move(instance)).first->second;
  auto watched = watch(placed.pidfd.get(), Source::pidfd, key);
  if (watched) watched = watch(placed.channel.get(), Source::channel, key);
  if (watched && placed.memory_watch.valid()) watched = watch(placed.memory_watch.get(), Source::memory, key);
  if (!watched) {  // out of memory or of epoll watches: nothing would tell its end, so it is waited for here
    fail_instance(placed, watched.error());
    on_ended(placed);
    return std::unexpected(watched.error());
  }
  return &placed;
}

Result<> SpawnerLoop::begin_child(Instance& instance, Confinement& confinement) {
  LAMBENT_TRY(auto log, make_log_pipe(confinement.identity));
  LAMBENT_TRY(auto channel, make_child_channel());
  std::pair<UniqueFd, UniqueFd> line;
  const auto kind = kinds_.find(instance.kind);
  if (kind != kinds_.end()) {
    confinement.kind = kind->second.like.get();
    if (kind->second.process.is_up) {
      LAMBENT_TRY(line, make_child_channel());
    }
  }
  LAMBENT_TRY(instance.cgroup, cgroups_.make(instance.key));
  instance.memory_watch = instance.cgroup.watch_memory_limit();
  for (const auto& file : instance.cgroup.join_files()) confinement.cgroup_files.push_back(file.get());
  confinement.host_proc = host_proc_.get();
  confinement.channel = channel.second.get();
  confinement.log = log.write_end.get();
  confinement.program_line = line.second.get();
  confinement.filters = filters_;
  confinement.records_denied_calls = records_denied_calls_;
  auto cloned = clone_into(kSandboxNamespaces);
  if (!cloned) {
    static_cast<void>(instance.cgroup.remove());
    return std::unexpected(cloned.error());
  }
  if (cloned->pid == 0) {
    forget_launches();
    run_confined(confinement);
  }
  instance.pid = cloned->pid;
  instance.pidfd = std::move(cloned->pidfd);
  instance.channel = std::move(channel.first);
  instance.log = std::move(log.read_end);
  if (line.first.valid()) {
    instance.program_is_forked = true;
    instance.program_line = std::move(line.first);
    instance.program_log = std::move(log.write_end);
  } else {
    instance.cgroup.close_join_files();
  }
  return {};
}

// In a cloned child: what other functions were given is none of its business.
void SpawnerLoop::forget_launches() {
  explicit_bzero(request_.data(), request_.size());
  for (auto& [key, instance] : instances_) {
    if (instance.launch) explicit_bzero(instance.launch.get(), sizeof *instance.launch);
  }
}

void SpawnerLoop::assign_when_possible(Instance& instance) {
  if (!instance.launch || instance.state != Instance::State::shell) return;
  if (instance.program_is_forked && !instance.is_joined) return;
  // Its own channel may be ahead of its house's, which brings the pidfd.
  if (!instance.pidfd.valid()) return;
  const std::uint32_t granted = listeners_of(*instance.launch);
  if (granted != instance.wanted_listeners) {
    if (!instance.is_prepared) return;
    close_beyond(instance, granted);
  }
  if (const auto assigned = assign_launch(instance); !assigned) fail_instance(instance, assigned.error());
}

// The launch goes on in a sandbox of its own, where its program is executed.
void SpawnerLoop::move_launch(Instance& from) {
  const auto id = std::exchange(from.id, 0);
  const auto launch = std::move(from.launch);
  keys_.erase(id);
  const auto made = make_shell(*launch, 0);
  if (!made) return reply_failed(id, made.error());
  Instance& to = **made;
  to.id = id;
  to.is_killed = from.is_killed;
  to.launch_came = from.launch_came;
  to.launch = std::make_unique<protocol::Launch>(*launch);
  keys_.emplace(id, to.key);
  explicit_bzero(launch.get(), sizeof *launch);
  assign_when_possible(to);
}

Result<> SpawnerLoop::assign_launch(Instance& instance) {
  const auto assignment = std::make_unique<Assignment>();
  assignment->launch = *instance.launch;
  explicit_bzero(instance.launch.get(), sizeof *instance.launch);
  instance.launch.reset();
  const auto& launch = assignment->launch;
  if (launch.is_template == 1) {
    instance.house = std::make_unique<House>();
    instance.house->like = std::make_unique<protocol::Launch>(launch);
    auto& environment = instance.house->like->environment;
    explicit_bzero(&environment, sizeof environment);
  }
  LAMBENT_TRY_VOID(instance.cgroup.limit({launch.memory_bytes, launch.cpu_millicores, launch.processes}));
  assignment->limits = fallback_limits(cgroups_, launch);
  const auto kind = kinds_.find(instance.kind);
  if (kind != kinds_.end()) {
    assignment->first_mount = static_cast<std::uint32_t>(protocol::mounts_of(*kind->second.like).size());
  }
  if (instance.house_key != 0) assignment->first_mount = protocol::kMounts;  // they are the house's
  LAMBENT_TRY(const auto mounts, open_mounts(launch, assignment->first_mount));
  std::vector<int> descriptors;
  for (const auto& mount : mounts) descriptors.push_back(mount.get());
  LAMBENT_TRY_VOID(send_assignment(instance.channel.get(), *assignment, descriptors));
  explicit_bzero(assignment.get(), sizeof *assignment);
  instance.state = Instance::State::assigned;
  instance.shell_took = std::chrono::steady_clock::now() - instance.launch_came;
  instance.deadline = std::chrono::steady_clock::now() + kSetUpTime;
  return {};
}

// One shell at a time, the kind that lacks most first; templates before.
void SpawnerLoop::refill(Time now) {
  refill_at_ = Time::max();
  ShellKind* neediest = nullptr;
  std::uint32_t number = 0;
  std::size_t most = 0;
  for (auto& [one, kind] : kinds_) {
    if (kind.is_template && kind.process.may_start(now)) start_template_of(one, kind);
    if (kind.is_template && !kind.process.is_up) continue;
    if (now < kind.not_before) {
      refill_at_ = std::min(refill_at_, kind.not_before);
      continue;
    }
    const std::size_t wanted = kind.wanted(now);
    if (wanted <= kind.shells.size() || wanted - kind.shells.size() <= most) continue;
    most = wanted - kind.shells.size();
    neediest = &kind;
    number = one;
  }
  if (neediest == nullptr) return refill_houses();
  const auto made = make_shell(*neediest->like, number);
  if (!made) return log::warning("spawner: no shell ahead: {}", made.error().message());
  neediest->shells.push_back((*made)->key);
  refill_at_ = std::min(refill_at_, now + kRefillStep);
}

}  // namespace lambent::sandbox
