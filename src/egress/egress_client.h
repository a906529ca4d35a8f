// The server's end of the egress process.
//
// start_egress() forks and execs before any thread exists; EgressClient then speaks to it on the loop. All members are
// for the loop's thread. Where the process dies, every open connection of functions dies with it, and nothing is let
// through instead; its keeper starts another one, which gets every gate again: what functions begin meanwhile waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "egress/network_policy.h"
#include "egress/notices.h"
#include "egress/settings.h"
#include "net/loop.h"
#include "net/task.h"

namespace lambent::egress {

using GateId = std::uint64_t;

// What instances need of it; tests have another.
class Egress {
 public:
  virtual ~Egress() = default;
  // Empty where gates can be opened; else why not, for the log.
  [[nodiscard]] virtual std::string why_unavailable() const = 0;
  // Serves a gate's sockets by a policy, as text that parse_network_policy takes, until close(). `on_notice` is called
  // on the loop.
  virtual GateId open(const std::string& policy, UniqueFd tcp, UniqueFd udp,
                      std::function<void(const Notice&)> on_notice) = 0;
  // Tells what a gate refused, whose policy opens nothing, until close(): `refusals` of sandbox::Gate.
  virtual GateId watch(UniqueFd refusals, std::function<void(const Notice&)> on_notice) = 0;
  // Done when everything was told that had been refused before; after it on_notice is not called any more. Takes a
  // second at most, whatever the process does.
  virtual net::Task<> close(GateId id) = 0;
};

// A started egress process and the line to it.
struct EgressProcess {
  UniqueFd socket;
  pid_t pid = -1;
};

// Starts `lambent egress` (this same executable). To be called once, before any thread exists.
Result<EgressProcess> start_egress();

class EgressClient final : public Egress {
 public:
  EgressClient(net::Loop& loop, EgressProcess process);
  // close() must have been awaited where start() was called.
  ~EgressClient() override;

  // The first call. `name_server` is the address whose port 53 the process answers on every gate.
  void start(const NetworkSettings& settings, const std::string& name_server);
  [[nodiscard]] std::string why_unavailable() const override;
  GateId open(const std::string& policy, UniqueFd tcp, UniqueFd udp,
              std::function<void(const Notice&)> on_notice) override;
  GateId watch(UniqueFd refusals, std::function<void(const Notice&)> on_notice) override;
  net::Task<> close(GateId id) override;
  // Ends the process; done when it is gone.
  net::Task<> stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lambent::egress
