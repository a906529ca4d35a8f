// `lambent serve`: builds every object, wires them by their constructors, runs, and takes all of it down again in
// order. The only place that knows everybody.
#pragma once

#include <memory>

#include "base/error.h"
#include "base/fd.h"
#include "egress/egress_client.h"
#include "instance/runtime_set.h"
#include "main/config.h"
#include "main/data_folder.h"
#include "sandbox/audit_listener.h"
#include "sandbox/spawner_client.h"

namespace lambent {

// What was opened with the rights that the process was started with, before it gave them up.
struct Opened {
  DataFolder folder;
  sandbox::SpawnerProcess spawner;  // started before any thread existed
  egress::EgressProcess egress;     // the same
  UniqueFd listening;               // for clients
  sandbox::AuditListener audit;     // not open where refused system calls are not recorded
  instance::RuntimeSet runtimes;    // interpreters may lie where the server cannot look
};

class Server {
 public:
  // Opens what is on disk and builds everything; blocks.
  static Result<std::unique_ptr<Server>> open(const Config& config, Opened opened);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until SIGTERM or SIGINT (blocked in this thread by the caller), then drains: no new calls, those in flight
  // get Config::drain_timeout, then everything is ended. The error says why serving could not begin or broke off.
  Result<> run();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambent
