#include "egress/network_rules.h"

namespace lambent::egress {

Result<NetworkRules> NetworkRules::create(const NetworkSettings& settings) {
  NetworkRules rules;
  LAMBENT_TRY_VOID(parse_network_policy(settings.default_policy));
  rules.default_ = settings.default_policy;
  LAMBENT_TRY(rules.granted_, parse_network_policy(settings.grantable));
  rules.logs_attempts_ = settings.log_attempts;
  return rules;
}

Result<NetworkPolicy> NetworkRules::policy_of(std::string_view own) const {
  if (own.empty()) return parse_network_policy(default_);
  LAMBENT_TRY(auto policy, parse_network_policy(own));
  LAMBENT_TRY_VOID(check_granted(policy, granted_));
  return policy;
}

}  // namespace lambent::egress
