#include "main/api_router.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "identity/crypto.h"
#include "identity/request_view.h"

namespace lambent {
namespace {

// Bodies beyond this are hashed on the pool: about half a millisecond of one core.
constexpr std::size_t kHashInlineBytes = 512 * kKiB;

// In the credential scope of an operator's request: metrics, backups.
constexpr std::string_view kOperatorService = "lambent";

identity::ErrorStyle style_of(const protocol::ServiceModel& model) {
  switch (model.protocol) {
    case protocol::WireProtocol::rest_json:
      return identity::ErrorStyle::rest_json;
    case protocol::WireProtocol::aws_json:
      return identity::ErrorStyle::aws_json;
    case protocol::WireProtocol::query:
      return identity::ErrorStyle::query;
  }
  return identity::ErrorStyle::rest_json;
}

edge::Response to_response(protocol::HttpReply reply) {
  edge::Response response;
  response.status = reply.status;
  for (const auto& [name, value] : reply.headers) response.headers.add(name, value);
  response.body = std::move(reply.body);
  return response;
}

protocol::ServiceError to_service_error(const identity::AuthError& error) {
  protocol::ServiceError out;
  out.code = error.code;
  out.message = error.message;
  out.status = error.status;
  out.origin = protocol::ErrorOrigin::framework;
  return out;
}

// The region in the credential scope; the server's own where there is none.
std::string region_of_scope(std::string_view authorization, const std::string& otherwise) {
  const auto credential = authorization.find("Credential=");
  if (credential == std::string_view::npos) return otherwise;
  std::string_view scope = authorization.substr(credential);
  scope = scope.substr(0, scope.find_first_of(", "));
  for (int part = 0; part < 2; ++part) {  // past the key and the date
    const auto slash = scope.find('/');
    if (slash == std::string_view::npos) return otherwise;
    scope.remove_prefix(slash + 1);
  }
  return std::string(scope.substr(0, scope.find('/')));
}

std::string address_of_peer(const std::string& peer) {
  return peer.substr(0, peer.rfind(':'));
}

// A request as identity and protocol look at it: views into the exchange's head.
struct Views {
  explicit Views(const edge::RequestHead& head) {
    for (const edge::Header field : head.headers) {
      headers.push_back({field.name, field.value});
      signed_headers.push_back({field.name, field.value});
    }
    request.method = head.method;
    request.path = head.path();
    request.query = head.query();
    request.headers = headers;
  }
  [[nodiscard]] identity::RequestView to_verify() const {
    return {.method = request.method,
            .path = request.path,
            .query = request.query,
            .headers = signed_headers,
            .body = request.body,
            .body_sha256 = {}};
  }
  std::vector<protocol::Header> headers;
  std::vector<identity::HeaderView> signed_headers;
  protocol::HttpRequest request;
};

edge::Response plain(int status, std::string_view line) {
  edge::Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain");
  response.body = fmt::format("{}\n", line);
  return response;
}

edge::Response unknown_service(const std::string& scope, const std::vector<const protocol::ServiceModel*>& models) {
  edge::Response response;
  response.headers.add("Content-Type", "application/json");
  if (scope.empty()) {
    response.status = 403;
    response.headers.add("x-amzn-ErrorType", "MissingAuthenticationTokenException");
    response.body = R"({"message":"Missing Authentication Token"})";
    return response;
  }
  std::vector<std::string_view> known;
  for (const auto* model : models) known.push_back(model->signing_name);
  response.status = 501;
  response.headers.add("x-amzn-ErrorType", "UnknownServiceException");
  response.body = fmt::format(
      R"({{"__type":"UnknownServiceException","message":"This Lambent server has no such service. It has: {}."}})",
      fmt::join(known, ", "));
  return response;
}

}  // namespace

ApiRouter::ApiRouter(Parts parts, std::vector<protocol::Endpoint*> endpoints)
    : parts_(std::move(parts)), endpoints_(std::move(endpoints)) {
  for (const protocol::Endpoint* endpoint : endpoints_) models_.push_back(&endpoint->model());
}

net::Task<> ApiRouter::handle_public(edge::Exchange& exchange) {
  const std::string_view path = exchange.head().path();
  if (path == "/healthz" || path == "/readyz") {
    co_await answer_health(exchange);
    co_return;
  }
  if (path == "/metrics" || path == "/backup") {
    co_await answer_operator(exchange);
    co_return;
  }
  for (const Visitor& visitor : visitors_) {
    if (co_await visitor(exchange)) co_return;
  }
  co_await handle_api(exchange);
}

net::Task<> ApiRouter::answer_health(edge::Exchange& exchange) {
  const bool asks_readiness = exchange.head().path() == "/readyz";
  const bool good = !asks_readiness || (ready_ && healthy_());
  edge::Response response;
  response.status = good ? 200 : 503;
  response.headers.add("Content-Type", "application/json");
  response.body = fmt::format(R"({{"status":"{}"}})", good ? "ok" : "not ready");
  std::ignore = co_await exchange.respond(response);
}

net::Task<> ApiRouter::answer_operator(edge::Exchange& exchange) {
  const Views views(exchange.head());
  const auto principal = parts_.verifier.verify(
      views.to_verify(), {.service = kOperatorService, .style = identity::ErrorStyle::rest_json});
  const bool wants_metrics = exchange.head().path() == "/metrics";
  edge::Response response;
  if (!principal || principal->kind != identity::PrincipalKind::root) {
    response = plain(
        403, principal ? (wants_metrics ? "Only the root key may read metrics" : "Only the root key may make a backup")
                       : principal.error().message);
  } else if (wants_metrics) {
    response.headers.add("Content-Type", "text/plain; version=0.0.4");
    response.body = metrics_();
  } else {
    response = co_await answer_backup(exchange.head());
  }
  std::ignore = co_await exchange.respond(response);
}

net::Task<edge::Response> ApiRouter::answer_backup(const edge::RequestHead& head) {
  if (head.method != "POST") co_return plain(405, "POST makes a backup");
  if (is_backing_up_) co_return plain(409, "A backup is being made already");
  is_backing_up_ = true;
  const auto folder = co_await backup_();
  is_backing_up_ = false;
  if (folder) co_return plain(200, *folder);
  log::error("no backup: {}", folder.error().message());
  co_return plain(500, "No backup was made: " + folder.error().message());
}

net::Task<> ApiRouter::handle_api(edge::Exchange& exchange) {
  const edge::RequestHead& head = exchange.head();
  Views views(head);
  const std::string scope = identity::scope_service(views.to_verify()).value_or("");
  const protocol::ServiceModel* model = protocol::find_service(models_, scope, views.request);
  if (model == nullptr) {
    std::ignore = co_await exchange.respond(unknown_service(scope, models_));
    co_return;
  }
  protocol::Endpoint& endpoint =
      **std::ranges::find_if(endpoints_, [&](const protocol::Endpoint* each) { return &each->model() == model; });

  protocol::CallContext call;
  call.request_id = parts_.random.uuid();
  call.account_id = parts_.account_id;
  call.region = region_of_scope(head.headers.get_or("Authorization", ""), parts_.region);
  call.trace_header = head.headers.get_or("X-Amzn-Trace-Id", "");
  call.source_address = address_of_peer(exchange.peer());

  const auto info = protocol::identify(*model, views.request);
  const std::size_t limit = info ? info->max_body(parts_.limits) : parts_.limits.sync_payload_bytes;
  auto body = co_await exchange.read_body(limit);
  if (!body) {
    const bool too_large = info && body.error().kind == edge::HttpError::Kind::too_large;
    const edge::Response refusal = too_large
                                       ? to_response(error_reply(*model, call, body_too_large(*info, parts_.limits)))
                                       : edge::error_response(body.error());
    std::ignore = co_await exchange.respond(refusal);
    co_return;
  }
  views.request.body = *std::move(body);

  std::string body_hash;
  if (views.request.body.size() > kHashInlineBytes) {
    const std::string_view bytes = views.request.body;
    body_hash = co_await parts_.pool.run(parts_.loop, [bytes] { return identity::sha256_hex(bytes); });
  }
  identity::RequestView to_verify = views.to_verify();
  to_verify.body_sha256 = body_hash;
  auto principal = parts_.verifier.verify(to_verify, {.service = model->signing_name, .style = style_of(*model)});
  if (!principal) {
    std::ignore =
        co_await exchange.respond(to_response(error_reply(*model, call, to_service_error(principal.error()))));
    co_return;
  }
  call.principal = {principal->arn, principal->user_id, principal->access_key_id, principal->account_id};
  co_await respond(exchange, co_await endpoint.dispatch(call, std::move(views.request)));
}

net::Task<> ApiRouter::respond(edge::Exchange& exchange, protocol::HttpReply reply) {
  const auto source = std::move(reply.stream);
  const auto response = to_response(std::move(reply));
  if (!source) {
    std::ignore = co_await exchange.respond(response);
    co_return;
  }
  auto sent = co_await exchange.begin(response.status, response.headers);
  while (sent) {
    const auto piece = co_await source->next();
    if (!piece) break;
    sent = co_await exchange.write_chunk(*piece);
  }
  if (sent) std::ignore = co_await exchange.end();
  co_await source->close();
}

}  // namespace lambent
