#include "sandbox/spawner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "sandbox/capabilities.h"
#include "sandbox/rlimits.h"
#include "sandbox/spawner_client.h"
#include "sandbox/spawner_process.h"
#include "sandbox/spawner_rights.h"

namespace lambent::sandbox {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kSourceBits = 4;  // of an epoll tag; the rest is the key

// The server decides when to stop; a terminal's or an init system's signal to the whole group must not race with it.
void become_quiet() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) signal(number, SIG_IGN);
  setsid();
}

// Descriptors 0 to 2 must be taken, so that no socket or pipe of ours lands there.
void fill_standard_descriptors() {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0 && fd <= 2; fd = open("/dev/null", O_RDWR)) {
  }
  // The last one opened is above 2 and stays open: harmless, and children close it.
}

}  // namespace

Result<std::unique_ptr<SpawnerLoop>> SpawnerLoop::create(UniqueFd server) {
  std::unique_ptr<SpawnerLoop> loop(new SpawnerLoop(std::move(server)));
  // Root of a container may have the rights and not the user ids that sandboxes get.
  const SpawnerSettings ids;
  loop->is_privileged_ = has_host_privileges() && is_known_id(ids.first_host_uid, ids.host_uids);
  if (!loop->is_privileged_) {
    if (const auto entered = enter_namespaces_of_ordinary_user(); !entered) {
      log::warning("spawner: {}", entered.error().message());  // the report of the host says what follows from it
    }
  }
  loop->host_proc_.reset(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!loop->host_proc_) return fail_errno("open", "/proc");
  loop->epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!loop->epoll_) return fail_errno("epoll_create1");
  LAMBENT_TRY_VOID(loop->watch(loop->server_.get(), Source::server, 0));
  return loop;
}

Result<> SpawnerLoop::watch(int fd, Source source, std::uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id << kSourceBits | static_cast<std::uint64_t>(source);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl");
  return {};
}

void SpawnerLoop::dispatch(const epoll_event& event) {
  const auto source = static_cast<Source>(event.data.u64 & ((1U << kSourceBits) - 1));
  const std::uint64_t id = event.data.u64 >> kSourceBits;
  if (source == Source::server) return on_server();
  if (source == Source::unpack_pidfd) return on_unpack_ended(id);
  if (source == Source::template_control) return on_template(static_cast<std::uint32_t>(id));
  const auto found = instances_.find(id);
  if (found == instances_.end()) return;  // ended by an event before this one
  if (source == Source::channel) return on_channel(found->second);
  if (source == Source::pidfd) return on_ended(found->second);
  if (source == Source::program) return on_program_ended(found->second, std::nullopt);
  if (source == Source::house_control) return on_house_control(found->second);
  if (source == Source::house_notifications) return on_notification(found->second);
  found->second.is_out_of_memory = true;
  kill_instance(found->second);
}

int SpawnerLoop::wait_ms() const {
  const auto now = steady_clock::now();
  auto wait = std::chrono::milliseconds(60'000);
  const auto until = [&](steady_clock::time_point deadline) {
    wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(deadline - now));
  };
  for (const auto& [id, instance] : instances_) {
    if (instance.deadline != Time()) until(instance.deadline);
    if (instance.hasten_again != Time()) until(instance.hasten_again);
    if (instance.state == Instance::State::removing) wait = std::chrono::milliseconds(1);
  }
  for (const auto& [id, job] : unpackings_) until(is_stopping_ ? now + kHastenEvery : job.deadline);
  if (refill_at_ != Time::max() && !is_stopping_) until(refill_at_);
  return static_cast<int>(std::max<std::int64_t>(wait.count(), 0));
}

// Deadlines, what was killed and is not gone yet, and cgroups that were still busy.
void SpawnerLoop::on_tick() {
  const auto now = steady_clock::now();
  for (auto next = instances_.begin(); next != instances_.end();) {
    Instance& instance = (next++)->second;  // finish() removes it
    if (instance.end_by != Time() && now >= instance.end_by) {
      set_aside(instance);
    } else if (instance.state == Instance::State::removing) {
      finish(instance);
    } else if (instance.hasten_again != Time() && now >= instance.hasten_again) {
      instance.is_reaped ? finish(instance) : kill_instance(instance);
    } else if (instance.deadline != Time() && now >= instance.deadline) {
      fail_instance(instance, {"set up sandbox", "", ETIMEDOUT, ""});
    }
  }
  for (auto& [id, job] : unpackings_) {
    if (now >= job.deadline) job.stop_for_time();
  }
  if (now >= refill_at_ && !is_stopping_) refill(now);
}

// What the kernel does not end is not waited for: it has been killed, and goes when the kernel lets it. The next start
// removes its cgroup.
bool SpawnerLoop::is_all_over(Time give_up_at) const {
  if (!is_stopping_) return false;
  const auto is_stuck = [](const auto& one) { return one.second.state == Instance::State::stuck; };
  return std::ranges::all_of(instances_, is_stuck) && (unpackings_.empty() || steady_clock::now() >= give_up_at);
}

int SpawnerLoop::run() {
  auto give_up_at = Time::max();
  while (!is_all_over(give_up_at)) {
    if (is_stopping_) {
      if (give_up_at == Time::max()) give_up_at = steady_clock::now() + kEndTime;
      end_everything();
    }
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
    if (count < 0 && errno != EINTR) {
      log::error("spawner: epoll_wait: {}", Error::from_errno("epoll_wait").message());
      return 1;
    }
    for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    on_tick();
  }
  cgroups_.remove();
  if (!instances_.empty())
    log::error("spawner: ends without {} sandboxes that the kernel did not end", instances_.size());
  if (!unpackings_.empty())
    log::error("spawner: ends without {} unpackings that the kernel did not end", unpackings_.size());
  return 0;
}

void SpawnerLoop::end_everything() {
  if (server_.valid()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, server_.get(), nullptr);
  for (auto& [id, instance] : instances_) kill_instance(instance);
  for (auto& [id, job] : unpackings_) job.stop_for_time();
}

int run_spawner(int socket_fd) {
  UniqueFd server(socket_fd);
  fcntl(socket_fd, F_SETFD, FD_CLOEXEC);
  fill_standard_descriptors();
  become_quiet();
  raise_open_files();
  auto loop = SpawnerLoop::create(std::move(server));
  if (!loop) {
    log::error("spawner: {}", loop.error().message());
    return 1;
  }
  if (const auto limited = limit_spawner(); !limited) {
    log::error("spawner: {}", limited.error().message());
    return 1;
  }
  return (*loop)->run();
}

}  // namespace lambent::sandbox
