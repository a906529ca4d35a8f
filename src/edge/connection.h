// The server's end of one HTTP/1.1 connection: requests in, responses out, in turn.
//
// For each request: read_head(), the body (or not), then one response, either whole (write) or streamed (begin,
// write_chunk, end). Requests that a client sends ahead (pipelining) wait in the buffer for their turn.
// All members are used on the loop's thread, one coroutine at a time; close() may be called at any time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "edge/date_cache.h"
#include "edge/fair_share.h"
#include "edge/http.h"
#include "edge/http_error.h"
#include "edge/http_limits.h"
#include "edge/input_buffer.h"
#include "edge/message_parser.h"
#include "net/scope.h"
#include "net/stream.h"
#include "net/task.h"

namespace lambent::edge {

// What the connections of one listener share. Must outlive them.
struct ConnectionContext {
  HttpLimits limits;
  DateCache dates;
  Monotonic now;  // coarse: as of the last sweep
  std::chrono::milliseconds sweep_interval{0};
  bool closing = false;  // every response says Connection: close
  Turns turns;
  Room body_room;

  ConnectionContext(net::Loop& loop, const HttpLimits& with, const Clock& clock)
      : limits(with),
        dates(clock),
        now(clock.monotonic()),
        turns(loop, with.turns_in_a_round, with.turns_in_a_window),
        body_room(loop, with.body_room_bytes) {}
};

class ServerConnection {
 public:
  ServerConnection(net::Stream stream, ConnectionContext& context);
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // The next request. HttpError::status says what to answer (write(error_response(error))); after an error there is no
  // further request: finish().
  net::Task<HttpResult<RequestHead>> read_head();

  // The whole body, or what is left of it. Over `limit` bytes: too_large (413), found from Content-Length before
  // anything is read. Sends 100 Continue where the client waits for it. After an error the connection ends with the
  // response.
  net::Task<HttpResult<std::string>> read_body(std::size_t limit);
  // The next piece of the body as it comes, empty at the end. The view is valid until the next call on the connection.
  net::Task<HttpResult<std::string_view>> read_body_some();
  // The fields after a chunked body; complete once the body was read to its end.
  [[nodiscard]] const Headers& trailers() const { return parser_.trailers(); }

  // A whole response, by one system call where the socket takes it. The view's text must stay until then.
  net::Task<HttpResult<>> write(const Response& response);
  net::Task<HttpResult<>> write(int status, const Headers& headers, std::string_view body);

  // A streamed response: chunked for HTTP/1.1, until the end of the connection for HTTP/1.0. Each call returns when
  // the socket has taken the bytes (back-pressure). Without end() the client sees a broken response, as it should.
  net::Task<HttpResult<>> begin(int status, const Headers& headers);
  net::Task<HttpResult<>> write_chunk(std::string_view data);  // empty data writes nothing
  net::Task<HttpResult<>> end(const Headers& trailers = {});

  // Calls `gone` at most once, where the client hangs up (or the connection is closed from this side) before the
  // response is complete; never after. It may be called within this call. Only once the request's body has been read
  // to its end. Not noticed behind a request that the client sent ahead.
  void on_peer_gone(std::move_only_function<void()> gone);

  // Whether the client has hung up by now (see net::Stream): what would be written to it is lost.
  [[nodiscard]] bool peer_gone() const { return input_end_ || (in_.data().empty() && stream_.peer_gone()); }

  // True where another request may follow the response that was written. Discards a small rest of an unread body.
  net::Task<bool> next_possible();
  // Ends the connection: lets the client read what was written before it learns that its unread bytes were dropped
  // (a close with unread input would reset the connection). Always the last call, and always called.
  net::Task<> finish();
  // Cuts the connection; pending calls end with a socket error.
  void close() { stream_.close(); }
  [[nodiscard]] bool is_open() const { return stream_.is_open(); }

  // What the connection waits for, and until when: for the sweep that keeps timeouts.
  enum class Phase { idle, head, body, handler, write, linger };
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] Monotonic deadline() const { return deadline_; }  // max(): none
  // Ends a connection whose deadline is over; says 408 where a request is under way.
  void expire();

  [[nodiscard]] const std::string& peer() const { return peer_; }
  [[nodiscard]] bool response_started() const { return response_ != ResponseState::none; }
  // The last error of reading the request, which no further request can follow.
  [[nodiscard]] const std::optional<HttpError>& error() const { return error_; }

 private:
  enum class ResponseState { none, streaming, complete };
  enum class Coding { chunked, to_end, nothing };  // of a streamed response's body
  // Of the request that is being answered.
  struct Current {
    bool is_head = false;
    bool is_http10 = false;
    bool keep_alive = false;
    bool continue_expected = false;  // and 100 Continue not yet sent
  };

  net::Task<HttpResult<std::size_t>> fill(std::size_t at_least);
  net::Task<HttpResult<>> send_continue();
  net::Task<HttpResult<>> read_plain(std::string& body);
  net::Task<HttpResult<>> read_pieces(std::string& body, std::size_t limit);
  net::Task<HttpResult<>> send(std::string_view head, std::string_view body);
  net::Task<> watch();
  void start_head(int status, const Headers& headers);
  [[nodiscard]] bool may_continue() const;
  void enter(Phase phase, std::chrono::milliseconds timeout);
  void enter_body(std::size_t bytes_read);
  std::unexpected<HttpError> broken(HttpError error);
  std::unexpected<HttpError> out_of_turn();

  ConnectionContext& context_;
  net::Stream stream_;
  std::string peer_;
  MessageParser parser_;
  InputBuffer in_;
  std::string out_;  // the head being written; kept for its capacity
  Current current_;
  ResponseState response_ = ResponseState::none;
  Coding coding_ = Coding::chunked;
  bool persistent_ = true;           // the response lets the connection go on
  std::optional<HttpError> error_;   // the input can no longer be followed: no further request
  std::size_t body_view_bytes_ = 0;  // at the front of in_: what read_body_some() gave a view of
  Phase phase_ = Phase::idle;
  Monotonic deadline_ = Monotonic::max();
  std::size_t body_since_deadline_ = 0;
  Room::Share body_share_;  // until the next request: a handler may hold the body to its end

  net::Scope watching_;                               // at most one read that waits for the peer to go away
  std::optional<HttpResult<std::size_t>> input_end_;  // what every further read gives
  std::move_only_function<void()> gone_;
};

}  // namespace lambent::edge
