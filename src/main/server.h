// `lambent serve`: builds every object, wires them by their constructors, runs, and takes all of it down again in
// order. The only place that knows everybody.
#pragma once

#include <memory>

#include "base/error.h"
#include "main/config.h"
#include "main/data_folder.h"
#include "sandbox/spawner_client.h"

namespace lambent {

class Server {
 public:
  // Opens what is on disk and builds everything; blocks. `spawner` was started before any thread existed.
  static Result<std::unique_ptr<Server>> open(const Config& config, DataFolder folder, sandbox::SpawnerProcess spawner);
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
