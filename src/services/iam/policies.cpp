// Managed policies of the account, and their versions.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
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

constexpr const char* kPolicies = "iam-policy";

protocol::Timestamp at(std::int64_t ms) {
  return protocol::Timestamp(std::chrono::milliseconds(ms));
}

std::string version_id(std::uint32_t number) {
  return fmt::format("v{}", number);
}

protocol::ServiceError no_version(std::string_view arn, std::string_view id) {
  return no_such(fmt::format("Policy {} version {} does not exist or is not attachable.", arn, id));
}

auto find_version(PolicyRecord& policy, std::string_view id) {
  return std::ranges::find_if(policy.versions, [&](const auto& each) { return version_id(each.number) == id; });
}

api::PolicyVersion show_version(const PolicyRecord& policy, const PolicyRecord::Version& version, bool with_document) {
  api::PolicyVersion shown;
  if (with_document) shown.document = percent_encode(version.document);
  shown.version_id = version_id(version.number);
  shown.is_default_version = version.number == policy.default_version;
  shown.create_date = at(version.created_ms);
  return shown;
}

}  // namespace

std::string IamService::arn_of(const PolicyRecord& policy) const {
  return fmt::format("arn:aws:iam::{}:policy{}{}", parts_.account_id, policy.path, policy.name);
}

api::Policy IamService::show(const PolicyRecord& policy) const {
  api::Policy shown;
  shown.policy_name = policy.name;
  shown.policy_id = policy.id;
  shown.arn = arn_of(policy);
  shown.path = policy.path;
  shown.default_version_id = version_id(policy.default_version);
  shown.attachment_count = static_cast<std::int32_t>(roles_with(*shown.arn).size());
  shown.permissions_boundary_usage_count = 0;
  shown.is_attachable = true;
  if (!policy.description.empty()) shown.description = policy.description;
  shown.create_date = at(policy.created_ms);
  shown.update_date = at(policy.updated_ms);
  for (const auto& [key, value] : policy.tags) {
    if (!shown.tags) shown.tags.emplace();
    shown.tags->push_back({.key = key, .value = value});
  }
  return shown;
}

IamService::Answer<api::CreatePolicyResponse> IamService::create_policy(const Call&, api::CreatePolicyRequest request) {
  if (auto problem = document_problem(DocumentKind::identity, request.policy_document)) {
    co_return failure(malformed(*std::move(problem)));
  }
  if (document_size(request.policy_document) > quotas_.policy_characters) {
    co_return failure(over_quota(fmt::format("Cannot exceed quota for PolicySize: {}", quotas_.policy_characters)));
  }
  const auto mine = co_await turn();
  PolicyRecord policy;
  policy.name = request.policy_name;
  policy.path = request.path.value_or("/");
  if (is_policy_name_taken(policy.name)) {
    co_return failure(
        already_there(fmt::format("A policy called {} already exists. Duplicate names are not allowed.", policy.name)));
  }
  policy.id = new_id("ANPA");
  policy.created_ms = policy.updated_ms = parts_.clock.wall_ms() / 1000 * 1000;
  policy.description = request.description.value_or("");
  policy.versions.push_back({1, std::move(request.policy_document), policy.created_ms});
  if (request.tags) LAMBENT_CO_TRY_VOID(add_tags(policy.tags, *request.tags));
  LAMBENT_CO_TRY_VOID(co_await keep(kPolicies, policy.name, encode(policy)));
  co_return api::CreatePolicyResponse{.policy = show(policy)};
}

IamService::Answer<api::GetPolicyResponse> IamService::get_policy(const Call&, api::GetPolicyRequest request) {
  LAMBENT_CO_TRY(const auto policy, find_policy(request.policy_arn));
  co_return api::GetPolicyResponse{.policy = show(policy)};
}

