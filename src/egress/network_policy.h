// What a function may reach beyond its own sandbox, as the tag `lambent:network` and the settings of the operator say
// it.
//
//   platform                     the platform's API and the Runtime API: the default
//   none                         the Runtime API alone
//   internet                     the platform's API, and every public address
//   a.example.com .b.org 10.1.0.0/16    the platform's API, and these; `internet` may be one of them
//   too
//
// A host name allows connections to the addresses that it was resolved to, as long as those are public and the answer
// holds. A range allows its addresses, whatever they are. `.b.org` means every name below b.org, and not b.org itself.
// AWS allows neither "*" nor "," in the value of a tag, so a dot and spaces it is; settings may have commas as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "egress/ip_address.h"

namespace lambent::egress {

inline constexpr const char* kNetworkTag = "lambent:network";
inline constexpr std::size_t kPolicyBytes = 1024;  // of a policy as text
inline constexpr std::size_t kPolicyEntries = 32;

struct NetworkPolicy {
  bool platform = true;  // the platform's API answers
  bool internet = false;
  std::vector<std::string> names;  // lower case, a dot in front for what is below
  std::vector<Cidr> ranges;

  // Whether there is anything to reach but the platform: the sandbox then needs a gate.
  [[nodiscard]] bool has_egress() const { return internet || !names.empty() || !ranges.empty(); }
  // `name` is in lower case, without a dot at its end.
  [[nodiscard]] bool lists_name(std::string_view name) const;
  [[nodiscard]] bool names_address(const IpAddress& address) const;  // in one of the ranges
};

// The error's detail is one sentence that says what is wrong with which entry.
Result<NetworkPolicy> parse_network_policy(std::string_view text);

// What functions may ask for by their tags. `platform` and `none` need no grant; `internet` grants itself, all host
// names, and ranges without any special address; a name grants itself and, with a dot in front, those below; a range
// grants ranges within it. The error's detail names the entry that goes beyond.
Result<> check_granted(const NetworkPolicy& wanted, const NetworkPolicy& granted);

}  // namespace lambent::egress
