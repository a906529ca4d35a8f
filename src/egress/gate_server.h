// The outside of one instance's gate (sandbox/gate.h): decides on each connection and each question for a name, and
// carries what is allowed.
//
// A connection has been accepted by the kernel before it is decided on, so a program inside sees one that is refused
// or that fails as opened and then reset; the reason is in its function's log. New ones are taken at the rate of the
// limits: a flood waits in the kernel's queues inside the sandbox and costs nobody else anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>

#include "base/fd.h"
#include "egress/ip_address.h"
#include "egress/learned_addresses.h"
#include "egress/name_service.h"
#include "egress/network_policy.h"
#include "egress/notices.h"
#include "egress/outside.h"
#include "egress/relay.h"
#include "egress/token_bucket.h"
#include "net/readiness.h"
#include "net/task.h"
#include "net/timer.h"

namespace lambent::egress {

class GateServer : public std::enable_shared_from_this<GateServer> {
 public:
  struct Sockets {
    UniqueFd tcp;           // listening, non-blocking
    UniqueFd udp;           // tells original destinations
    IpAddress name_server;  // port 53 of it is answered here
  };
  // `outside` must outlive it. Serves from now on, until close().
  static std::shared_ptr<GateServer> start(Outside& outside, NetworkPolicy policy, Sockets sockets,
                                           std::function<void(const Notice&)> tell);
  GateServer(Outside& outside, NetworkPolicy policy, Sockets sockets, std::function<void(const Notice&)> tell);

  // Resets every connection and takes no more. Idempotent.
  void close();
  [[nodiscard]] std::size_t connections() const { return connections_; }

 private:
  using Self = std::shared_ptr<GateServer>;
  struct Datagram;
  class Place;

  static net::Task<> accept_all(Self self);
  static net::Task<> carry(Self self, UniqueFd accepted, IpAddress to, std::uint16_t port);
  static net::Task<> answer_stream(Self self, UniqueFd accepted);
  static net::Task<> receive_all(Self self);
  static net::Task<> answer_datagram(Self self, std::unique_ptr<Datagram> datagram);
  void take(UniqueFd accepted);
  void take_datagram();
  void send_answer(const Datagram& to, const DnsBytes& answer);

  Outside& outside_;
  const NetworkPolicy policy_;
  Sockets sockets_;
  Notices notices_;
  LearnedAddresses learned_;
  NameService names_;
  TokenBucket new_connections_;
  TokenBucket new_queries_;
  net::Readiness tcp_ready_;
  net::Readiness udp_ready_;
  net::Timer tcp_pause_;
  net::Timer udp_pause_;
  std::unordered_set<Relay*> relays_;
  std::size_t connections_ = 0;  // accepted and not yet over
  std::size_t queries_ = 0;      // asked and not yet answered
  bool is_closed_ = false;
};

}  // namespace lambent::egress
