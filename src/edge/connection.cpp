#include "edge/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "base/limits.h"

namespace lambent::edge {

namespace {

using Kind = HttpError::Kind;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// A body that comes in pieces is read in pieces of up to this.
constexpr std::size_t kPieceBytes = 16 * kKiB;
// More of a body is asked for by each further body_timeout.
constexpr std::size_t kBodyBytesPerTimeout = 64 * kKiB;
// What one turn reads or writes of a body.
constexpr std::size_t kReadSliceBytes = 128 * kKiB;
constexpr std::size_t kWriteSliceBytes = 256 * kKiB;
// A chunk up to this is sent by one system call; of a larger one the data is sent from where it stands.
constexpr std::size_t kCopiedChunkBytes = 32 * kKiB;
// Bodies up to this need no room of the listener's.
constexpr std::size_t kSmallBodyBytes = 64 * kKiB;
// Memory for a body is taken as announced up to here, and beyond that only as bytes arrive.
constexpr std::size_t kTrustedBodyBytes = 8 * kMiB;
// The rest of a body that no one wanted: thrown away so that the connection can go on, or else until it ends.
constexpr std::uint64_t kDiscardBytes = 64 * kKiB;
constexpr std::size_t kLingerBytes = 64 * kMiB;
constexpr std::chrono::seconds kLingerTime{2};

std::unexpected<HttpError> socket_error() {
  return http_fail(Kind::socket, 0, "The connection failed.");
}
std::unexpected<HttpError> truncated() {
  return http_fail(Kind::truncated, 0, "The connection ended within a message.");
}
std::unexpected<HttpError> body_too_large() {
  return http_fail(Kind::too_large, 413, "The request body is too large.");
}

bool has_no_body(int status) {
  return status / 100 == 1 || status == 204 || status == 304;
}

// Fields that say where a message or a connection ends: the connection's own business, whatever a handler sets.
bool is_connection_field(std::string_view name) {
  switch (name.size()) {
    case 4:
      return equals_ignoring_case(name, "date");
    case 7:
      return equals_ignoring_case(name, "trailer") || equals_ignoring_case(name, "upgrade");
    case 10:
      return equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "keep-alive");
    case 14:
      return equals_ignoring_case(name, "content-length");
    case 17:
      return equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_fields(std::string& out, const Headers& headers) {
  if (std::ranges::none_of(headers, [](Header field) { return is_connection_field(field.name); })) {
    out.append(headers.wire());
    return;
  }
  for (const auto field : headers) {
    if (!is_connection_field(field.name)) out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
}

}  // namespace

ServerConnection::ServerConnection(net::Stream stream, ConnectionContext& context)
    : context_(context), stream_(std::move(stream)), peer_(stream_.peer()), parser_(context.limits) {
  enter(Phase::idle, context_.limits.idle_timeout);
}

void ServerConnection::enter(Phase phase, std::chrono::milliseconds timeout) {
  phase_ = phase;
  deadline_ = timeout.count() == 0 ? Monotonic::max() : context_.now + context_.sweep_interval + timeout;
}

std::unexpected<HttpError> ServerConnection::broken(HttpError error) {
  error_ = error;
  return std::unexpected(error);
}

// Reads once into the buffer: the bytes that came, 0 at the end of the stream.
net::Task<HttpResult<std::size_t>> ServerConnection::fill(std::size_t at_least) {
  if (watching_.running() > 0) {
    // The read that watches for the peer to go away is the next read.
    const std::size_t before = in_.data().size();
    co_await watching_.join();
    if (!input_end_) co_return in_.data().size() - before;
  }
  if (input_end_) co_return *input_end_;
  const auto n = co_await stream_.read_some(in_.space(at_least));
  if (!n) co_return socket_error();
  in_.added(*n);
  co_return *n;
}

net::Task<HttpResult<RequestHead>> ServerConnection::read_head() {
  in_.take(std::exchange(body_view_bytes_, 0));
  body_share_ = {};
  current_ = {};
  response_ = ResponseState::none;
  in_.shrink();
  RequestHead head;
  enter(Phase::idle, context_.limits.idle_timeout);
  for (;;) {
    if (!in_.data().empty()) {
      const auto size = parser_.parse_request_head(in_.data(), head);
      if (!size) co_return broken(size.error());
      if (*size > 0) {
        in_.take(*size);
        break;
      }
      if (phase_ == Phase::idle) enter(Phase::head, context_.limits.header_timeout);
    }
    const auto n = co_await fill(1);
    if (!n) co_return broken(n.error());
    if (*n == 0 && !in_.data().empty()) co_return broken(truncated().error());
    if (*n == 0) co_return broken({Kind::closed, 0, "The connection ended."});
  }
  current_ = {.is_head = head.method == "HEAD",
              .is_http10 = head.is_http10,
              .keep_alive = head.keep_alive,
              .continue_expected = head.expects_continue && head.has_body()};
  enter(Phase::handler, {});
  co_await context_.turns.take();
  co_return head;
}

net::Task<HttpResult<>> ServerConnection::send_continue() {
  // A client that has begun to send its body does not wait any more.
  if (!std::exchange(current_.continue_expected, false) || !in_.data().empty()) co_return HttpResult<>();
  co_return co_await send(kContinue, {});
}

void ServerConnection::enter_body(std::size_t bytes_read) {
  body_since_deadline_ += bytes_read;
  if (phase_ == Phase::body && body_since_deadline_ < kBodyBytesPerTimeout) return;
  body_since_deadline_ = 0;
  enter(Phase::body, context_.limits.body_timeout);
}

net::Task<HttpResult<std::string_view>> ServerConnection::read_body_some() {
  in_.take(std::exchange(body_view_bytes_, 0));
  if (parser_.body_done()) co_return std::string_view();
  LAMBENT_CO_TRY_VOID(co_await send_continue());
  for (;;) {
    const auto step = parser_.parse_body(in_.data());
    if (!step) co_return broken(step.error());
    if (!step->data.empty()) {
      body_view_bytes_ = step->taken;
      enter(Phase::handler, {});
      co_return step->data;
    }
    in_.take(step->taken);
    if (parser_.body_done()) break;
    if (step->taken > 0) continue;
    enter_body(0);
    co_await context_.turns.take();
    const auto n = co_await fill(kPieceBytes);
    if (!n) co_return broken(n.error());
    if (*n == 0) co_return broken(truncated().error());
    enter_body(*n);
  }
  enter(Phase::handler, {});
  co_return std::string_view();
}

// A body of known length, straight from the socket into its place.
net::Task<HttpResult<>> ServerConnection::read_plain(std::string& body) {
  const auto total = static_cast<std::size_t>(parser_.plain_remaining());
  const auto grow_to = [&body](std::size_t size) {
    // libstdc++ 12 tells the callback the new capacity, not the size that was asked for.
    body.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
  };
  const std::string_view buffered = in_.data().substr(0, total);
  // Growing moves what has come so far. What the listener has room for is taken whole instead: pages without bytes in
  // them cost nothing.
  const std::size_t trusted = context_.limits.body_room_bytes >= total ? total : kTrustedBodyBytes;
  body.reserve(std::min(total, trusted));
  body.append(buffered);
  in_.take(buffered.size());
  parser_.take_plain(buffered.size());
  std::size_t have = buffered.size();
  while (have < total) {
    if (body.size() == have) grow_to(std::min(total, std::max(trusted, have * 2)));
    enter_body(0);
    co_await context_.turns.take();
    const auto n =
        co_await stream_.read_some(std::span(body).subspan(have).first(std::min(kReadSliceBytes, body.size() - have)));
    if (!n) co_return broken(socket_error().error());
    if (*n == 0) co_return broken(truncated().error());
    parser_.take_plain(*n);
    have += *n;
    enter_body(*n);
  }
  enter(Phase::handler, {});
  co_return HttpResult<>();
}

net::Task<HttpResult<std::string>> ServerConnection::read_body(std::size_t limit) {
  in_.take(std::exchange(body_view_bytes_, 0));
  std::string body;
  if (parser_.plain_remaining() > limit) co_return broken(body_too_large().error());
  if (parser_.plain_remaining() > 0) {
    if (const auto size = parser_.plain_remaining(); size > kSmallBodyBytes) {
      body_share_ = co_await context_.body_room.take(size);
    }
    LAMBENT_CO_TRY_VOID(co_await send_continue());
    LAMBENT_CO_TRY_VOID(co_await read_plain(body));
    co_return body;
  }
  LAMBENT_CO_TRY_VOID(co_await read_pieces(body, limit));
  co_return body;
}

// A body that does not say how long it is takes room for as much as it may be.
net::Task<HttpResult<>> ServerConnection::read_pieces(std::string& body, std::size_t limit) {
  for (bool is_small = true; !parser_.body_done();) {
    LAMBENT_CO_TRY(const auto piece, co_await read_body_some());
    if (piece.size() > limit - body.size()) co_return broken(body_too_large().error());
    body.append(piece);
    if (is_small && body.size() > kSmallBodyBytes) body_share_ = co_await context_.body_room.take(limit);
    is_small = body.size() <= kSmallBodyBytes;
  }
  in_.take(std::exchange(body_view_bytes_, 0));
  co_return HttpResult<>();
}

bool ServerConnection::may_continue() const {
  if (!current_.keep_alive || error_ || context_.closing) return false;
  if (parser_.body_done()) return true;
  // A body not read: where it is short it will be thrown away.
  return !current_.continue_expected && parser_.plain_remaining() > 0 && parser_.plain_remaining() <= kDiscardBytes;
}

// Status line and fields into out_; what frames the body and the empty line are still to come.
void ServerConnection::start_head(int status, const Headers& headers) {
  persistent_ = persistent_ && may_continue();
  out_.clear();
  if (status == 200) {
    out_.append("HTTP/1.1 200 OK\r\n");
  } else {
    fmt::format_to(std::back_inserter(out_), "HTTP/1.1 {:03} {}\r\n", std::clamp(status, 100, 999),
                   status_text(status));
  }
  append_fields(out_, headers);
  out_.append("Date: ").append(context_.dates.now()).append("\r\n");
  if (!persistent_) {
    out_.append("Connection: close\r\n");
  } else if (current_.is_http10) {
    out_.append("Connection: keep-alive\r\n");
  }
}

net::Task<HttpResult<>> ServerConnection::send(std::string_view head, std::string_view body) {
  do {
    enter(Phase::write, context_.limits.write_timeout);
    const auto slice = body.substr(0, kWriteSliceBytes);
    if (head.empty()) co_await context_.turns.take();  // the first slice belongs to the request's own turn
    if (!co_await stream_.write_all(head, slice)) {
      persistent_ = false;
      co_return broken(socket_error().error());
    }
    head = {};
    body.remove_prefix(slice.size());
  } while (!body.empty());
  enter(Phase::handler, {});
  co_return HttpResult<>();
}

std::unexpected<HttpError> ServerConnection::out_of_turn() {
  assert(false && "one response a request");
  return broken({Kind::refused, 0, "The response is already complete."});
}

net::Task<HttpResult<>> ServerConnection::write(const Response& response) {
  return write(response.status, response.headers, response.body);
}

net::Task<HttpResult<>> ServerConnection::write(int status, const Headers& headers, std::string_view body) {
  if (response_ != ResponseState::none) co_return out_of_turn();
  persistent_ = true;
  start_head(status, headers);
  if (!has_no_body(status)) {
    fmt::format_to(std::back_inserter(out_), "Content-Length: {}\r\n\r\n", body.size());
  } else {
    out_.append("\r\n");
    body = {};
  }
  response_ = ResponseState::complete;
  gone_ = nullptr;
  co_return co_await send(out_, current_.is_head ? std::string_view() : body);
}

net::Task<HttpResult<>> ServerConnection::begin(int status, const Headers& headers) {
  if (response_ != ResponseState::none) co_return out_of_turn();
  const bool no_body = has_no_body(status);
  coding_ = no_body || current_.is_head ? Coding::nothing : current_.is_http10 ? Coding::to_end : Coding::chunked;
  persistent_ = coding_ != Coding::to_end;
  start_head(status, headers);
  if (!no_body && !current_.is_http10) out_.append("Transfer-Encoding: chunked\r\n");
  out_.append("\r\n");
  response_ = ResponseState::streaming;
  co_return co_await send(out_, {});
}

net::Task<HttpResult<>> ServerConnection::write_chunk(std::string_view data) {
  if (response_ != ResponseState::streaming) co_return out_of_turn();
  if (data.empty() || coding_ == Coding::nothing) co_return HttpResult<>();
  if (coding_ == Coding::to_end) co_return co_await send({}, data);
  // Whole, with the CR LF at its end: some clients give a chunk to their caller only once they have read that.
  out_.clear();
  fmt::format_to(std::back_inserter(out_), "{:x}\r\n", data.size());
  if (data.size() <= kCopiedChunkBytes) {
    out_.append(data).append("\r\n");
    co_return co_await send(out_, {});
  }
  LAMBENT_CO_TRY_VOID(co_await send(out_, data));
  co_return co_await send("\r\n", {});
}

net::Task<HttpResult<>> ServerConnection::end(const Headers& trailers) {
  if (response_ != ResponseState::streaming) co_return out_of_turn();
  response_ = ResponseState::complete;
  gone_ = nullptr;
  if (coding_ != Coding::chunked) co_return HttpResult<>();
  out_.assign("0\r\n");
  append_fields(out_, trailers);
  out_.append("\r\n");
  co_return co_await send(out_, {});
}

void ServerConnection::on_peer_gone(std::move_only_function<void()> gone) {
  if (response_ == ResponseState::complete) return;
  if (input_end_) {
    gone();
    return;
  }
  gone_ = std::move(gone);
  if (watching_.running() == 0 && parser_.body_done() && in_.data().size() == body_view_bytes_) {
    in_.take(std::exchange(body_view_bytes_, 0));
    watching_.spawn(watch());
  }
}

net::Task<> ServerConnection::watch() {
  const auto n = co_await stream_.read_some(in_.space(1));
  if (n && *n > 0) {
    in_.added(*n);
    co_return;
  }
  input_end_ = n ? HttpResult<std::size_t>(0) : socket_error();
  if (auto gone = std::exchange(gone_, nullptr)) gone();
}

net::Task<bool> ServerConnection::next_possible() {
  if (response_ != ResponseState::complete || !persistent_) co_return false;
  for (std::size_t discarded = 0; !parser_.body_done();) {
    const auto piece = co_await read_body_some();
    if (!piece || (discarded += piece->size()) > kDiscardBytes) co_return false;
  }
  in_.take(std::exchange(body_view_bytes_, 0));
  co_return true;
}

net::Task<> ServerConnection::finish() {
  gone_ = nullptr;
  in_.take(std::exchange(body_view_bytes_, 0));
  const bool input_unread = error_ || !parser_.body_done() || !in_.data().empty();
  if (stream_.is_open() && input_unread && response_ == ResponseState::complete && watching_.running() == 0) {
    stream_.shutdown_write();
    enter(Phase::linger, kLingerTime);
    in_.take(in_.data().size());
    for (std::size_t discarded = 0; discarded < kLingerBytes;) {
      co_await context_.turns.take();
      const auto n = co_await stream_.read_some(in_.space(kPieceBytes));
      if (!n || *n == 0) break;
      discarded += *n;
    }
  }
  stream_.close();
  co_await watching_.join();
}

void ServerConnection::expire() {
  if ((phase_ == Phase::head || phase_ == Phase::body) && response_ == ResponseState::none) {
    const HttpError error{Kind::socket, 408, "The request did not come in time."};
    const auto response = error_response(error);
    error_ = error;
    start_head(response.status, response.headers);
    fmt::format_to(std::back_inserter(out_), "Content-Length: {}\r\n\r\n{}", response.body.size(), response.body);
    // As much as the socket takes at once: this end does not wait for a peer that is too slow.
    auto attempt = stream_.write_all(out_);
    std::ignore = attempt.await_ready();
  }
  stream_.close();
}

}  // namespace lambent::edge
