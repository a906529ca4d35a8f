#include "edge/server.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/timer.h"

namespace lambent::edge {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kTooManyConnections =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 36\r\n"
    "Connection: close\r\n\r\n{\"message\":\"Too many connections.\"}\n";

// How often a listener's deadlines are looked at; zero where it has none.
milliseconds sweep_interval(const HttpLimits& limits) {
  milliseconds shortest = milliseconds::max();
  for (const auto timeout : {limits.header_timeout, limits.idle_timeout, limits.body_timeout, limits.write_timeout}) {
    if (timeout.count() > 0) shortest = std::min(shortest, timeout);
  }
  if (shortest == milliseconds::max()) return milliseconds(0);
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(1000));
}

// A listener and everything that came in by it.
struct Door {
  Door(net::Loop& on, const Clock& with, net::Listener listening, Handler answer, const HttpLimits& limits)
      : clock(with),
        listener(std::move(listening)),
        handler(std::move(answer)),
        context(on, limits, with),
        sweep_timer(on) {
    context.sweep_interval = sweep_interval(limits);
  }

  void sweep();
  void start_sweeping();
  void close_connections();
  void close_idle_connections();
  bool make_place();

  const Clock& clock;
  net::Listener listener;
  Handler handler;
  ConnectionContext context;
  std::vector<ServerConnection*> connections;
  net::Timer sweep_timer;
  net::Scope serving;
  std::vector<net::OneShot<bool>> awaiting_end;
};

// A connection's place in its door's list.
class Registration {
 public:
  Registration(Door& door, ServerConnection& connection) : door_(door), connection_(&connection) {
    door_.connections.push_back(connection_);
  }
  ~Registration() { std::erase(door_.connections, connection_); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  Door& door_;
  ServerConnection* connection_;
};

void Door::sweep() {
  context.now = clock.monotonic();
  for (auto* connection : connections) {
    if (connection->deadline() <= context.now) connection->expire();
  }
  if (!connections.empty()) sweep_timer.arm(context.sweep_interval, [this] { sweep(); });
}

void Door::start_sweeping() {
  if (context.sweep_interval.count() == 0 || sweep_timer.armed()) return;
  context.now = clock.monotonic();
  sweep_timer.arm(context.sweep_interval, [this] { sweep(); });
}

void Door::close_connections() {
  for (auto* connection : connections) connection->close();
}

// Those without a request under way; a lingering one has had its response.
void Door::close_idle_connections() {
  for (auto* connection : connections) {
    const auto phase = connection->phase();
    if (phase == ServerConnection::Phase::idle || phase == ServerConnection::Phase::linger) connection->close();
  }
}

// Closes the connection that would time out first among those that wait for a request: a flood of idle or slow
// connections then costs the flood, not those who have something to ask.
bool Door::make_place() {
  if (connections.size() < context.limits.connections) return true;
  ServerConnection* oldest = nullptr;
  for (auto* connection : connections) {
    const auto phase = connection->phase();
    const bool waits = phase == ServerConnection::Phase::idle || phase == ServerConnection::Phase::head ||
                       phase == ServerConnection::Phase::linger;
    if (!waits || !connection->is_open()) continue;
    if (oldest == nullptr || connection->deadline() < oldest->deadline()) oldest = connection;
  }
  if (oldest != nullptr) oldest->close();
  return oldest != nullptr;
}

// Answers the connection's next request; false where it was the last.
net::Task<bool> serve_request(Door& door, ServerConnection& connection) {
  auto head = co_await connection.read_head();
  if (!head) {
    if (head.error().status != 0) std::ignore = co_await connection.write(error_response(head.error()));
    co_return false;
  }
  {
    Exchange exchange(connection, *std::move(head));
    co_await door.handler(exchange);
  }
  if (!connection.response_started()) {
    const auto error = connection.error().value_or(HttpError{HttpError::Kind::refused, 500, "Internal server error."});
    std::ignore = co_await connection.write(error_response(error));
  }
  co_return co_await connection.next_possible();
}

net::Task<> serve_connection(Door& door, net::Stream stream) {
  ServerConnection connection(std::move(stream), door.context);
  const Registration registration(door, connection);
  while (co_await serve_request(door, connection)) {
  }
  co_await connection.finish();
}

// Accepts until the listener is closed, then waits for the connections.
net::Task<> serve_door(std::shared_ptr<Door> door) {
  for (;;) {
    co_await door->context.turns.take();
    auto stream = co_await door->listener.accept();
    if (!stream) {
      if (stream.error().code != ECANCELED) log::error("listener ended: {}", stream.error().message());
      break;
    }
    if (!door->make_place()) {
      auto refusal = stream->write_all(kTooManyConnections);
      std::ignore = refusal.await_ready();  // as much as the socket takes at once, which is all of it
      continue;
    }
    door->start_sweeping();
    door->serving.spawn(serve_connection(*door, *std::move(stream)));
  }
  co_await door->serving.join();
  for (const auto& waiter : std::exchange(door->awaiting_end, {})) waiter.set(true);
}

}  // namespace

struct HttpServer::State {
  net::Loop& loop;
  const Clock& clock;
  std::map<ListenerId, std::shared_ptr<Door>> doors;
  ListenerId next_id = 1;
  net::Scope accepting;

  net::Task<> run(ListenerId id, std::shared_ptr<Door> door) {
    co_await serve_door(std::move(door));
    doors.erase(id);
  }
};

HttpServer::HttpServer(net::Loop& loop, const Clock& clock) : state_(std::make_unique<State>(loop, clock)) {}
HttpServer::~HttpServer() = default;

HttpServer::ListenerId HttpServer::add(net::Listener listener, Handler handler, const HttpLimits& limits) {
  const ListenerId id = state_->next_id++;
  auto door = std::make_shared<Door>(state_->loop, state_->clock, std::move(listener), std::move(handler), limits);
  state_->doors.emplace(id, door);
  state_->accepting.spawn(state_->run(id, std::move(door)));
  return id;
}

void HttpServer::remove(ListenerId id) {
  const auto found = state_->doors.find(id);
  if (found == state_->doors.end()) return;
  found->second->context.closing = true;
  found->second->listener.close();
  found->second->close_connections();
}

net::Task<> HttpServer::removed(ListenerId id) {
  const auto found = state_->doors.find(id);
  if (found == state_->doors.end()) co_return;
  net::OneShot<bool> ended;
  found->second->awaiting_end.push_back(ended);
  co_await ended;
}

net::Task<> HttpServer::drain(std::chrono::milliseconds patience) {
  State& state = *state_;
  for (const auto& [id, door] : state.doors) {
    door->context.closing = true;
    door->listener.close();
    door->close_idle_connections();
  }
  net::Timer cut(state.loop);
  cut.arm(patience, [&state] {
    for (const auto& [id, door] : state.doors) door->close_connections();
  });
  co_await state.accepting.join();
}

std::size_t HttpServer::connections() const {
  std::size_t total = 0;
  for (const auto& [id, door] : state_->doors) total += door->connections.size();
  return total;
}

std::size_t HttpServer::connections(ListenerId id) const {
  const auto found = state_->doors.find(id);
  return found == state_->doors.end() ? 0 : found->second->connections.size();
}

}  // namespace lambent::edge
