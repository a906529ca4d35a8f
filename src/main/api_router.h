// What a request on the one port is for, and who answers it: health, metrics, a function URL, a package download, or an
// AWS API (told apart as AWS's clients expect: credential scope, X-Amz-Target, path, Host).
//
// An API request goes edge -> identity -> protocol -> service: the operation is found first, so that the body is read
// within its limit; then the signature is checked over the whole; only then does a service see it.
//
// Used on the loop's thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "edge/server.h"
#include "identity/verifier.h"
#include "net/loop.h"
#include "net/task.h"
#include "net/work_pool.h"
#include "protocol/endpoint.h"

namespace lambent {

class ApiRouter {
 public:
  struct Parts {
    net::Loop& loop;
    net::WorkPool& pool;
    const Clock& clock;
    Random& random;
    identity::Verifier& verifier;
    const Limits& limits;
    std::string account_id;
    std::string region;
  };
  // Answers the exchange if it is for it, before anything else is tried; false: not for it.
  using Visitor = std::function<net::Task<bool>(edge::Exchange&)>;

  // `endpoints` are the AWS APIs of this server; all outlive the router.
  ApiRouter(Parts parts, std::vector<protocol::Endpoint*> endpoints);

  // Requests that are no API calls: function URLs, downloads. Only the public door asks them.
  void add_visitor(Visitor visitor) { visitors_.push_back(std::move(visitor)); }

  // The public door.
  net::Task<> handle_public(edge::Exchange& exchange);
  // The door inside a function's sandbox: AWS APIs only.
  net::Task<> handle_api(edge::Exchange& exchange);

  // What /readyz says: ready, as long as `healthy` agrees.
  void set_ready(bool ready) { ready_ = ready; }
  void set_health_check(std::function<bool()> healthy) { healthy_ = std::move(healthy); }
  // What /metrics says, to whoever signs with the root key for the service "lambent".
  void set_metrics(std::function<std::string()> metrics) { metrics_ = std::move(metrics); }
  // What POST /backup does, for the same: makes a backup and says in which folder. One at a time.
  void set_backup(std::function<net::Task<Result<std::string>>()> backup) { backup_ = std::move(backup); }

 private:
  net::Task<> answer_health(edge::Exchange& exchange);
  net::Task<> answer_operator(edge::Exchange& exchange);
  net::Task<edge::Response> answer_backup(const edge::RequestHead& head);
  static net::Task<> respond(edge::Exchange& exchange, protocol::HttpReply reply);

  Parts parts_;
  std::vector<protocol::Endpoint*> endpoints_;
  std::vector<const protocol::ServiceModel*> models_;
  std::vector<Visitor> visitors_;
  bool ready_ = false;
  std::function<bool()> healthy_ = [] { return true; };
  std::function<std::string()> metrics_ = [] { return std::string(); };
  std::function<net::Task<Result<std::string>>()> backup_;
  bool is_backing_up_ = false;
};

}  // namespace lambent
