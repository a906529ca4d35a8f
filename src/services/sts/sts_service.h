// STS: who am I. The first call of most deployment tools.
#pragma once

#include "protocol/sts/service.h"

namespace lambent::services {

// Stateless; answers from the caller's own context.
class StsService final : public protocol::sts::Service {
 public:
  protocol::Answer<protocol::sts::GetCallerIdentityResponse> get_caller_identity(
      const protocol::CallContext& call, protocol::sts::GetCallerIdentityRequest request) override;
};

}  // namespace lambent::services
