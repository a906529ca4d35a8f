// Function URLs: an HTTP request comes in, the function is called with it as an event, and its answer goes out as an
// HTTP response.
//
// Thread rule: everything on the loop's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/function_name.h"
#include "catalog/function_url_address.h"
#include "edge/http.h"
#include "edge/server.h"
#include "identity/verifier.h"
#include "invoke/invoker.h"
#include "net/task.h"

namespace lambent::triggers {

class FunctionUrls {
 public:
  // All references outlive it. `home` gives the account that signed callers' events name.
  FunctionUrls(const catalog::Catalog& catalog, invoke::Invoker& invoker, identity::Verifier& verifier,
               const Clock& clock, Random& random, catalog::Home home, const Limits& limits);

  // The function URL a request goes to, by Host or path (catalog/function_url_address.h); nothing: not for us.
  static std::optional<catalog::FunctionUrlMatch> match(const edge::RequestHead& head);

  // Reads the body, calls the function, responds. `match` comes from this exchange's head.
  net::Task<> handle(edge::Exchange& exchange, catalog::FunctionUrlMatch match);

  // The same without a socket: the whole response to a request whose body has been read.
  // `peer`: "127.0.0.1:53122".
  net::Task<edge::Response> respond(const edge::RequestHead& head, catalog::FunctionUrlMatch match, std::string body,
                                    std::string peer);

 private:
  net::Task<edge::Response> call(const catalog::UrlTarget& target, const edge::RequestHead& head,
                                 catalog::FunctionUrlMatch match, const std::string& body, const std::string& peer,
                                 const identity::Principal* principal);

  const catalog::Catalog& catalog_;
  invoke::Invoker& invoker_;
  identity::Verifier& verifier_;
  const Clock& clock_;
  Random& random_;
  catalog::Home home_;
  Limits limits_;
};

}  // namespace lambent::triggers
