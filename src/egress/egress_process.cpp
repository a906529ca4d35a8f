#include "egress/egress_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include "base/log.h"
#include "egress/gate_server.h"
#include "egress/lists.h"
#include "egress/protocol.h"
#include "egress/refusal_reader.h"
#include "net/seqpacket.h"

namespace lambent::egress {
namespace {

// As root. One below the ids that sandboxes get (sandbox/spawner_client.h): nobody else's.
constexpr uid_t kOwnUser = 1'879'048'191;

Result<> give_up_rights() {
  if (geteuid() == 0) {
    if (setgroups(0, nullptr) != 0) return fail_errno("setgroups");
    if (setresgid(kOwnUser, kOwnUser, kOwnUser) != 0) return fail_errno("setresgid");
    if (setresuid(kOwnUser, kOwnUser, kOwnUser) != 0) return fail_errno("setresuid");
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) return fail_errno("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl", "PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
  return {};
}

// It ends with the server's socket, not with a terminal's signal; it leaves no core file, and has as many descriptors
// as the host allows.
void settle() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) signal(number, SIG_IGN);
  setsid();
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

class Process {
 public:
  explicit Process(UniqueFd server) : line_(loop_, std::move(server)) {}

  [[noreturn]] void run(KernelRoutes routes) {
    routes_.emplace(std::move(routes));
    scope_.spawn(receive_all(*this));
    send(protocol::make<protocol::Hello>(protocol::Type::hello, own_number_));
    loop_.run();
    // Nothing is put away: the process ends, and what it held with it.
    _exit(exit_code_);
  }

 private:
  static net::Task<> receive_all(Process& self) {
    std::vector<std::byte> packet(protocol::kLargest);
    for (;;) {
      auto received = co_await self.line_.receive(packet);
      if (!received || received->bytes == 0) break;
      if (!self.on_packet(std::span(packet).first(received->bytes), received->fds)) {
        log::error("egress: a message that is none");
        self.exit_code_ = 1;
        break;
      }
    }
    self.loop_.stop();
  }

  bool on_packet(std::span<const std::byte> packet, std::vector<UniqueFd>& fds) {
    if (const auto message = protocol::take<protocol::Configure>(packet, protocol::Type::configure)) {
      return configure(*message);
    }
    if (!outside_) return true;  // for one before this
    if (const auto message = protocol::take<protocol::Open>(packet, protocol::Type::open)) return open(*message, fds);
    if (const auto message = protocol::take<protocol::Watch>(packet, protocol::Type::watch)) {
      return watch(message->header.id, fds);
    }
    if (const auto message = protocol::take<protocol::Close>(packet, protocol::Type::close)) {
      close(message->header.id);
      return true;
    }
    return false;
  }

  bool configure(const protocol::Configure& message) {
    if (message.header.id != own_number_) return true;  // for one before this
    const auto denied = parse_ranges(protocol::text_of(message.denied));
    const auto servers = parse_addresses(protocol::text_of(message.resolvers));
    const auto name_server = IpAddress::parse(protocol::text_of(message.name_server));
    if (outside_ || !denied || !servers || !name_server || message.connections == 0 ||
        message.connections_per_second == 0 || message.queries_per_second == 0 || message.idle_timeout_ms == 0) {
      return false;
    }
    name_server_ = *name_server;
    resolver_.emplace(loop_, clock_, random_, *servers);
    EgressLimits limits;
    limits.connections = message.connections;
    limits.connections_per_second = message.connections_per_second;
    limits.queries_per_second = message.queries_per_second;
    limits.idle_timeout = std::chrono::milliseconds(message.idle_timeout_ms);
    outside_.emplace(loop_, clock_, *routes_, *resolver_, limits, *denied);
    send(protocol::make<protocol::Ready>(protocol::Type::ready, 0));
    return true;
  }

  bool open(const protocol::Open& message, std::vector<UniqueFd>& fds) {
    const auto policy = parse_network_policy(protocol::text_of(message.policy));
    const std::uint64_t id = message.header.id;
    if (!policy || is_known(id)) return false;
    if (fds.size() != 2) {  // out of descriptors: this gate stays shut
      log::error("egress: a gate came without its sockets");
      return true;
    }
    gates_.emplace(id, GateServer::start(*outside_, *policy, {std::move(fds[0]), std::move(fds[1]), name_server_},
                                         [this, id](const Notice& notice) { tell(id, notice); }));
    return true;
  }

