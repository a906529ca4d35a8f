// A version of a layer: immutable content that functions mount at /opt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/code_package.h"

namespace lambent::catalog {

// https://docs.aws.amazon.com/lambda/latest/api/API_LayerVersionsListItem.html
struct LayerVersion {
  std::string name;
  std::uint64_t version = 0;
  std::string description;
  std::string license;
  std::vector<std::string> runtimes;       // that it says it is for; not checked, as on AWS
  std::vector<std::string> architectures;  // the same
  std::string created;                     // format_lambda_time
  std::string code_digest;                 // as of a function
  std::uint64_t code_size = 0;
  std::uint64_t code_unzipped = 0;
  CodePackagePtr code;                                      // not part of the stored record
  std::vector<std::pair<std::string, std::string>> policy;  // statements by id, JSON
  std::string revision_id;                                  // of the policy; changes with it
};

using LayerVersionPtr = std::shared_ptr<const LayerVersion>;

// How it is kept in the store; see function_record.h.
std::string encode_layer(const LayerVersion& layer);
Result<LayerVersion> decode_layer(std::string_view text);

}  // namespace lambent::catalog
