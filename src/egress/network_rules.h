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
  // Whether what has no way out is logged.
  [[nodiscard]] bool logs_attempts() const { return logs_attempts_; }
  // Whether the host's kernel can make gates; without them nothing is open, and nothing of attempts is known.
  [[nodiscard]] bool has_gates() const { return has_gates_; }
  void forgo_gates() { has_gates_ = false; }
  // The same policy as text, for Egress::open.
  [[nodiscard]] std::string text_of(std::string_view own) const { return own.empty() ? default_ : std::string(own); }

 private:
  std::string default_ = "platform";
  NetworkPolicy granted_{.internet = true};
  bool logs_attempts_ = true;
  bool has_gates_ = true;
};

}  // namespace lambent::egress
