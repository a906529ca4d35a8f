#include "runtime_api/session.h"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "edge/http.h"
#include "net/one_shot.h"
#include "runtime_api/route.h"

namespace lambent::runtime_api {
namespace {

constexpr std::size_t kMaxConnections = 64;  // of one instance: a function that opens more harms only itself

edge::Response json_reply(int status, std::string body) {
  edge::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

edge::Response error_reply(int status, std::string_view type, std::string_view message) {
  return json_reply(status, fmt::format(R"({{"errorMessage":"{}","errorType":"{}"}})", message, type));
}

edge::Response accepted() {
  return json_reply(202, R"({"status":"OK"})");
}

edge::Response wrong_state() {
  return error_reply(403, "InvalidStateTransition", "Transition is not allowed in the runtime's current state");
}

// A client says so by a header; AWS's one for Go only announces the trailers of an error midway.
bool is_streaming(const edge::RequestHead& head) {
  return edge::equals_ignoring_case(head.headers.get_or("Lambda-Runtime-Function-Response-Mode", ""), "streaming") ||
         head.headers.get_or("Trailer", "").contains("Lambda-Runtime-Function-Error-Type");
}

class HttpSession final : public Session {
 public:
  HttpSession(net::Loop& loop, edge::HttpServer& server, net::Listener listener, Observer& observer,
              const Limits& limits, edge::Handler beside);

  void deliver(Invocation invocation) override;
  std::optional<Invocation> take_undelivered() override;
  void stop() override;
  net::Task<> stopped() override;
  [[nodiscard]] State state() const override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

struct HttpSession::Impl : std::enable_shared_from_this<HttpSession::Impl> {
  Impl(net::Loop& on, edge::HttpServer& by, Observer& tells, const Limits& within, edge::Handler others)
      : loop(on), server(by), observer(tells), limits(within), beside(std::move(others)) {}

  net::Loop& loop;
  edge::HttpServer& server;
  edge::HttpServer::ListenerId listener = 0;
  Observer& observer;
  const Limits& limits;
  edge::Handler beside;
  State state = State::starting;
  std::string request_id;                // in flight; kept after the answer so that a second answer is told apart
  std::optional<Invocation> delivered;   // and not yet on its way to the runtime
  std::shared_ptr<AnswerStream> stream;  // of the call in flight, where its caller takes a stream
  // The parked next request; set when there may be an invocation, or with false when it will get none.
  std::optional<net::OneShot<bool>> parked;
  bool stopping = false;

  net::Task<> handle(edge::Exchange& exchange);
  net::Task<> next(edge::Exchange& exchange);
  net::Task<bool> parked_until_delivery();
  net::Task<> hand_over(edge::Exchange& exchange);
  net::Task<> answer(edge::Exchange& exchange, Route route);
  net::Task<> init_error(edge::Exchange& exchange);
  net::Task<std::optional<Answer>> read_answer(edge::Exchange& exchange, bool is_error);
  net::Task<std::optional<Answer>> pass_on(edge::Exchange& exchange, std::shared_ptr<AnswerStream> to);
  void release_parked();
  void report(std::move_only_function<void(Observer&)> call);
};

HttpSession::HttpSession(net::Loop& loop, edge::HttpServer& server, net::Listener listener, Observer& observer,
                         const Limits& limits, edge::Handler beside)
    : impl_(std::make_shared<Impl>(loop, server, observer, limits, std::move(beside))) {
  edge::HttpLimits bounds = edge::HttpLimits::patient();
  bounds.head_bytes = limits.header_bytes;
  bounds.connections = kMaxConnections;
  bounds.body_room_bytes = 2 * limits.sync_payload_bytes;  // a runtime posts one answer at a time
  impl_->listener = server.add(
      std::move(listener), [impl = impl_.get()](edge::Exchange& exchange) { return impl->handle(exchange); }, bounds);
}

Session::State HttpSession::state() const {
  return impl_->state;
}

void HttpSession::deliver(Invocation invocation) {
  assert(impl_->state == State::waiting && impl_->parked);
  impl_->state = State::busy;
  impl_->request_id = invocation.request_id;
  impl_->stream = invocation.stream;
  impl_->delivered = std::move(invocation);
  const auto parked = *std::exchange(impl_->parked, std::nullopt);
  parked.set(true);
}

std::optional<Invocation> HttpSession::take_undelivered() {
  return std::exchange(impl_->delivered, std::nullopt);
}

void HttpSession::stop() {
  if (impl_->stopping) return;
  impl_->stopping = true;
  impl_->server.remove(impl_->listener);
  impl_->release_parked();
}

net::Task<> HttpSession::stopped() {
  stop();
  co_await impl_->server.removed(impl_->listener);
}

void HttpSession::Impl::release_parked() {
  if (!parked) return;
  const auto waiting = *std::exchange(parked, std::nullopt);
  waiting.set(false);
}

net::Task<> HttpSession::Impl::handle(edge::Exchange& exchange) {
  const Route route = parse_route(exchange.head().method, exchange.head().path());
  switch (route.kind) {
    case Route::Kind::next:
      co_await next(exchange);
      co_return;
    case Route::Kind::response:
    case Route::Kind::error:
      co_await answer(exchange, route);
      co_return;
    case Route::Kind::init_error:
      co_await init_error(exchange);
      co_return;
    case Route::Kind::wrong_method:
      std::ignore = co_await exchange.respond(error_reply(405, "MethodNotAllowed", "Method not allowed"));
      co_return;
    case Route::Kind::unknown:
      if (beside) {
        co_await beside(exchange);
        co_return;
      }
      std::ignore = co_await exchange.respond(error_reply(404, "NotFound", "No such Runtime API path"));
      co_return;
  }
}

net::Task<> HttpSession::Impl::next(edge::Exchange& exchange) {
  const bool may_poll = delivered || (state != State::busy && state != State::failed);
  const bool is_served = may_poll && (delivered || co_await parked_until_delivery());
  if (stopping) co_return;
  if (!is_served || !delivered) {
    std::ignore = co_await exchange.respond(wrong_state());
    co_return;
  }
  // A runtime that ended, or gave its poll up, has not got the call: its next poll, or another instance, will.
  if (!exchange.peer_gone()) co_await hand_over(exchange);
}

// False where this poll will get no call.
net::Task<bool> HttpSession::Impl::parked_until_delivery() {
  // A second poll while one is parked: the older lost its connection, or another thread asks. The newest is served.
  release_parked();
  state = State::waiting;
  parked.emplace();
  const auto mine = *parked;
  report([](Observer& to) { to.on_waiting(); });
  co_return co_await mine;
}

net::Task<> HttpSession::Impl::hand_over(edge::Exchange& exchange) {
  std::optional<Invocation> invocation = std::exchange(delivered, std::nullopt);
  edge::Headers headers;
  headers.add("Content-Type", "application/json");
  headers.add("Lambda-Runtime-Aws-Request-Id", invocation->request_id);
  const auto deadline = std::chrono::floor<std::chrono::milliseconds>(invocation->deadline.time_since_epoch());
  headers.add("Lambda-Runtime-Deadline-Ms", std::to_string(deadline.count()));
  headers.add("Lambda-Runtime-Invoked-Function-Arn", invocation->invoked_arn);
  headers.add("Lambda-Runtime-Trace-Id", invocation->trace_header);
  if (!invocation->client_context.empty()) headers.add("Lambda-Runtime-Client-Context", invocation->client_context);
  const bool is_sent = (co_await exchange.respond(200, headers, invocation->payload)).has_value();
  if (!is_sent && state == State::busy && request_id == invocation->request_id) delivered = std::move(invocation);
}

net::Task<> HttpSession::Impl::answer(edge::Exchange& exchange, Route route) {
  if (request_id.empty() || route.request_id != request_id) {
    std::ignore = co_await exchange.respond(error_reply(400, "InvalidRequestID", "Invalid request ID"));
    co_return;
  }
  if (state != State::busy) {
    std::ignore = co_await exchange.respond(wrong_state());
    co_return;
  }
  const std::string id = request_id;
  const bool is_streamed = route.kind == Route::Kind::response && stream && is_streaming(exchange.head());
  if (is_streamed && stream->has_begun()) {  // by another connection, which may still go on
    std::ignore = co_await exchange.respond(wrong_state());
    co_return;
  }
  std::optional<Answer> read = is_streamed ? co_await pass_on(exchange, stream)
                                           : co_await read_answer(exchange, route.kind == Route::Kind::error);
  if (!read) co_return;
  // While the body came in, another connection may have answered.
  if (state != State::busy || id != request_id) {
    std::ignore = co_await exchange.respond(wrong_state());
    co_return;
  }
  const bool too_large = read->error_type == kResponseTooLarge;
  state = State::answered;
  stream.reset();
  report([given = std::move(*read)](Observer& to) mutable { to.on_answer(std::move(given)); });
  std::ignore = co_await exchange.respond(
      too_large ? error_reply(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size") : accepted());
}

net::Task<> HttpSession::Impl::init_error(edge::Exchange& exchange) {
  if (state != State::starting) {
    std::ignore = co_await exchange.respond(wrong_state());
    co_return;
  }
  std::optional<Answer> read = co_await read_answer(exchange, true);
  if (!read) co_return;
  // While the body came in, another connection may have polled or failed.
  if (state != State::starting) {
    std::ignore = co_await exchange.respond(wrong_state());
    co_return;
  }
  state = State::failed;
  report([given = std::move(*read)](Observer& to) mutable { to.on_init_error(std::move(given)); });
  std::ignore = co_await exchange.respond(accepted());
}

// Nothing where the connection broke. A body over the limit becomes the error that AWS makes of it.
net::Task<std::optional<Answer>> HttpSession::Impl::read_answer(edge::Exchange& exchange, bool is_error) {
  Answer answer;
  answer.is_error = is_error;
  answer.content_type = exchange.head().headers.get_or("Content-Type", "application/json");
  answer.error_type = exchange.head().headers.get_or("Lambda-Runtime-Function-Error-Type", "");
  auto body = co_await exchange.read_body(limits.sync_payload_bytes);
  if (body) {
    answer.body = *std::move(body);
    apply_trailers(exchange.trailers(), answer);
    co_return answer;
  }
  if (body.error().kind != edge::HttpError::Kind::too_large) {
    std::ignore = co_await exchange.respond(edge::error_response(body.error()));
    co_return std::nullopt;
  }
  co_return too_large_answer(limits.sync_payload_bytes);
}

// Each piece is on its way to the caller before the next one is read. Nothing where the connection broke: the instance
// ends, or its deadline comes.
net::Task<std::optional<Answer>> HttpSession::Impl::pass_on(edge::Exchange& exchange,
                                                            std::shared_ptr<AnswerStream> to) {
  Answer answer;
  answer.content_type = exchange.head().headers.get_or("Content-Type", "application/octet-stream");
  to->begin(answer.content_type);
  for (;;) {
    const auto piece = co_await exchange.read_body_some();
    if (!piece) {
      std::ignore = co_await exchange.respond(edge::error_response(piece.error()));
      co_return std::nullopt;
    }
    if (piece->empty()) break;
    if (!co_await to->put(*piece)) co_return too_large_answer(to->limit());
  }
  apply_trailers(exchange.trailers(), answer);
  co_return answer;
}

// From the loop: the observer may call back into the session, or end the instance.
void HttpSession::Impl::report(std::move_only_function<void(Observer&)> call) {
  loop.post([self = shared_from_this(), call = std::move(call)]() mutable {
    if (!self->stopping) call(self->observer);
  });
}

}  // namespace

std::unique_ptr<Session> make_http_session(net::Loop& loop, edge::HttpServer& server, net::Listener listener,
                                           Observer& observer, const Limits& limits, edge::Handler beside) {
  return std::make_unique<HttpSession>(loop, server, std::move(listener), observer, limits, std::move(beside));
}

}  // namespace lambent::runtime_api
