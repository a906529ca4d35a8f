#include "egress/egress_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <unordered_map>

#include "base/log.h"
#include "egress/protocol.h"
#include "net/one_shot.h"
#include "net/readiness.h"
#include "net/scope.h"
#include "net/seqpacket.h"
#include "net/timer.h"

namespace lambent::egress {
namespace {

constexpr std::chrono::milliseconds kSendRetry{1};
constexpr std::chrono::seconds kCloseTime{1};

std::string death_of(int status) {
  if (status == -1) return "no process could be made";
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("status {}", WEXITSTATUS(status));
}

}  // namespace

Result<EgressProcess> start_egress() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("socketpair");
  EgressProcess process;
  process.socket.reset(ends[0]);
  const UniqueFd far_end(ends[1]);
  const std::string number = std::to_string(far_end.get());
  process.pid = fork();
  if (process.pid < 0) return fail_errno("fork", "egress");
  if (process.pid == 0) {
    fcntl(far_end.get(), F_SETFD, 0);  // this one descriptor passes the exec
    // Without the environment: the root keys may be in it.
    const std::array<char*, 1> nothing{nullptr};
    execle("/proc/self/exe", "lambent", "egress", number.c_str(), nullptr, nothing.data());
    _exit(127);
  }
  return process;
}

struct EgressClient::Impl {
  using Sockets = std::shared_ptr<const std::vector<UniqueFd>>;
  struct Outgoing {
    std::vector<std::byte> packet;
    Sockets sockets;
  };
  struct Gate {
    Outgoing opening;  // kept: a process that is started again is told once more
    std::function<void(const Notice&)> on_notice;
    std::optional<net::OneShot<bool>> closed;  // where it is being closed
  };

  Impl(net::Loop& loop, EgressProcess process)
      : loop(loop), line(loop, std::move(process.socket)), pid(process.pid), retry(loop) {
    pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd) ended.emplace(loop, pidfd.get());
  }

  template <class Message>
  static Outgoing packed(const Message& message, std::vector<UniqueFd> sockets = {}) {
    const auto bytes = std::as_bytes(std::span(&message, 1));
    return {{bytes.begin(), bytes.end()}, std::make_shared<const std::vector<UniqueFd>>(std::move(sockets))};
  }
  // In order, and again a little later where the process's buffer is full.
  void send(Outgoing packet) {
    outgoing.push_back(std::move(packet));
    if (outgoing.size() == 1) pump();
  }
  void pump() {
    while (!outgoing.empty()) {
      std::vector<int> fds;
      for (const auto& fd : *outgoing.front().sockets) fds.push_back(fd.get());
      const auto sent = line.send(outgoing.front().packet, fds);
      if (!sent && sent.error().code == EAGAIN) return retry.arm(kSendRetry, [this] { pump(); });
      // Another failure means that the process is gone, which receiving tells.
      outgoing.pop_front();
    }
  }

  static net::Task<> receive_all(std::shared_ptr<Impl> self) {
    std::vector<std::byte> packet(protocol::kLargest);
    for (;;) {
      auto received = co_await self->line.receive(packet);
      if (!received || received->bytes == 0) break;
      self->on_packet(std::span(packet).first(received->bytes));
    }
    self->on_lost();
  }

  void on_packet(std::span<const std::byte> packet) {
    if (const auto hello = protocol::take<protocol::Hello>(packet, protocol::Type::hello)) on_hello(hello->header.id);
    if (const auto died = protocol::take<protocol::Died>(packet, protocol::Type::died)) on_died(died->status);
    if (const auto closed = protocol::take<protocol::Closed>(packet, protocol::Type::closed)) {
      on_closed(closed->header.id);
    }
    const auto message = protocol::take<protocol::NoticeMessage>(packet, protocol::Type::notice);
    if (!message || message->kind > static_cast<std::uint32_t>(NoticeKind::left_out)) return;
    const auto found = gates.find(message->header.id);
    if (found == gates.end()) return;
    found->second.on_notice({static_cast<NoticeKind>(message->kind), std::string(protocol::text_of(message->target)),
                             std::string(protocol::text_of(message->reason)), message->count});
  }

  // It knows nothing: it is told everything. What waits to be sent was for one before it.
  void on_hello(std::uint64_t number) {
    if (deaths > 0) log::info("the egress process was started again");
    outgoing.clear();
    retry.cancel();
    configuration.header.id = number;
    send(packed(configuration));
    for (const auto& [id, gate] : gates) {
      if (!gate.closed) send(gate.opening);
    }
    is_serving = true;
  }

  void on_died(int status) {
    ++deaths;
    is_serving = false;
    log::error(
        "the egress process ended unexpectedly ({}): functions lose their connections, and reach nothing but the "
        "platform until it is started again",
        death_of(status));
    end_closings();
  }

  void on_lost() {
    is_lost = true;
    is_serving = false;
    outgoing.clear();
    retry.cancel();
    if (!is_stopping) log::error("the egress process ended for good: functions reach nothing but the platform");
    end_closings();
  }

  // Nobody is left who would tell.
  void end_closings() {
    std::vector<GateId> closing;
    for (const auto& [id, gate] : gates) {
      if (gate.closed) closing.push_back(id);
    }
    for (const GateId id : closing) on_closed(id);
  }

  void on_closed(GateId id) {
    const auto found = gates.find(id);
    if (found != gates.end() && found->second.closed) loop.post([told = *found->second.closed] { told.set(true); });
  }

  GateId add(Outgoing opening, GateId id, std::function<void(const Notice&)> on_notice) {
    const auto& gate = gates.emplace(id, Gate{std::move(opening), std::move(on_notice), std::nullopt}).first->second;
    if (is_serving) send(gate.opening);
    return id;
  }

  static net::Task<> close(std::shared_ptr<Impl> self, GateId id) {
    const auto found = self->gates.find(id);
    if (found == self->gates.end()) co_return;
    if (self->is_serving) {
      const net::OneShot<bool> closed;
      found->second.closed = closed;
      self->send(packed(protocol::make<protocol::Close>(protocol::Type::close, id)));
      net::Timer patience(self->loop);
      patience.arm(kCloseTime, [closed] { closed.set(false); });
      co_await closed;
    }
    self->gates.erase(id);
  }

  net::Loop& loop;
  net::Seqpacket line;
  pid_t pid;
  UniqueFd pidfd;
  std::optional<net::Readiness> ended;
  net::Timer retry;
  net::Scope scope;
  protocol::Configure configuration = protocol::make<protocol::Configure>(protocol::Type::configure, 0);
  std::deque<Outgoing> outgoing;
  std::unordered_map<GateId, Gate> gates;
  GateId next_id = 1;
  int deaths = 0;
  bool is_serving = false;
  bool is_stopping = false;
  bool is_lost = false;
};

