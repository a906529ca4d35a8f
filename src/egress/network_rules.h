// Which policy holds for which function: its own as its tag says it, as far as the operator grants that; else the
// server's default.
#pragma once

#include <string>
#include <string_view>

#include "egress/network_policy.h"
#include "egress/settings.h"

namespace lambent::egress {

class NetworkRules {
 public:
  NetworkRules() = default;  // platform for all; internet may be asked for
  // Fails where a setting is no policy.
  static Result<NetworkRules> create(const NetworkSettings& settings);

  // `own` is the value of the function's tag, empty where it has none. Checked each time an instance starts, so that
  // a grant that the operator took back holds no longer. The error's detail is one sentence.
  [[nodiscard]] Result<NetworkPolicy> policy_of(std::string_view own) const;
  // Whether a sandbox needs a gate: to reach something, or so that what it tries is logged.
  [[nodiscard]] bool wants_gate(const NetworkPolicy& policy) const { return policy.has_egress() || logs_attempts_; }
  // Where the host has no gates: attempts are not logged, whatever the setting says.
  void forgo_logging_attempts() { logs_attempts_ = false; }
  // The same policy as text, for Egress::open.
  [[nodiscard]] std::string text_of(std::string_view own) const { return own.empty() ? default_ : std::string(own); }

 private:
  std::string default_ = "platform";
  NetworkPolicy granted_{.internet = true};
  bool logs_attempts_ = false;
};

}  // namespace lambent::egress
