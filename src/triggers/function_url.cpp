#include "triggers/function_url.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/log.h"
#include "invoke/streamed_call.h"
#include "triggers/cors.h"
#include "triggers/url_event.h"
#include "triggers/url_response.h"

namespace lambent::triggers {
namespace {

edge::Response json_response(int status, std::string_view body, std::string_view error_type = {}) {
  edge::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  if (!error_type.empty()) response.headers.add("x-amzn-ErrorType", error_type);
  response.body = body;
  return response;
}

edge::Response forbidden() {
  return json_response(403, R"({"Message":"Forbidden"})", "AccessDeniedException");
}

// What the function did wrong is in its log; strangers at its URL learn nothing of it.
edge::Response bad_gateway() {
  return json_response(502, "Internal Server Error");
}

edge::Response refusal(const invoke::InvokeError& error) {
  using Kind = invoke::InvokeError::Kind;
  switch (error.kind) {
    case Kind::throttled:
      return json_response(429,
                           R"({"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})",
                           "TooManyRequestsException");
    case Kind::throttled_by_reserve:
      return json_response(
          429,
          R"({"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})",
          "TooManyRequestsException");
    case Kind::request_too_large:
      return json_response(413, R"({"Message":"Request Entity Too Large"})", "RequestTooLargeException");
    case Kind::stopping:
      return json_response(503, R"({"Message":"Service Unavailable"})", "ServiceException");
    default:
      log::warning("function URL: {}", error.message);
      return bad_gateway();
  }
}

std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    return bracket == std::string_view::npos ? authority : authority.substr(1, bracket - 1);
  }
  return authority.substr(0, authority.rfind(':'));
}

std::string_view port_of(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos || host.ends_with(']')) return "80";
  return host.substr(colon + 1);
}

// What the function sees: the client's headers, with the X-Forwarded ones that AWS's front door sets.
std::vector<HeaderField> event_headers(const edge::RequestHead& head, std::string_view source_ip,
                                       std::string_view port) {
  static constexpr std::array<std::string_view, 3> kOurs = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"};
  std::vector<HeaderField> fields;
  fields.reserve(head.headers.size() + kOurs.size());
  for (const auto& [name, value] : head.headers) {
    const auto is_it = [&](std::string_view ours) { return edge::equals_ignoring_case(ours, name); };
    if (!std::ranges::any_of(kOurs, is_it)) fields.push_back({name, value});
  }
  fields.push_back({kOurs[0], source_ip});
  fields.push_back({kOurs[1], port});
  fields.push_back({kOurs[2], "http"});
  return fields;
}

// Those that belong to the connection, which is not the function's.
bool is_hop_by_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "connection", "content-length", "date",    "keep-alive",        "proxy-authenticate",
      "te",         "trailer",        "upgrade", "transfer-encoding", "proxy-connection"};
  return std::ranges::any_of(kNames, [&](std::string_view one) { return edge::equals_ignoring_case(one, name); });
}

edge::Response to_response(UrlResponse answer) {
  edge::Response response;
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) {
    if (!is_hop_by_hop(name) && !response.headers.add(name, value)) return bad_gateway();
  }
  for (const auto& cookie : answer.cookies) {
    if (!response.headers.add("Set-Cookie", cookie)) return bad_gateway();
  }
  if (answer.status != 204 && answer.status != 304) response.body = std::move(answer.body);
  return response;
}

edge::Response to_response(const invoke::Answer& answer) {
  if (!answer.function_error.empty()) return bad_gateway();
  auto decoded = answer.content_type.starts_with(kHttpIntegrationType) ? decode_http_integration(answer.payload)
                                                                       : decode_url_answer(answer.payload);
  return decoded ? to_response(*std::move(decoded)) : bad_gateway();
}

// The first piece of an answer; where a prelude comes before the body, all pieces up to its end. Nothing where the call
// ended without an answer.
net::Task<std::optional<std::string>> receive_begin(invoke::StreamedCall& call) {
  auto received = co_await call.next();
  while (received && call.content_type().starts_with(kHttpIntegrationType) && is_within_prelude(*received)) {
    const auto more = co_await call.next();
    if (!more) break;
    received->append(*more);
  }
  co_return received;
}

// How the response to a streamed answer begins, with what has come of its body. Nothing where that cannot be read.
std::optional<edge::Response> begin_of(const invoke::StreamedCall& call, std::string received) {
  if (call.content_type().starts_with(kHttpIntegrationType)) {
    auto decoded = decode_http_integration(received);
    if (!decoded) return std::nullopt;
    return to_response(*std::move(decoded));
  }
  edge::Response response;
  response.headers.add("Content-Type", call.content_type());
  response.body = std::move(received);
  return response;
}

}  // namespace

FunctionUrls::FunctionUrls(Parts parts, catalog::Home home, const Limits& limits, const CallLimits& calls)
    : parts_(parts), home_(std::move(home)), limits_(limits), streamed_bytes_(calls.streamed_bytes) {}

std::optional<catalog::FunctionUrlMatch> FunctionUrls::match(const edge::RequestHead& head) {
  return catalog::match_function_url(head.headers.get_or("Host", ""), head.path());
}

net::Task<> FunctionUrls::handle(edge::Exchange& exchange, catalog::FunctionUrlMatch match) {
  auto body = co_await exchange.read_body(limits_.sync_payload_bytes);
  if (!body) {
    if (body.error().kind == edge::HttpError::Kind::too_large) {
      co_await exchange.respond(json_response(413, R"({"Message":"Request Entity Too Large"})"));
    } else if (body.error().status != 0) {
      co_await exchange.respond(edge::error_response(body.error()));
    }
    co_return;
  }
  auto admitted = admit(exchange.head(), match, *std::move(body), exchange.peer());
  if (!admitted) {
    co_await exchange.respond(admitted.error());
  } else if (admitted->url->invoke_mode == "RESPONSE_STREAM") {
    co_await stream(exchange, *std::move(admitted));
  } else {
    co_await exchange.respond(co_await call(exchange.head(), *std::move(admitted)));
  }
}