  bool watch(std::uint64_t id, std::vector<UniqueFd>& fds) {
    if (is_known(id)) return false;
    if (fds.size() != 1) {
      log::error("egress: refusals came without their socket");
      return true;
    }
    watched_.emplace(id, RefusalReader::start(*outside_, std::move(fds[0]), name_server_,
                                              [this, id](const Notice& notice) { tell(id, notice); }));
    return true;
  }

  [[nodiscard]] bool is_known(std::uint64_t id) const {
    return id == 0 || gates_.contains(id) || watched_.contains(id);
  }

  void close(std::uint64_t id) {
    if (const auto gate = gates_.extract(id)) gate.mapped()->close();
    if (const auto watched = watched_.extract(id)) watched.mapped()->close();
    send(protocol::make<protocol::Closed>(protocol::Type::closed, id));
  }

  void tell(std::uint64_t id, const Notice& notice) {
    auto message = protocol::make<protocol::NoticeMessage>(protocol::Type::notice, id);
    message.kind = static_cast<std::uint32_t>(notice.kind);
    message.count = notice.count;
    protocol::put_text(message.target, notice.target);
    protocol::put_text(message.reason, notice.reason);
    send(message);
  }

  // Where the server does not read, a line of a log is lost and nothing else.
  template <class Message>
  void send(const Message& message) {
    std::ignore = line_.send(std::as_bytes(std::span(&message, 1)));
  }

  const std::uint64_t own_number_ = static_cast<std::uint64_t>(getpid());
  net::Loop loop_;
  SystemClock clock_;
  SystemRandom random_;
  net::Seqpacket line_;
  std::optional<KernelRoutes> routes_;
  std::optional<Resolver> resolver_;
  std::optional<Outside> outside_;
  IpAddress name_server_;
  std::map<std::uint64_t, std::shared_ptr<GateServer>> gates_;
  std::map<std::uint64_t, std::shared_ptr<RefusalReader>> watched_;
  net::Scope scope_;
  int exit_code_ = 0;
};

// The process that serves: what needs more than it will have, then nothing more.
[[noreturn]] void serve(UniqueFd server, Result<> (*install_filter)()) {
  auto routes = KernelRoutes::open();
  if (routes) {
    if (const auto installed = install_filter(); !installed) routes = std::unexpected(installed.error());
  }
  if (!routes) {
    log::error("egress: {}", routes.error().message());
    _exit(1);
  }
  Process(std::move(server)).run(*std::move(routes));
}

// True where the server's end closed meanwhile.
bool pause_or_end(int server, std::chrono::milliseconds pause) {
  pollfd end{server, 0, 0};
  return poll(&end, 1, static_cast<int>(pause.count())) > 0 && (end.revents & (POLLHUP | POLLERR)) != 0;
}

void tell_of_death(int server, int status) {
  auto message = protocol::make<protocol::Died>(protocol::Type::died, 0);
  message.status = status;
  std::ignore = send(server, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Starts one that serves, and another one whenever it dies, until one ends since the server did.
int keep_serving(UniqueFd server, Result<> (*install_filter)()) {
  auto pause = kFirstPause;
  for (;;) {
    const auto began = std::chrono::steady_clock::now();
    const pid_t child = fork();
    if (child == 0) serve(std::move(server), install_filter);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    tell_of_death(server.get(), child > 0 ? status : -1);
    if (std::chrono::steady_clock::now() - began > kLongEnough) pause = kFirstPause;
    if (pause_or_end(server.get(), pause)) return 0;
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace

int run_egress(int socket_fd, Result<> (*install_filter)()) {
  UniqueFd server(socket_fd);
  fcntl(socket_fd, F_SETFD, FD_CLOEXEC);
  settle();
  if (const auto given_up = give_up_rights(); !given_up) {
    log::error("egress: {}", given_up.error().message());
    return 1;
  }
  return keep_serving(std::move(server), install_filter);
}

}  // namespace lambent::egress
