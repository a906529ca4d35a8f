#include "cli/operator_request.h"

#include <netdb.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "edge/client.h"
#include "identity/presign.h"
#include "net/connect.h"
#include "net/loop.h"
#include "net/scope.h"

namespace lambent::cli {
namespace {

constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::size_t kAnswerBytes = 64 * kKiB;
constexpr std::string_view kScheme = "http://";

struct Address {
  sockaddr_storage to{};
  socklen_t length = 0;
};

Result<Address> resolve(const std::string& url, std::string_view authority) {
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  std::string host(authority.substr(0, has_port ? colon : authority.size()));
  const std::string port(has_port ? authority.substr(colon + 1) : "80");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (status != 0) return fail(Error::of("find the server", url, gai_strerror(status)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  Address address;
  std::memcpy(&address.to, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  return address;
}

net::Task<Result<edge::Response>> exchange(net::Loop& loop, Address address, const std::string& url,
                                           const edge::ClientRequest& request) {
  auto stream = co_await net::connect_tcp(loop, address.to, address.length, kConnectTimeout);
  if (!stream) {
    Error error = std::move(stream).error();
    co_return fail(Error{.step = "reach the server at", .target = url, .code = error.code, .detail = error.detail});
  }
  edge::ClientConnection connection(*std::move(stream));
  auto response = co_await connection.exchange(request, kAnswerBytes);
  connection.close();
  if (!response) co_return fail(Error::of("hear the answer of", url, response.error().message));
  co_return *std::move(response);
}

net::Task<> exchange_and_stop(net::Loop& loop, Address address, const std::string& url,
                              const edge::ClientRequest& request, std::optional<Result<edge::Response>>& answer) {
  answer = co_await exchange(loop, address, url, request);
  loop.stop();
}

}  // namespace

Result<std::string> post_to_operator(const OperatorRequest& request, Wall now) {
  if (!request.url.starts_with(kScheme)) {
    return fail(Error::of("use the address", request.url, "it is of the form http://127.0.0.1:4566"));
  }
  std::string_view authority = std::string_view(request.url).substr(kScheme.size());
  authority = authority.substr(0, authority.find('/'));
  LAMBENT_TRY(const auto address, resolve(request.url, authority));
  const std::string target = identity::presign({.keys = request.keys, .session_token = {}, .principal = {}},
                                               {.method = "POST",
                                                .host = authority,
                                                .path = request.path,
                                                .query = {},
                                                .service = "lambent",
                                                .region = request.region},
                                               now);
  edge::ClientRequest message{.method = "POST", .target = target, .headers = {}, .body = {}};
  message.headers.add("Host", authority);

  std::optional<Result<edge::Response>> answer;
  net::Loop loop;
  net::Scope scope;
  scope.spawn(exchange_and_stop(loop, address, request.url, message, answer));
  loop.run();
  LAMBENT_TRY(auto response, *std::move(answer));
  std::string text = std::move(response.body);
  while (text.ends_with('\n')) text.pop_back();
  if (response.status != 200) return fail(Error::of("ask", request.url, text));
  return text;
}

}  // namespace lambent::cli
