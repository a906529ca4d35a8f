// Resource policies as AWS writes them.
#pragma once

#include <expected>
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

// JSON by id, "" where a statement has none. A document that was given whole has an entry before them, under
// kPolicyHead: the object without its statements.
using Statements = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::string_view kPolicyHead = "/head";  // no statement has such an id

bool has_statement(const Statements& statements, std::string_view sid);

// False for what is no policy: nothing, or a head alone.
bool has_statements(const Statements& statements);

// The parts of a document; or what is wrong with it. Looked at: JSON, at least one statement, each with an effect, a
// principal, an action and an id of its own (or none).
std::expected<Statements, std::string> read_policy(std::string_view document);

// The whole document.
std::string make_policy(const Statements& statements);

}  // namespace lambent::services::lambda
