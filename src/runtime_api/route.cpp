#include "runtime_api/route.h"

#include "base/encoding.h"

namespace lambent::runtime_api {
namespace {

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";
constexpr std::string_view kInvocation = "invocation/";

}  // namespace

Route parse_route(std::string_view method, std::string_view path) {
  if (!path.starts_with(kPrefix)) return {};
  path.remove_prefix(kPrefix.size());
  const auto when = [&](std::string_view wanted, Route route) {
    return method == wanted ? route : Route{Route::Kind::wrong_method, {}};
  };
  if (path == "init/error") return when("POST", {Route::Kind::init_error, {}});
  // Of a fork, whose hooks after the restore are its INIT.
  if (path == "restore/error") return when("POST", {Route::Kind::init_error, {}});
  if (!path.starts_with(kInvocation)) return {};
  path.remove_prefix(kInvocation.size());
  if (path == "next") return when("GET", {Route::Kind::next, {}});
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  const std::string_view id = path.substr(0, slash);
  const std::string_view verb = path.substr(slash + 1);
  if (verb == "response") return when("POST", {Route::Kind::response, id});
  if (verb == "error") return when("POST", {Route::Kind::error, id});
  return {};
}

void apply_trailers(const edge::Headers& trailers, Answer& answer) {
  const auto type = trailers.get("Lambda-Runtime-Function-Error-Type");
  if (!type) return;
  answer.is_error = true;
  answer.error_type = std::string(*type);
  answer.content_type = "application/json";
  const auto encoded = trailers.get("Lambda-Runtime-Function-Error-Body");
  const auto body = encoded ? base64_decode(*encoded) : std::nullopt;
  answer.body = body.value_or(R"({"errorMessage":"The response stream failed","errorType":"Runtime.StreamError"})");
}

}  // namespace lambent::runtime_api
