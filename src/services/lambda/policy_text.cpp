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

std::string make_policy(const Statements& statements) {
  std::string text = R"({"Version":"2012-10-17","Id":"default","Statement":[)";
  for (const auto& [sid, statement] : statements) text.append(statement).push_back(',');
  if (text.back() == ',') text.pop_back();
  return text + "]}";
}

}  // namespace lambent::services::lambda
