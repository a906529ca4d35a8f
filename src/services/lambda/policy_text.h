// Resource policies as AWS writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambent::services::lambda {

// What AddPermission and AddLayerVersionPermission say.
struct StatementParts {
  std::string_view sid;
  std::string_view action;
  std::string_view principal;  // a service's domain name, an account, an ARN or "*"
  std::string_view resource;
  std::optional<std::string> source_arn;
  std::optional<std::string> source_account;
  std::optional<std::string> event_source_token;
  std::optional<std::string> organization;
  std::optional<std::string> url_auth_type;
  std::optional<bool> via_url;
};

// One statement, as JSON.
std::string make_statement(const StatementParts& parts);

using Statements = std::vector<std::pair<std::string, std::string>>;  // JSON by id

bool has_statement(const Statements& statements, std::string_view sid);

// The whole document.
std::string make_policy(const Statements& statements);

}  // namespace lambent::services::lambda
