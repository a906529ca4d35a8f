// Between what requests say of an event source mapping and its record: AWS's defaults, checks and words.
#pragma once

#include <cstdint>

#include "catalog/event_source_mapping.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

// The members that both requests have; what is not given stays as it is. The destination is not looked for.
ApiResult<void> apply_members(const api::CreateEventSourceMappingRequest& request, std::uint32_t most_filters,
                              catalog::EventSourceMapping& mapping);
ApiResult<void> apply_members(const api::UpdateEventSourceMappingRequest& request, std::uint32_t most_filters,
                              catalog::EventSourceMapping& mapping);

// Everything but the ARNs, the state and the last result.
api::EventSourceMappingConfiguration to_configuration(const catalog::EventSourceMapping& mapping);

}  // namespace lambent::services::lambda
