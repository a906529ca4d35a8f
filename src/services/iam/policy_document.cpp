#include "services/iam/policy_document.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace lambent::services::iam {
namespace {

namespace json = boost::json;

constexpr const char* kSyntax = "Syntax errors in policy.";

bool has_any(const json::object& object, const char* one, const char* other) {
  return object.contains(one) || object.contains(other);
}

std::optional<std::string> statement_problem(DocumentKind kind, const json::value& value) {
  static constexpr std::array<std::string_view, 9> kMembers = {
      "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"};
  const auto* statement = value.if_object();
  if (!statement) return kSyntax;
  for (const auto& [name, ignored] : *statement) {
    if (std::ranges::find(kMembers, std::string_view(name)) == kMembers.end()) return kSyntax;
  }
  const auto* effect = statement->if_contains("Effect");
  if (!effect || !effect->is_string() || (effect->get_string() != "Allow" && effect->get_string() != "Deny")) {
    return effect ? kSyntax : "Missing required field Effect";
  }
  if (!has_any(*statement, "Action", "NotAction")) return "Policy statement must contain actions.";
  const bool has_resource = has_any(*statement, "Resource", "NotResource");
  const bool has_principal = has_any(*statement, "Principal", "NotPrincipal");
  if (kind == DocumentKind::trust) {
    if (has_resource) return "Has prohibited field Resource";
    if (!has_principal) return "Missing required field Principal";
    return std::nullopt;
  }
  if (has_principal) return "Policy document should not specify a principal.";
  if (!has_resource) return "Policy statement must contain resources.";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> document_problem(DocumentKind kind, std::string_view text) {
  boost::system::error_code failed;
  const auto value = json::parse(json::string_view(text.data(), text.size()), failed);
  const auto* document = failed ? nullptr : value.if_object();
  if (!document) return kind == DocumentKind::trust ? "This policy contains invalid Json" : kSyntax;
  for (const auto& [name, ignored] : *document) {
    if (name != "Version" && name != "Id" && name != "Statement") return kSyntax;
  }
  if (const auto* version = document->if_contains("Version")) {
    const bool is_known =
        version->is_string() && (version->get_string() == "2012-10-17" || version->get_string() == "2008-10-17");
    if (!is_known) return "Policy document must be version 2012-10-17 or greater.";
  }
  const auto* statements = document->if_contains("Statement");
  if (!statements) return kSyntax;
  if (!statements->is_array()) return statement_problem(kind, *statements);
  if (statements->get_array().empty()) return kSyntax;
  for (const auto& each : statements->get_array()) {
    if (auto problem = statement_problem(kind, each)) return problem;
  }
  return std::nullopt;
}

std::size_t document_size(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

}  // namespace lambent::services::iam
