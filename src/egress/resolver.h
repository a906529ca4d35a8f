// Asking the host's name servers.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "egress/dns_message.h"
#include "egress/ip_address.h"
#include "net/loop.h"
#include "net/task.h"

namespace lambent::egress {

// The addresses of "nameserver" lines of a resolv.conf(5), the first three; those with a zone are left out.
std::vector<IpAddress> parse_resolv_conf(std::string_view text);

class Resolver {
 public:
  // Where `servers` is empty, those of /etc/resolv.conf, read again when it changes.
  Resolver(net::Loop& loop, const Clock& clock, Random& random, std::vector<IpAddress> servers)
      : loop_(loop), clock_(clock), random_(random), servers_(std::move(servers)), is_fixed_(!servers_.empty()) {}

  // The answer as it came, with the id that was asked under; it fits the question. Each server is asked in turn, twice,
  // by UDP from a port of its own and by TCP where the answer is cut off. Takes at most about ten seconds.
  net::Task<Result<DnsBytes>> ask(const DnsQuestion& question, bool with_edns);

 private:
  void refresh();
  net::Task<Result<DnsBytes>> ask_by_udp(IpAddress server, const DnsQuestion& question, const DnsBytes& query,
                                         std::uint16_t id, std::chrono::milliseconds patience);
  net::Task<Result<DnsBytes>> ask_by_tcp(IpAddress server, const DnsQuestion& question, const DnsBytes& query,
                                         std::uint16_t id);

  net::Loop& loop_;
  const Clock& clock_;
  Random& random_;
  std::vector<IpAddress> servers_;
  bool is_fixed_;
  Monotonic read_at_;
};

}  // namespace lambent::egress
