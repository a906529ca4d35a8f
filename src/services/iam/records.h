// Roles and managed policies as they are kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "catalog/record_reader.h"

namespace lambent::services::iam {

using Pairs = catalog::Pairs;

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
struct RoleRecord {
  std::string name;
  std::string path;
  std::string id;  // AROA…
  std::int64_t created_ms = 0;
  std::string trust;  // AssumeRolePolicyDocument, as it was sent
  std::string description;
  std::int32_t session_seconds = 3600;
  std::string boundary;  // ARN; empty: none
  Pairs tags;
  Pairs inline_policies;              // name and document, in the order of the names
  std::vector<std::string> attached;  // ARNs of managed policies
};

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html
struct PolicyRecord {
  struct Version {
    std::uint32_t number = 0;
    std::string document;
    std::int64_t created_ms = 0;
  };
  std::string name;
  std::string path;
  std::string id;  // ANPA…
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::string description;
  std::uint32_t default_version = 1;
  std::uint32_t last_version = 1;  // no number is given twice
  std::vector<Version> versions;   // by number
  Pairs tags;
};

std::string encode(const RoleRecord& role);
std::string encode(const PolicyRecord& policy);
Result<RoleRecord> decode_role(std::string_view text);
Result<PolicyRecord> decode_policy(std::string_view text);

}  // namespace lambent::services::iam