EgressClient::EgressClient(net::Loop& loop, EgressProcess process)
    : impl_(std::make_shared<Impl>(loop, std::move(process))) {}

EgressClient::~EgressClient() {
  impl_->line.close();
}

void EgressClient::start(const NetworkSettings& settings, const std::string& name_server) {
  auto& message = impl_->configuration;
  message.connections = settings.limits.connections;
  message.connections_per_second = settings.limits.connections_per_second;
  message.queries_per_second = settings.limits.queries_per_second;
  message.idle_timeout_ms = static_cast<std::uint32_t>(settings.limits.idle_timeout.count());
  protocol::put_text(message.denied, settings.denied);
  protocol::put_text(message.resolvers, settings.resolvers);
  protocol::put_text(message.name_server, name_server);
  impl_->scope.spawn(Impl::receive_all(impl_));
}

std::string EgressClient::why_unavailable() const {
  return impl_->is_lost ? "the egress process has ended; restart the server" : "";
}

GateId EgressClient::open(const std::string& policy, UniqueFd tcp, UniqueFd udp,
                          std::function<void(const Notice&)> on_notice) {
  auto message = protocol::make<protocol::Open>(protocol::Type::open, impl_->next_id++);
  protocol::put_text(message.policy, policy);
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(tcp));
  sockets.push_back(std::move(udp));
  return impl_->add(Impl::packed(message, std::move(sockets)), message.header.id, std::move(on_notice));
}

GateId EgressClient::watch(UniqueFd refusals, std::function<void(const Notice&)> on_notice) {
  const auto message = protocol::make<protocol::Watch>(protocol::Type::watch, impl_->next_id++);
  std::vector<UniqueFd> sockets;
  sockets.push_back(std::move(refusals));
  return impl_->add(Impl::packed(message, std::move(sockets)), message.header.id, std::move(on_notice));
}

net::Task<> EgressClient::close(GateId id) {
  return Impl::close(impl_, id);
}

net::Task<> EgressClient::stop() {
  const auto impl = impl_;
  if (impl->is_stopping) co_return;
  impl->is_stopping = true;
  impl->line.close();
  co_await impl->scope.join();
  if (!impl->ended) co_return;
  std::ignore = co_await impl->ended->readable();
  int status = 0;
  waitpid(impl->pid, &status, WNOHANG);
}

}  // namespace lambent::egress
