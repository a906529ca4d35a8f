// Policies of one role: those written into it, and the managed ones attached to it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/encoding.h"
#include "services/iam/errors.h"
#include "services/iam/iam_service.h"
#include "services/iam/policy_document.h"

namespace lambent::services::iam {

using protocol::failure;
using protocol::Nothing;

namespace {

bool is_of_aws(std::string_view arn) {
  return arn.starts_with("arn:aws:iam::aws:policy/") && !arn.ends_with('/');
}

protocol::ServiceError no_inline_policy(std::string_view name) {
  return no_such(fmt::format("The role policy with name {} cannot be found.", name));
}

}  // namespace

IamService::Answer<Nothing> IamService::put_role_policy(const Call&, api::PutRolePolicyRequest request) {
  if (auto problem = document_problem(DocumentKind::identity, request.policy_document)) {
    co_return failure(malformed(*std::move(problem)));
  }
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    std::erase_if(role.inline_policies, [&](const auto& each) { return each.first == request.policy_name; });
    role.inline_policies.emplace_back(request.policy_name, request.policy_document);
    std::ranges::sort(role.inline_policies);
    std::size_t characters = 0;
    for (const auto& [name, document] : role.inline_policies) characters += document_size(document);
    if (characters > quotas_.inline_characters) {
      return failure(over_quota(
          fmt::format("Maximum policy size of {} bytes exceeded for role {}", quotas_.inline_characters, role.name)));
    }
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<api::GetRolePolicyResponse> IamService::get_role_policy(const Call&,
                                                                           api::GetRolePolicyRequest request) {
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  for (const auto& [name, document] : role.inline_policies) {
    if (name != request.policy_name) continue;
    co_return api::GetRolePolicyResponse{
        .role_name = role.name, .policy_name = name, .policy_document = percent_encode(document)};
  }
  co_return failure(no_inline_policy(request.policy_name));
}

IamService::Answer<Nothing> IamService::delete_role_policy(const Call&, api::DeleteRolePolicyRequest request) {
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    const auto gone =
        std::erase_if(role.inline_policies, [&](const auto& each) { return each.first == request.policy_name; });
    if (gone == 0) return failure(no_inline_policy(request.policy_name));
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<api::ListRolePoliciesResponse> IamService::list_role_policies(const Call&,
                                                                                 api::ListRolePoliciesRequest request) {
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  const std::map<std::string, std::string, std::less<>> policies(role.inline_policies.begin(),
                                                                 role.inline_policies.end());
  api::ListRolePoliciesResponse reply;
  LAMBENT_CO_TRY_VOID(page(reply, policies, "policies in " + role.name, request.marker, request.max_items,
                           [&](const std::string& name, const std::string&) { reply.policy_names.push_back(name); }));
  co_return reply;
}

// Once more is no error.
IamService::Answer<Nothing> IamService::attach_role_policy(const Call&, api::AttachRolePolicyRequest request) {
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    if (!is_of_aws(request.policy_arn) && !find_policy(request.policy_arn)) {
      return failure(no_such(fmt::format("Policy {} does not exist or is not attachable.", request.policy_arn)));
    }
    if (std::ranges::find(role.attached, request.policy_arn) != role.attached.end()) return {};
    if (role.attached.size() >= quotas_.attached_policies) {
      return failure(over_quota(fmt::format("Cannot exceed quota for PoliciesPerRole: {}", quotas_.attached_policies)));
    }
    role.attached.push_back(request.policy_arn);
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<Nothing> IamService::detach_role_policy(const Call&, api::DetachRolePolicyRequest request) {
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    if (std::erase(role.attached, request.policy_arn) == 0) return failure(no_policy(request.policy_arn));
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<api::ListAttachedRolePoliciesResponse> IamService::list_attached_role_policies(
    const Call&, api::ListAttachedRolePoliciesRequest request) {
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  std::map<std::string, std::string, std::less<>> names;  // by ARN
  const auto prefix = request.path_prefix.value_or("/");
  for (const auto& arn : role.attached) {
    const auto path = arn.find(":policy/");
    if (path != std::string::npos && std::string_view(arn).substr(path + 7).starts_with(prefix)) {
      names.emplace(arn, arn.substr(arn.rfind('/') + 1));
    }
  }
  api::ListAttachedRolePoliciesResponse reply;
  auto& shown = reply.attached_policies.emplace();
  LAMBENT_CO_TRY_VOID(page(reply, names, "policies of " + role.name, request.marker, request.max_items,
                           [&](const std::string& arn, const std::string& name) {
                             shown.push_back({.policy_name = name, .policy_arn = arn});
                           }));
  co_return reply;
}

}  // namespace lambent::services::iam