net::Task<edge::Response> FunctionUrls::respond(const edge::RequestHead& head, catalog::FunctionUrlMatch match,
                                                std::string body, std::string peer) {
  auto admitted = admit(head, match, std::move(body), peer);
  if (!admitted) co_return std::move(admitted.error());
  co_return co_await call(head, *std::move(admitted));
}

std::expected<FunctionUrls::Admitted, edge::Response> FunctionUrls::admit(const edge::RequestHead& head,
                                                                          catalog::FunctionUrlMatch match,
                                                                          const std::string& body,
                                                                          const std::string& peer) {
  const auto target = parts_.catalog.find_by_url(match.url_id);
  if (!target) return std::unexpected(json_response(404, R"({"Message":null})"));
  const auto& cors = target->url->cors;
  if (cors && is_preflight(head)) return std::unexpected(preflight_response(*cors, head));

  std::optional<identity::Principal> principal;
  if (target->url->auth_type != "NONE") {
    std::vector<identity::HeaderView> headers;
    for (const auto& [name, value] : head.headers) headers.push_back({name, value});
    auto verified = parts_.verifier.verify({.method = head.method,
                                            .path = head.path(),
                                            .query = head.query(),
                                            .headers = headers,
                                            .body = body,
                                            .body_sha256 = {}},
                                           {.service = "lambda"});
    if (!verified) return std::unexpected(forbidden());
    principal = *std::move(verified);
  }
  return Admitted{target->url, make_call(*target, head, match, body, peer, principal ? &*principal : nullptr)};
}

invoke::Call FunctionUrls::make_call(const catalog::UrlTarget& target, const edge::RequestHead& head,
                                     catalog::FunctionUrlMatch match, const std::string& body, const std::string& peer,
                                     const identity::Principal* principal) {
  const auto host = head.headers.get_or("Host", "");
  const auto source_ip = without_port(peer);
  const auto request_id = parts_.random.uuid();
  const auto fields = event_headers(head, source_ip, port_of(host));
  std::optional<IamCaller> caller;
  if (principal) {
    caller = IamCaller{.access_key = principal->access_key_id,
                       .account_id = principal->account_id,
                       .caller_id = principal->user_id,
                       .user_arn = principal->arn,
                       .user_id = principal->user_id};
  }
  const auto function = target.entry->route(target.qualifier, parts_.random);
  return {.function = function,
          .invoked_arn = home_.function_arn(function->name, target.qualifier),
          .payload = make_url_event({.method = head.method,
                                     .raw_path = match.raw_path,
                                     .raw_query = head.query(),
                                     .protocol = head.is_http10 ? "HTTP/1.0" : "HTTP/1.1",
                                     .headers = fields,
                                     .body = body,
                                     .source_ip = source_ip,
                                     .url_id = match.url_id,
                                     .domain_name = without_port(host),
                                     .account_id = home_.account_id,
                                     .request_id = request_id,
                                     .time = parts_.clock.wall(),
                                     .iam = caller ? &*caller : nullptr}),
          .client_context = {},
          .trace_header = std::string(head.headers.get_or("X-Amzn-Trace-Id", "")),
          .request_id = request_id};
}

void FunctionUrls::finish_head(edge::Headers& headers, const edge::RequestHead& head, const catalog::FunctionUrl& url,
                               const std::string& request_id) {
  headers.set("x-amzn-RequestId", request_id);
  if (url.cors) add_cors_headers(*url.cors, head, headers);
}

net::Task<edge::Response> FunctionUrls::call(const edge::RequestHead& head, Admitted admitted) {
  const auto request_id = admitted.call.request_id;
  const auto answer = co_await parts_.invoker.invoke(std::move(admitted.call));
  auto response = answer ? to_response(*answer) : refusal(answer.error());
  finish_head(response.headers, head, *admitted.url, request_id);
  co_return response;
}

// The status is on its way before the function has ended: an error after that can only cut the response.
net::Task<> FunctionUrls::stream(edge::Exchange& exchange, Admitted admitted) {
  const auto request_id = admitted.call.request_id;
  invoke::StreamedCall call(parts_.invoker, streamed_bytes_);
  call.start(std::move(admitted.call));
  auto received = co_await receive_begin(call);
  const bool has_failed = !received && !(call.result() && call.result()->function_error.empty());
  auto begin = has_failed ? std::nullopt : begin_of(call, std::move(received).value_or(""));
  if (!begin) {
    auto response = has_failed && !call.result() ? refusal(call.result().error()) : bad_gateway();
    finish_head(response.headers, exchange.head(), *admitted.url, request_id);
    co_await exchange.respond(response);
    co_await call.close();
    co_return;
  }
  finish_head(begin->headers, exchange.head(), *admitted.url, request_id);
  auto sent = co_await exchange.begin(begin->status, begin->headers);
  if (sent) sent = co_await exchange.write_chunk(begin->body);
  while (sent) {
    const auto piece = co_await call.next();
    if (!piece) break;
    sent = co_await exchange.write_chunk(*piece);
  }
  if (sent && call.result() && call.result()->function_error.empty()) co_await exchange.end();
  co_await call.close();
}

}  // namespace lambent::triggers