IamService::Answer<api::ListPoliciesResponse> IamService::list_policies(const Call&, api::ListPoliciesRequest request) {
  std::map<std::string, api::Policy, std::less<>> policies;
  for (const auto& [key, text] : parts_.documents.all(kPolicies)) {
    const auto policy = decode_policy(text);
    if (!policy || request.scope == "AWS" || !policy->path.starts_with(request.path_prefix.value_or("/"))) continue;
    if (request.policy_usage_filter == "PermissionsBoundary") continue;
    auto shown = show(*policy);
    if (request.only_attached.value_or(false) && shown.attachment_count == 0) continue;
    shown.tags.reset();  // as on AWS
    shown.description.reset();
    policies.emplace(key, std::move(shown));
  }
  api::ListPoliciesResponse reply;
  auto& list = reply.policies.emplace();
  LAMBENT_CO_TRY_VOID(page(reply, policies, "policies", request.marker, request.max_items,
                           [&](const std::string&, const api::Policy& policy) { list.push_back(policy); }));
  co_return reply;
}

IamService::Answer<Nothing> IamService::delete_policy(const Call&, api::DeletePolicyRequest request) {
  const auto mine = co_await turn();
  LAMBENT_CO_TRY(const auto policy, find_policy(request.policy_arn));
  if (!roles_with(request.policy_arn).empty()) {
    co_return failure(in_use("Cannot delete a policy attached to entities."));
  }
  if (policy.versions.size() > 1) {
    co_return failure(
        in_use("This policy has more than one version. Before you delete a policy, you must delete the policy's "
               "versions. The default version is deleted with the policy."));
  }
  LAMBENT_CO_TRY_VOID(co_await keep(kPolicies, policy.name, std::nullopt));
  co_return Nothing{};
}

IamService::Answer<api::CreatePolicyVersionResponse> IamService::create_policy_version(
    const Call&, api::CreatePolicyVersionRequest request) {
  if (auto problem = document_problem(DocumentKind::identity, request.policy_document)) {
    co_return failure(malformed(*std::move(problem)));
  }
  if (document_size(request.policy_document) > quotas_.policy_characters) {
    co_return failure(over_quota(fmt::format("Cannot exceed quota for PolicySize: {}", quotas_.policy_characters)));
  }
  api::CreatePolicyVersionResponse reply;
  const auto edit = [&](PolicyRecord& policy) -> Outcome<void> {
    if (policy.versions.size() >= quotas_.policy_versions) {
      return failure(over_quota(fmt::format(
          "A managed policy can have up to {} versions. Before you create a new version, you must delete an "
          "existing version.",
          quotas_.policy_versions)));
    }
    policy.updated_ms = parts_.clock.wall_ms() / 1000 * 1000;
    policy.versions.push_back({++policy.last_version, request.policy_document, policy.updated_ms});
    if (request.set_as_default.value_or(false)) policy.default_version = policy.last_version;
    reply.policy_version = show_version(policy, policy.versions.back(), false);
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(request.policy_arn, edit));
  co_return reply;
}

IamService::Answer<api::GetPolicyVersionResponse> IamService::get_policy_version(const Call&,
                                                                                 api::GetPolicyVersionRequest request) {
  LAMBENT_CO_TRY(auto policy, find_policy(request.policy_arn));
  const auto version = find_version(policy, request.version_id);
  if (version == policy.versions.end()) co_return failure(no_version(request.policy_arn, request.version_id));
  co_return api::GetPolicyVersionResponse{.policy_version = show_version(policy, *version, true)};
}

IamService::Answer<api::ListPolicyVersionsResponse> IamService::list_policy_versions(
    const Call&, api::ListPolicyVersionsRequest request) {
  LAMBENT_CO_TRY(const auto policy, find_policy(request.policy_arn));
  api::ListPolicyVersionsResponse reply;
  std::map<std::string, api::PolicyVersion> newest_first;
  for (const auto& each : policy.versions) {
    newest_first.emplace(fmt::format("{:010}", std::numeric_limits<std::uint32_t>::max() - each.number),
                         show_version(policy, each, false));
  }
  auto& versions = reply.versions.emplace();
  LAMBENT_CO_TRY_VOID(
      page(reply, newest_first, "versions of " + policy.name, request.marker, request.max_items,
           [&](const std::string&, const api::PolicyVersion& version) { versions.push_back(version); }));
  co_return reply;
}

