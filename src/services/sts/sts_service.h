// STS: who am I, and keys for a while. The first calls of most deployment tools.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "identity/credentials.h"
#include "net/loop.h"
#include "net/timer.h"
#include "protocol/sts/service.h"

namespace lambent::services {

// Keys that are given out live in memory: they end with their time, or with the server. Thread rule: all on the loop's
// thread.
class StsService final : public protocol::sts::Service {
 public:
  struct Role {
    std::string id;  // AROA...
    std::chrono::seconds longest_session{3600};
  };
  // The role with this ARN, if there is one.
  using FindRole = std::function<std::optional<Role>(std::string_view arn)>;

  // The references outlive it.
  StsService(net::Loop& loop, const Clock& clock, identity::CredentialStore& credentials, FindRole find_role)
      : clock_(clock), credentials_(credentials), find_role_(std::move(find_role)), next_end_(loop) {}

  protocol::Answer<protocol::sts::GetCallerIdentityResponse> get_caller_identity(
      const protocol::CallContext& call, protocol::sts::GetCallerIdentityRequest request) override;
  protocol::Answer<protocol::sts::AssumeRoleResponse> assume_role(const protocol::CallContext& call,
                                                                  protocol::sts::AssumeRoleRequest request) override;
  protocol::Answer<protocol::sts::GetSessionTokenResponse> get_session_token(
      const protocol::CallContext& call, protocol::sts::GetSessionTokenRequest request) override;
  protocol::Answer<protocol::sts::GetAccessKeyInfoResponse> get_access_key_info(
      const protocol::CallContext& call, protocol::sts::GetAccessKeyInfoRequest request) override;

 private:
  struct Session {
    std::string access_key_id;
    Monotonic end;
  };
  // Keys that say `arn` and `user_id`.
  protocol::sts::Credentials issue(const std::string& arn, const std::string& session_name, std::string user_id,
                                   std::chrono::seconds duration);
  void end_sessions();

  const Clock& clock_;
  identity::CredentialStore& credentials_;
  FindRole find_role_;
  std::vector<Session> sessions_;
  net::Timer next_end_;
};

}  // namespace lambent::services
