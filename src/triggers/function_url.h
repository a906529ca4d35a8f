// Function URLs: an HTTP request comes in, the function is called with it as an event, and its answer goes out as an
// HTTP response.
//
// Thread rule: everything on the loop's thread.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/call_limits.h"
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
  // All outlive it.
  struct Parts {
    const catalog::Catalog& catalog;
    invoke::Invoker& invoker;
    identity::Verifier& verifier;
    const Clock& clock;
    Random& random;
  };
  // `home` gives the account that signed callers' events name.
  FunctionUrls(Parts parts, catalog::Home home, const Limits& limits, const CallLimits& calls);

  // The function URL a request goes to, by Host or path (catalog/function_url_address.h); nothing: not for us.
  static std::optional<catalog::FunctionUrlMatch> match(const edge::RequestHead& head);

  // Reads the body, calls the function, responds. `match` comes from this exchange's head.
  net::Task<> handle(edge::Exchange& exchange, catalog::FunctionUrlMatch match);

  // The same without a socket and without streaming: the whole response to a request whose body has been read.
  // `peer`: "127.0.0.1:53122".
  net::Task<edge::Response> respond(const edge::RequestHead& head, catalog::FunctionUrlMatch match, std::string body,
                                    std::string peer);

 private:
  // A request that may call its function.
  struct Admitted {
    std::shared_ptr<const catalog::FunctionUrl> url;
    invoke::Call call;
  };
  std::expected<Admitted, edge::Response> admit(const edge::RequestHead& head, catalog::FunctionUrlMatch match,
                                                const std::string& body, const std::string& peer);
  invoke::Call make_call(const catalog::UrlTarget& target, const edge::RequestHead& head,
                         catalog::FunctionUrlMatch match, const std::string& body, const std::string& peer,
                         const identity::Principal* principal);
  // InvokeMode BUFFERED.
  net::Task<edge::Response> call(const edge::RequestHead& head, Admitted admitted);
  // InvokeMode RESPONSE_STREAM.
  net::Task<> stream(edge::Exchange& exchange, Admitted admitted);
  static void finish_head(edge::Headers& headers, const edge::RequestHead& head, const catalog::FunctionUrl& url,
                          const std::string& request_id);

  Parts parts_;
  catalog::Home home_;
  Limits limits_;
  std::uint64_t streamed_bytes_;
};

}  // namespace lambent::triggers
