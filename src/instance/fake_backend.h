// Instances without sandboxes, for tests: a runtime written as a coroutine stands in for the process. It speaks the
// real Runtime API over loopback and does what each call's payload says:
//   "echo …"  answers with the payload       "error"     answers with a function error of type Oops
//   "exit N"  the process exits with N       "oom"       the process dies of its memory limit
//   "hang"    never answers                  "print X"   writes X to its log, then answers
//   "last"    answers and never asks for more
//   "lose the spawner"  ends with it
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edge/client.h"
#include "instance/backend.h"
#include "net/scope.h"
#include "net/timer.h"

namespace lambent::instance {

class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(net::Loop& loop) : loop_(loop) {}

  // What a new process does in INIT.
  enum class Init { ready, error, exits, hangs };
  Init init = Init::ready;
  std::deque<Init> first_inits;           // of the first launches, before `init` holds
  int fail_launches = 0;                  // the next launches that fail
  std::vector<sandbox::Policy> launched;  // in order
  std::vector<sandbox::ChildId> killed;
  std::map<sandbox::ChildId, std::uint32_t> cpu_shares;  // as set after the launch
  [[nodiscard]] std::size_t alive() const { return children_.size(); }

  net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> launch(sandbox::Policy policy,
                                                                        OnExit on_exit) override {
    launched.push_back(std::move(policy));
    if (fail_launches > 0) {
      fail_launches--;
      co_return std::unexpected(sandbox::LaunchError{"mount /var/task", ENOENT, ""});
    }
    sandbox::Child child;
    child.id = ++last_id_;
    child.runtime_listener = listen_on_loopback();
    if (launched.back().platform_port != 0) child.platform_listener = listen_on_loopback();
    if (launched.back().network == sandbox::NetworkMode::open) {
      child.gate.tcp = listen_on_loopback();
      child.gate.udp = listen_on_loopback();
    } else if (launched.back().network != sandbox::NetworkMode::bare) {
      child.gate.refusals = listen_on_loopback();
    }
    std::array<int, 2> ends{};
    std::ignore = pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK);
    child.log = UniqueFd(ends[0]);
    Process& process = children_[child.id];
    process.on_exit = std::move(on_exit);
    process.log = UniqueFd(ends[1]);
    UniqueFd socket = connect_to(child.runtime_listener.get());
    const bool does_init = !launched.back().is_template || !first_inits.empty() || init != Init::ready;
    if (launched.back().is_template && does_init) inits_.insert(child.id);
    if (does_init) scope_.spawn(be_the_runtime(child.id, std::move(socket)));
    co_return child;
  }

  void keep_ready(std::uint32_t, const sandbox::Policy&, std::uint32_t, bool) override {}
  net::Task<bool> forkable(sandbox::ChildId id) override {
    net::Timer pause(loop_);
    std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
    while (inits_.contains(id) && children_.contains(id)) {
      std::ignore = co_await pause.sleep(std::chrono::milliseconds(1));
    }
    co_return children_.contains(id);
  }
  void set_cpu(sandbox::ChildId id, std::uint32_t millicores) override { cpu_shares[id] = millicores; }

  void kill(sandbox::ChildId id) override {
    killed.push_back(id);
    exit(id, {.kind = sandbox::ExitKind::killed});
  }

  // Ends a process, as the spawner would report it: later, from the loop.
  void exit(sandbox::ChildId id, sandbox::ExitReport report) {
    const auto it = children_.find(id);
    if (it == children_.end()) return;
    loop_.post([on_exit = std::move(it->second.on_exit), report] { on_exit(report); });
    children_.erase(it);
  }

  // Until every fake process has noticed its end.
  net::Scope::JoinAwaiter join() { return scope_.join(); }

 private:
  struct Process {
    OnExit on_exit;
    UniqueFd log;
  };

  static UniqueFd listen_on_loopback() {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::ignore = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    std::ignore = ::listen(socket.get(), 16);
    return socket;
  }
  static UniqueFd connect_to(int listener) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::ignore = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    return socket;
  }

  Init next_init() {
    if (first_inits.empty()) return init;
    const Init next = first_inits.front();
    first_inits.pop_front();
    return next;
  }

  net::Task<> be_the_runtime(sandbox::ChildId id, UniqueFd socket) {
    edge::ClientConnection client(net::Stream(loop_, std::move(socket)));
    const Init mine = next_init();
    if (mine == Init::hangs) co_return;
    if (mine == Init::exits) {
      exit(id, {.kind = sandbox::ExitKind::exited, .code = 7});
      co_return;
    }
    if (mine == Init::error) {
      std::ignore = co_await post(client, "init/error", R"({"errorType":"Runtime.ImportModuleError"})",
                                  "Runtime.ImportModuleError");
      exit(id, {.kind = sandbox::ExitKind::exited, .code = 1});
      co_return;
    }
    while (children_.contains(id)) {
      edge::ClientRequest next;
      next.target = "/2018-06-01/runtime/invocation/next";
      next.headers.add("Host", "runtime");
      const auto call = co_await client.exchange(next);
      if (!call || call->status != 200) co_return;
      const std::string call_id(call->headers.get_or("Lambda-Runtime-Aws-Request-Id", ""));
      if (!co_await handle(client, id, call_id, call->body)) co_return;
    }
  }

  net::Task<bool> handle(edge::ClientConnection& client, sandbox::ChildId id, const std::string& call_id,
                         const std::string& payload) {
    if (payload == "hang") co_return false;
    if (payload == "oom") {
      exit(id, {.kind = sandbox::ExitKind::signalled, .code = 9, .out_of_memory = true});
      co_return false;
    }
    if (payload == "lose the spawner") {
      exit(id, {.kind = sandbox::ExitKind::spawner_lost});
      co_return false;
    }
    if (payload.starts_with("exit ")) {
      exit(id, {.kind = sandbox::ExitKind::exited, .code = std::stoi(payload.substr(5))});
      co_return false;
    }
    if (payload.starts_with("print ")) {
      const std::string line = payload.substr(6) + "\n";
      std::ignore = ::write(children_.at(id).log.get(), line.data(), line.size());
    }
    const bool fails = payload == "error";
    const bool last = payload == "last";
    const bool posted =
        co_await post(client, "invocation/" + call_id + (fails ? "/error" : "/response"), payload, fails ? "Oops" : "");
    co_return posted && !last;
  }

  static net::Task<bool> post(edge::ClientConnection& client, std::string path, std::string body, std::string type) {
    edge::ClientRequest request;
    request.method = "POST";
    request.target = "/2018-06-01/runtime/" + path;
    request.headers.add("Host", "runtime");
    if (!type.empty()) request.headers.add("Lambda-Runtime-Function-Error-Type", type);
    request.body = std::move(body);
    const auto answer = co_await client.exchange(request);
    co_return answer.has_value() && answer->status == 202;
  }

  net::Loop& loop_;
  net::Scope scope_;
  sandbox::ChildId last_id_ = 0;
  std::map<sandbox::ChildId, Process> children_;
  std::set<sandbox::ChildId> inits_;  // of templates that never come to be forkable
};

}  // namespace lambent::instance
