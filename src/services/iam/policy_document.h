// What AWS checks of a policy's text before it keeps it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lambent::services::iam {

enum class DocumentKind {
  trust,     // who may assume a role: each statement has a principal and no resource
  identity,  // what a role may do: each statement has a resource and no principal
};

// Nothing where the grammar holds; else AWS's sentence for what is wrong. Names of actions, conditions and principals
// are not looked up.
std::optional<std::string> document_problem(DocumentKind kind, std::string_view text);

// Characters that count against quotas: white space does not.
std::size_t document_size(std::string_view text);

}  // namespace lambent::services::iam
