#include "egress/egress_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <unordered_map>

#include "base/log.h"
#include "egress/protocol.h"
#include "net/readiness.h"
#include "net/scope.h"
#include "net/seqpacket.h"
#include "net/timer.h"

namespace lambent::egress {
namespace {

constexpr std::chrono::milliseconds kSendRetry{1};

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
  struct Outgoing {
    std::vector<std::byte> packet;
    std::vector<UniqueFd> fds;
  };

  Impl(net::Loop& loop, EgressProcess process) : line(loop, std::move(process.socket)), pid(process.pid), retry(loop) {
    pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd) ended.emplace(loop, pidfd.get());
  }

  // In order, and again a little later where the process's buffer is full.
  template <class Message>
  void send(const Message& message, std::vector<UniqueFd> fds = {}) {
    if (is_lost) return;
    const auto bytes = std::as_bytes(std::span(&message, 1));
    outgoing.push_back({{bytes.begin(), bytes.end()}, std::move(fds)});
    if (outgoing.size() == 1) pump();
  }
  void pump() {
    while (!outgoing.empty()) {
      std::vector<int> fds;
      for (const auto& fd : outgoing.front().fds) fds.push_back(fd.get());
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
    if (protocol::take<protocol::Ready>(packet, protocol::Type::ready)) is_ready = true;
    const auto message = protocol::take<protocol::NoticeMessage>(packet, protocol::Type::notice);
    if (!message || message->kind > static_cast<std::uint32_t>(NoticeKind::failed)) return;
    const auto found = gates.find(message->header.id);
    if (found == gates.end()) return;
    found->second({static_cast<NoticeKind>(message->kind), std::string(protocol::text_of(message->target)),
                   std::string(protocol::text_of(message->reason)), message->left_out});
  }

  void on_lost() {
    is_lost = true;
    outgoing.clear();
    retry.cancel();
    if (!is_stopping) log::error("the egress process ended unexpectedly: functions reach nothing but the platform");
  }

  net::Seqpacket line;
  pid_t pid;
  UniqueFd pidfd;
  std::optional<net::Readiness> ended;
  net::Timer retry;
  net::Scope scope;
  std::deque<Outgoing> outgoing;
  std::unordered_map<GateId, std::function<void(const Notice&)>> gates;
  GateId next_id = 1;
  bool is_started = false;
  bool is_ready = false;
  bool is_stopping = false;
  bool is_lost = false;
};

EgressClient::EgressClient(net::Loop& loop, EgressProcess process)
    : impl_(std::make_shared<Impl>(loop, std::move(process))) {}

EgressClient::~EgressClient() {
  impl_->line.close();
}

void EgressClient::start(const NetworkSettings& settings, const std::string& name_server) {
  impl_->is_started = true;
  impl_->scope.spawn(Impl::receive_all(impl_));
  auto message = protocol::make<protocol::Configure>(protocol::Type::configure, 0);
  message.connections = settings.limits.connections;
  message.connections_per_second = settings.limits.connections_per_second;
  message.queries_per_second = settings.limits.queries_per_second;
  message.idle_timeout_ms = static_cast<std::uint32_t>(settings.limits.idle_timeout.count());
  protocol::put_text(message.denied, settings.denied);
  protocol::put_text(message.resolvers, settings.resolvers);
  protocol::put_text(message.name_server, name_server);
  impl_->send(message);
}

std::string EgressClient::why_unavailable() const {
  return impl_->is_lost ? "the egress process has ended; restart the server" : "";
}

GateId EgressClient::open(const std::string& policy, UniqueFd tcp, UniqueFd udp,
                          std::function<void(const Notice&)> on_notice) {
  auto message = protocol::make<protocol::Open>(protocol::Type::open, impl_->next_id++);
  protocol::put_text(message.policy, policy);
  impl_->gates.emplace(message.header.id, std::move(on_notice));
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(tcp));
  fds.push_back(std::move(udp));
  impl_->send(message, std::move(fds));
  return message.header.id;
}

void EgressClient::close(GateId id) {
  if (impl_->gates.erase(id) == 0) return;
  impl_->send(protocol::make<protocol::Close>(protocol::Type::close, id));
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
