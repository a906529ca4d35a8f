// The HTTP server of one loop: listeners, their connections, their limits, and an orderly end.
//
// Everything runs on the loop's thread. A request is answered by the handler of the listener that it came in by; the
// requests of one connection are handled one after the other, those of different connections beside each other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "edge/connection.h"
#include "edge/http.h"
#include "edge/http_limits.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/task.h"

namespace lambent::edge {

// One request and its response: what a handler works on. Valid until the handler's task has ended.
class Exchange {
 public:
  Exchange(ServerConnection& connection, RequestHead head) : connection_(connection), head_(std::move(head)) {}

  [[nodiscard]] const RequestHead& head() const { return head_; }
  [[nodiscard]] const std::string& peer() const { return connection_.peer(); }  // "127.0.0.1:53122"

  // See ServerConnection for what these promise. Errors of reading are answered with co_await respond(error).
  net::Task<HttpResult<std::string>> read_body(std::size_t limit) { return connection_.read_body(limit); }
  net::Task<HttpResult<std::string_view>> read_body_some() { return connection_.read_body_some(); }
  [[nodiscard]] const Headers& trailers() const { return connection_.trailers(); }

  // One response an exchange. Errors mean that the client is gone; most handlers have nothing to do about it.
  net::Task<HttpResult<>> respond(const Response& response) { return connection_.write(response); }
  net::Task<HttpResult<>> respond(int status, const Headers& headers, std::string_view body) {
    return connection_.write(status, headers, body);
  }
  net::Task<HttpResult<>> begin(int status, const Headers& headers) { return connection_.begin(status, headers); }
  net::Task<HttpResult<>> write_chunk(std::string_view data) { return connection_.write_chunk(data); }
  net::Task<HttpResult<>> end(const Headers& trailers = {}) { return connection_.end(trailers); }

  void on_peer_gone(std::move_only_function<void()> gone) { connection_.on_peer_gone(std::move(gone)); }
  [[nodiscard]] bool peer_gone() const { return connection_.peer_gone(); }
  [[nodiscard]] bool response_started() const { return connection_.response_started(); }

 private:
  ServerConnection& connection_;
  RequestHead head_;
};

// Answers one exchange. A handler that ends without a response gives 500; one that ends within a streamed response
// cuts the connection. Mind the lifetime rule of net/task.h: a capturing lambda returns the task of a member function,
// it is not itself a coroutine.
using Handler = std::function<net::Task<>(Exchange&)>;

class HttpServer {
 public:
  using ListenerId = std::uint64_t;

  HttpServer(net::Loop& loop, const Clock& clock);  // both must outlive the server
  // Every connection must have ended: co_await drain() first. Asserted.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Starts accepting. The listener may be of any network namespace (net::Listener::adopt).
  ListenerId add(net::Listener listener, Handler handler, const HttpLimits& limits = {});
  // Stops accepting and cuts the listener's connections at once: callbacks of on_peer_gone() run, reads and writes
  // fail. Unknown ids are ignored.
  void remove(ListenerId id);
  // Until the last handler of a removed listener has ended (at once for an unknown id): what the handler refers to
  // must stay that long. Never awaited from such a handler.
  net::Task<> removed(ListenerId id);

  // Stops accepting, closes idle connections, lets requests under way finish (their responses say Connection: close),
  // and after `patience` cuts what is left. Ends when every handler has ended.
  net::Task<> drain(std::chrono::milliseconds patience);

  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::size_t connections(ListenerId id) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lambent::edge
