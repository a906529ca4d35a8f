// GetAccountSettings.
#include <algorithm>
#include <utility>

#include "services/lambda/configuration.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::int64_t kTotalCodeBytes = 80'530'636'800;  // AWS's 75 GB; shown, not enforced

}  // namespace

Answer<api::GetAccountSettingsResponse> LambdaService::get_account_settings(const CallContext&,
                                                                            api::GetAccountSettingsRequest) {
  const auto& limits = settings_.limits;
  api::GetAccountSettingsResponse reply;
  auto& limit = reply.account_limit.emplace();
  limit.total_code_size = kTotalCodeBytes;
  limit.code_size_unzipped = static_cast<std::int64_t>(limits.unzipped_bytes);
  limit.code_size_zipped = static_cast<std::int64_t>(limits.zip_upload_bytes);
  limit.concurrent_executions = static_cast<std::int32_t>(limits.account_concurrency);
  const auto reserved = std::min<std::uint64_t>(parts_.catalog.reserved_concurrency(), limits.account_concurrency);
  limit.unreserved_concurrent_executions = static_cast<std::int32_t>(limits.account_concurrency - reserved);
  auto& usage = reply.account_usage.emplace();
  usage.function_count = static_cast<std::int64_t>(parts_.catalog.size());
  usage.total_code_size = static_cast<std::int64_t>(parts_.catalog.total_code_bytes());
  co_return reply;
}

}  // namespace lambent::services::lambda
