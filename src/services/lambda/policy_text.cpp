#include "services/lambda/policy_text.h"

#include <algorithm>
#include <boost/json.hpp>

namespace lambent::services::lambda {
namespace {

namespace json = boost::json;

json::string to_json(std::string_view text) {
  return json::string(json::string_view(text.data(), text.size()));
}

json::value principal_of(std::string_view text) {
  if (text == "*") return "*";
  if (text.starts_with("arn:")) return json::object{{"AWS", to_json(text)}};
  const bool is_account = text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (is_account) return json::object{{"AWS", to_json("arn:aws:iam::" + std::string(text) + ":root")}};
  return json::object{{"Service", to_json(text)}};
}

json::object conditions_of(const StatementParts& parts) {
  json::object conditions;
  const auto add = [&](const char* operation, const char* key, const std::optional<std::string>& value) {
    if (!value) return;
    auto& place = conditions[operation];
    if (!place.is_object()) place = json::object();
    place.get_object()[key] = *value;
  };
  add("StringEquals", "lambda:FunctionUrlAuthType", parts.url_auth_type);
  add("StringEquals", "AWS:SourceAccount", parts.source_account);
  add("StringEquals", "lambda:EventSourceToken", parts.event_source_token);
  add("StringEquals", "aws:PrincipalOrgID", parts.organization);
  add("ArnLike", "AWS:SourceArn", parts.source_arn);
  if (parts.via_url) add("Bool", "lambda:InvokedViaFunctionUrl", *parts.via_url ? "true" : "false");
  return conditions;
}

bool is_statement(const json::value& value) {
  const auto* statement = value.if_object();
  if (!statement) return false;
  const auto* effect = statement->if_contains("Effect");
  const bool has_effect = effect && (*effect == "Allow" || *effect == "Deny");
  return has_effect && (statement->contains("Principal") || statement->contains("NotPrincipal")) &&
         (statement->contains("Action") || statement->contains("NotAction"));
}

// The id of a statement, or nothing where it is none that a statement can have.
std::optional<std::string> id_of(const json::value& statement) {
  const auto* sid = statement.get_object().if_contains("Sid");
  if (!sid) return "";
  if (!sid->is_string() || sid->get_string() == kPolicyHead) return std::nullopt;
  return std::string(sid->get_string());
}

}  // namespace

std::string make_statement(const StatementParts& parts) {
  json::object statement{{"Sid", to_json(parts.sid)},
                         {"Effect", "Allow"},
                         {"Principal", principal_of(parts.principal)},
                         {"Action", to_json(parts.action)},
                         {"Resource", to_json(parts.resource)}};
  if (auto conditions = conditions_of(parts); !conditions.empty()) statement["Condition"] = std::move(conditions);
  return json::serialize(statement);
}

bool has_statement(const Statements& statements, std::string_view sid) {
  return std::ranges::find(statements, sid, &Statements::value_type::first) != statements.end();
}

bool has_statements(const Statements& statements) {
  return std::ranges::any_of(statements, [](const auto& entry) { return entry.first != kPolicyHead; });
}

std::expected<Statements, std::string> read_policy(std::string_view document) {
  boost::system::error_code failed;
  auto value = json::parse(json::string_view(document.data(), document.size()), failed);
  if (failed || !value.is_object()) return std::unexpected("The policy is not a JSON object.");
  auto& head = value.get_object();
  const auto* given = head.if_contains("Statement");
  if (!given) return std::unexpected("Missing required field Statement");
  const auto list = given->is_array() ? given->get_array() : json::array{*given};
  head.erase("Statement");
  Statements statements{{std::string(kPolicyHead), json::serialize(head)}};
  for (const auto& statement : list) {
    if (!is_statement(statement)) {
      return std::unexpected(
          "Each statement of the policy must have an Effect (Allow or Deny), a Principal and an Action.");
    }
    auto sid = id_of(statement);
    if (!sid) return std::unexpected("The policy has an invalid statement id.");
    if (!sid->empty() && has_statement(statements, *sid)) {
      return std::unexpected("Statement IDs (SID) in a single policy must be unique.");
    }
    statements.emplace_back(*std::move(sid), json::serialize(statement));
  }
  if (!has_statements(statements)) return std::unexpected("The policy has no statement.");
  return statements;
}

std::string make_policy(const Statements& statements) {
  std::string text = R"({"Version":"2012-10-17","Id":"default",)";
  const bool has_head = !statements.empty() && statements.front().first == kPolicyHead;
  if (has_head) {
    text = statements.front().second;
    text.back() = ',';  // instead of the closing brace
    if (text == "{,") text = "{";
  }
  text += R"("Statement":[)";
  for (const auto& [sid, statement] : statements) {
    if (sid != kPolicyHead) text.append(statement).push_back(',');
  }
  if (text.back() == ',') text.pop_back();
  return text + "]}";
}

}  // namespace lambent::services::lambda
