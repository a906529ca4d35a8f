#include "services/sts/sts_service.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::services {

namespace api = protocol::sts;
using protocol::failure;

namespace {

constexpr std::chrono::seconds kDefaultSession{3600};
constexpr std::chrono::seconds kDefaultToken{43'200};

}  // namespace

protocol::Answer<api::GetCallerIdentityResponse> StsService::get_caller_identity(const protocol::CallContext& call,
                                                                                 api::GetCallerIdentityRequest) {
  api::GetCallerIdentityResponse identity;
  identity.user_id = call.principal.user_id;
  identity.account = call.principal.account_id;
  identity.arn = call.principal.arn;
  co_return identity;
}

// Trust policies are not evaluated yet: every caller may assume every role that is there.
protocol::Answer<api::AssumeRoleResponse> StsService::assume_role(const protocol::CallContext& call,
                                                                  api::AssumeRoleRequest request) {
  const auto role = find_role_(request.role_arn);
  if (!role) {
    co_return failure(
        protocol::framework_error("AccessDenied",
                                  fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                                              call.principal.arn, request.role_arn),
                                  403));
  }
  const std::chrono::seconds duration(
      request.duration_seconds.value_or(static_cast<std::int32_t>(kDefaultSession.count())));
  if (duration > role->longest_session) {
    co_return failure(protocol::framework_error(
        "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 400));
  }
  const auto arn = identity::assumed_role_arn(request.role_arn, request.role_session_name);
  const auto user_id = fmt::format("{}:{}", role->id, request.role_session_name);
  api::AssumeRoleResponse reply;
  reply.credentials = issue(arn, request.role_session_name, user_id, duration);
  reply.assumed_role_user = {.assumed_role_id = user_id, .arn = arn};
  reply.source_identity = request.source_identity;
  co_return reply;
}

protocol::Answer<api::GetSessionTokenResponse> StsService::get_session_token(const protocol::CallContext& call,
                                                                             api::GetSessionTokenRequest request) {
  if (call.principal.access_key_id.starts_with("ASIA")) {
    co_return failure(
        protocol::framework_error("AccessDenied", "Cannot call GetSessionToken with session credentials", 403));
  }
  const std::chrono::seconds duration(
      request.duration_seconds.value_or(static_cast<std::int32_t>(kDefaultToken.count())));
  api::GetSessionTokenResponse reply;
  reply.credentials = issue(call.principal.arn, "", call.principal.user_id, duration);
  co_return reply;
}

protocol::Answer<api::GetAccessKeyInfoResponse> StsService::get_access_key_info(const protocol::CallContext& call,
                                                                                api::GetAccessKeyInfoRequest request) {
  if (credentials_.find(request.access_key_id) == nullptr) {
    co_return failure(protocol::framework_error(
        "ValidationError", fmt::format("The access key {} is not known.", request.access_key_id), 400));
  }
  api::GetAccessKeyInfoResponse reply;
  reply.account = call.account_id;
  co_return reply;
}

api::Credentials StsService::issue(const std::string& arn, const std::string& session_name, std::string user_id,
                                   std::chrono::seconds duration) {
  auto keys = credentials_.issue(arn, session_name);
  auto credential = *credentials_.find(keys.access_key_id);
  credential.principal.user_id = std::move(user_id);
  credentials_.revoke(keys.access_key_id);
  credentials_.insert(std::move(credential));
  sessions_.push_back({keys.access_key_id, clock_.monotonic() + duration});
  end_sessions();
  return {.access_key_id = std::move(keys.access_key_id),
          .secret_access_key = std::move(keys.secret_access_key),
          .session_token = std::move(keys.session_token),
          .expiration = std::chrono::floor<std::chrono::seconds>(clock_.wall() + duration)};
}

// Those whose time is over; the timer is set for the next one.
void StsService::end_sessions() {
  const auto now = clock_.monotonic();
  std::erase_if(sessions_, [&](const Session& each) {
    if (each.end > now) return false;
    credentials_.revoke(each.access_key_id);
    return true;
  });
  next_end_.cancel();
  if (sessions_.empty()) return;
  const auto next = std::ranges::min_element(sessions_, {}, &Session::end)->end;
  next_end_.arm(std::chrono::ceil<std::chrono::milliseconds>(next - now), [this] { end_sessions(); });
}

}  // namespace lambent::services
