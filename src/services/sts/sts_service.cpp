#include "services/sts/sts_service.h"

namespace lambent::services {

protocol::Answer<protocol::sts::GetCallerIdentityResponse> StsService::get_caller_identity(
    const protocol::CallContext& call, protocol::sts::GetCallerIdentityRequest) {
  protocol::sts::GetCallerIdentityResponse identity;
  identity.user_id = call.principal.user_id;
  identity.account = call.principal.account_id;
  identity.arn = call.principal.arn;
  co_return identity;
}

}  // namespace lambent::services
