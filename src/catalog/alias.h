// A name for a version of a function, or for two by weight.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "catalog/function.h"

namespace lambent::catalog {

// https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
struct Alias {
  // A share of the calls that goes to another version.
  struct Weighted {
    std::string version;
    double weight = 0;  // 0 to 1
  };

  std::string name;
  std::string version;  // "$LATEST" or a number
  std::string description;
  std::string revision_id;  // changes with every change
  std::optional<Weighted> additional;
  std::optional<FunctionUrl> url;
};

using AliasPtr = std::shared_ptr<const Alias>;

// How it is kept in the store; see function_record.h.
std::string encode_alias(const Alias& alias);
Result<Alias> decode_alias(std::string_view text);

}  // namespace lambent::catalog
