// Settings that are kept and shown, though nothing acts on them yet, as JSON text in catalog::Function::echoed under
// their API names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/function.h"
#include "protocol/lambda/types.h"

namespace lambent::services::lambda {

// Nothing given leaves what is there. An empty KMSKeyArn, an empty TargetArn, and a VpcConfig without subnets remove.
void keep_vpc_config(catalog::Function& function, const std::optional<protocol::lambda::VpcConfig>& given);
void keep_dead_letter_config(catalog::Function& function,
                             const std::optional<protocol::lambda::DeadLetterConfig>& given);
void keep_kms_key_arn(catalog::Function& function, const std::optional<std::string>& given);
void keep_logging_config(catalog::Function& function, const std::optional<protocol::lambda::LoggingConfig>& given);
void keep_snap_start(catalog::Function& function, const std::optional<protocol::lambda::SnapStart>& given);

// Fills these members of the configuration, with AWS's defaults for what was never given.
void show_echoed(const catalog::Function& function, protocol::lambda::FunctionConfiguration& out);

}  // namespace lambent::services::lambda
