// Where this host would send a packet: asked of the kernel for each destination, so that addresses which come and go
// are known at once.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "egress/ip_address.h"

namespace lambent::egress {

enum class HostRoute {
  away,  // to another machine
  own,   // to this host itself: one of its addresses, or a broadcast or multicast address
  none,  // nowhere
};

class HostRoutes {
 public:
  virtual ~HostRoutes() = default;
  // A question of the kernel that cannot be asked counts as `own`: nobody is let through by a failure.
  virtual HostRoute to(const IpAddress& address) = 0;
};

// By rtnetlink; two system calls a question, which do not block.
class KernelRoutes final : public HostRoutes {
 public:
  static Result<KernelRoutes> open();
  HostRoute to(const IpAddress& address) override;

 private:
  explicit KernelRoutes(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace lambent::egress