IamService::Answer<Nothing> IamService::delete_policy_version(const Call&, api::DeletePolicyVersionRequest request) {
  const auto edit = [&](PolicyRecord& policy) -> Outcome<void> {
    const auto version = find_version(policy, request.version_id);
    if (version == policy.versions.end()) return failure(no_version(request.policy_arn, request.version_id));
    if (version->number == policy.default_version) {
      return failure(in_use("Cannot delete the default version of a policy."));
    }
    policy.versions.erase(version);
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(request.policy_arn, edit));
  co_return Nothing{};
}

IamService::Answer<Nothing> IamService::set_default_policy_version(const Call&,
                                                                   api::SetDefaultPolicyVersionRequest request) {
  const auto edit = [&](PolicyRecord& policy) -> Outcome<void> {
    const auto version = find_version(policy, request.version_id);
    if (version == policy.versions.end()) return failure(no_version(request.policy_arn, request.version_id));
    policy.default_version = version->number;
    policy.updated_ms = parts_.clock.wall_ms() / 1000 * 1000;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(request.policy_arn, edit));
  co_return Nothing{};
}

IamService::Answer<Nothing> IamService::tag_policy(const Call&, api::TagPolicyRequest request) {
  const auto edit = [&](PolicyRecord& policy) { return add_tags(policy.tags, request.tags); };
  LAMBENT_CO_TRY_VOID(co_await change_policy(request.policy_arn, edit));
  co_return Nothing{};
}

IamService::Answer<Nothing> IamService::untag_policy(const Call&, api::UntagPolicyRequest request) {
  const auto edit = [&](PolicyRecord& policy) -> Outcome<void> {
    std::erase_if(policy.tags, [&](const auto& tag) {
      return std::ranges::find(request.tag_keys, tag.first) != request.tag_keys.end();
    });
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(request.policy_arn, edit));
  co_return Nothing{};
}

IamService::Answer<api::ListPolicyTagsResponse> IamService::list_policy_tags(const Call&,
                                                                             api::ListPolicyTagsRequest request) {
  LAMBENT_CO_TRY(const auto policy, find_policy(request.policy_arn));
  const std::map<std::string, std::string> tags(policy.tags.begin(), policy.tags.end());
  api::ListPolicyTagsResponse reply;
  LAMBENT_CO_TRY_VOID(
      page(reply, tags, "tags of " + policy.name, request.marker, request.max_items,
           [&](const std::string& key, const std::string& value) { reply.tags.push_back({key, value}); }));
  co_return reply;
}

// Users and groups are not there.
IamService::Answer<api::ListEntitiesForPolicyResponse> IamService::list_entities_for_policy(
    const Call&, api::ListEntitiesForPolicyRequest request) {
  if (!request.policy_arn.starts_with("arn:aws:iam::aws:policy/")) {
    LAMBENT_CO_TRY_VOID(find_policy(request.policy_arn));
  }
  api::ListEntitiesForPolicyResponse reply;
  reply.policy_groups.emplace();
  reply.policy_users.emplace();
  auto& roles = reply.policy_roles.emplace();
  const bool wants_roles = !request.entity_filter || request.entity_filter == "Role" ||
                           request.entity_filter == "LocalManagedPolicy" || request.entity_filter == "AWSManagedPolicy";
  std::map<std::string, std::string> found;
  if (wants_roles && request.policy_usage_filter != "PermissionsBoundary") {
    for (const auto& role : roles_with(request.policy_arn)) found.emplace(role.name, role.id);
  }
  LAMBENT_CO_TRY_VOID(page(
      reply, found, "entities of " + request.policy_arn, request.marker, request.max_items,
      [&](const std::string& name, const std::string& id) { roles.push_back({.role_name = name, .role_id = id}); }));
  co_return reply;
}

}  // namespace lambent::services::iam
