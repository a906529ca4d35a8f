#include "edge/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace lambent::edge {

namespace {

using Kind = HttpError::Kind;

constexpr std::size_t kPieceBytes = 16 * kKiB;

bool announces_body(const ClientRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

}  // namespace

ClientConnection::ClientConnection(net::Stream stream, const HttpLimits& limits)
    : limits_(limits), stream_(std::move(stream)), parser_(limits_) {}

net::Task<HttpResult<std::size_t>> ClientConnection::fill() {
  const auto n = co_await stream_.read_some(in_.space(kPieceBytes));
  if (!n) co_return http_fail(Kind::socket, 0, "The connection failed.");
  in_.added(*n);
  co_return *n;
}

net::Task<HttpResult<>> ClientConnection::send(const ClientRequest& request) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\n{}", request.method, request.target, request.headers.wire());
  if (announces_body(request)) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", request.body.size());
  }
  head.append("\r\n");
  if (!co_await stream_.write_all(head, request.body)) co_return http_fail(Kind::socket, 0, "The connection failed.");
  co_return HttpResult<>();
}

net::Task<HttpResult<ResponseHead>> ClientConnection::read_head(bool to_head_request) {
  in_.take(std::exchange(body_view_bytes_, 0));
  ResponseHead head;
  for (;;) {
    LAMBENT_CO_TRY(const auto size, parser_.parse_response_head(in_.data(), head, to_head_request));
    in_.take(size);
    if (size > 0 && head.status != 100) co_return head;
    if (size > 0) continue;
    LAMBENT_CO_TRY(const auto n, co_await fill());
    if (n == 0 && in_.data().empty()) co_return http_fail(Kind::closed, 0, "The connection ended.");
    if (n == 0) co_return http_fail(Kind::truncated, 0, "The connection ended within a message.");
  }
}

net::Task<HttpResult<std::string_view>> ClientConnection::read_body_some() {
  in_.take(std::exchange(body_view_bytes_, 0));
  while (!parser_.body_done()) {
    LAMBENT_CO_TRY(const auto step, parser_.parse_body(in_.data()));
    if (!step.data.empty()) {
      body_view_bytes_ = step.taken;
      co_return step.data;
    }
    in_.take(step.taken);
    if (step.taken > 0 || parser_.body_done()) continue;
    LAMBENT_CO_TRY(const auto n, co_await fill());
    if (n == 0 && !parser_.end_of_stream()) {
      co_return http_fail(Kind::truncated, 0, "The connection ended within a message.");
    }
  }
  co_return std::string_view();
}

net::Task<HttpResult<std::string>> ClientConnection::read_body(std::size_t limit) {
  std::string body;
  for (;;) {
    LAMBENT_CO_TRY(const auto piece, co_await read_body_some());
    if (piece.empty()) co_return body;
    if (piece.size() > limit - body.size()) co_return http_fail(Kind::too_large, 0, "The response body is too large.");
    body.append(piece);
  }
}

net::Task<HttpResult<Response>> ClientConnection::exchange(const ClientRequest& request, std::size_t body_limit) {
  LAMBENT_CO_TRY_VOID(co_await send(request));
  LAMBENT_CO_TRY(auto head, co_await read_head(request.method == "HEAD"));
  LAMBENT_CO_TRY(auto body, co_await read_body(body_limit));
  co_return Response{.status = head.status, .headers = std::move(head.headers), .body = std::move(body)};
}

}  // namespace lambent::edge
