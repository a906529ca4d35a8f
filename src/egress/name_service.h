// The name server of one instance: forwards what the policy allows, keeps answers that lead inside from the function,
// and remembers which addresses were given.
#pragma once

#include <cstddef>
#include <optional>

#include "egress/dns_message.h"
#include "egress/learned_addresses.h"
#include "egress/network_policy.h"
#include "egress/notices.h"
#include "egress/outside.h"
#include "net/task.h"

namespace lambent::egress {

class NameService {
 public:
  // All must outlive it.
  NameService(Outside& outside, const NetworkPolicy& policy, LearnedAddresses& learned, Notices& notices)
      : outside_(outside), policy_(policy), learned_(learned), notices_(notices) {}

  // The answer to one message; nothing where it deserves none. `is_datagram`: what does not fit the asker's buffer is
  // cut off.
  net::Task<std::optional<DnsBytes>> answer(DnsBytes message, bool is_datagram);

 private:
  net::Task<DnsBytes> answer_addresses(const DnsQuestion& question, std::size_t limit);
  net::Task<DnsBytes> pass_on(const DnsQuestion& question, std::size_t limit);
  [[nodiscard]] std::vector<DnsAddress> allowed_of(const DnsQuestion& question, const DnsAnswer& answer);

  Outside& outside_;
  const NetworkPolicy& policy_;
  LearnedAddresses& learned_;
  Notices& notices_;
};

}  // namespace lambent::egress
