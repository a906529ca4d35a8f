// Roles, and what roles and policies have in common.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
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

constexpr const char* kRoles = "iam-role";
constexpr const char* kPolicies = "iam-policy";

// Names are told apart without regard to case.
std::string key_of(std::string_view name) {
  std::string key(name);
  std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return key;
}

protocol::Timestamp at(std::int64_t ms) {
  return protocol::Timestamp(std::chrono::milliseconds(ms));
}

std::vector<api::Tag> to_tags(const Pairs& pairs) {
  std::vector<api::Tag> tags;
  for (const auto& [key, value] : pairs) tags.push_back({.key = key, .value = value});
  return tags;
}

}  // namespace

std::expected<RoleRecord, protocol::ServiceError> IamService::find_role(std::string_view name) const {
  const auto& roles = parts_.documents.all(kRoles);
  const auto found = roles.find(key_of(name));
  if (found == roles.end()) return failure(no_role(name));
  auto role = decode_role(found->second);
  if (!role) return failure(storage_failed(role.error().message()));
  return *std::move(role);
}

std::expected<PolicyRecord, protocol::ServiceError> IamService::find_policy(std::string_view arn) const {
  const auto& policies = parts_.documents.all(kPolicies);
  const auto found = policies.find(key_of(arn.substr(arn.rfind('/') + 1)));
  if (found == policies.end()) return failure(no_policy(arn));
  auto policy = decode_policy(found->second);
  if (!policy) return failure(storage_failed(policy.error().message()));
  if (arn_of(*policy) != arn) return failure(no_policy(arn));
  return *std::move(policy);
}

bool IamService::is_policy_name_taken(std::string_view name) const {
  return parts_.documents.all(kPolicies).contains(key_of(name));
}

std::optional<RoleRecord> IamService::find_role_by_arn(std::string_view arn) const {
  auto role = find_role(arn.substr(arn.rfind('/') + 1));
  if (!role || arn_of(*role) != arn) return std::nullopt;
  return *std::move(role);
}

std::vector<RoleRecord> IamService::roles_with(std::string_view policy_arn) const {
  std::vector<RoleRecord> roles;
  for (const auto& [key, text] : parts_.documents.all(kRoles)) {
    auto role = decode_role(text);
    if (role && std::ranges::find(role->attached, policy_arn) != role->attached.end())
      roles.push_back(*std::move(role));
  }
  return roles;
}

std::string IamService::arn_of(const RoleRecord& role) const {
  return fmt::format("arn:aws:iam::{}:role{}{}", parts_.account_id, role.path, role.name);
}

std::string IamService::new_id(std::string_view prefix) {
  return std::string(prefix) + parts_.random.text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

api::Role IamService::show(const RoleRecord& role) const {
  api::Role shown;
  shown.path = role.path;
  shown.role_name = role.name;
  shown.role_id = role.id;
  shown.arn = arn_of(role);
  shown.create_date = at(role.created_ms);
  shown.assume_role_policy_document = percent_encode(role.trust);
  if (!role.description.empty()) shown.description = role.description;
  shown.max_session_duration = role.session_seconds;
  if (!role.boundary.empty()) {
    shown.permissions_boundary = {.permissions_boundary_type = "Policy", .permissions_boundary_arn = role.boundary};
  }
  if (!role.tags.empty()) shown.tags = to_tags(role.tags);
  return shown;
}

net::Task<catalog::Catalog::Change> IamService::turn() {
  return parts_.catalog.begin_change_in_turn("/iam");  // no function has such a name
}

net::Task<std::expected<void, protocol::ServiceError>> IamService::keep(std::string kind, std::string name,
                                                                        std::optional<std::string> text) {
  const auto kept = co_await parts_.documents.put(std::move(kind), key_of(name), std::move(text));
  if (!kept) co_return failure(storage_failed(kept.error().message()));
  co_return Outcome<void>();
}

net::Task<std::expected<void, protocol::ServiceError>> IamService::change_role(
    std::string name, std::function<Outcome<void>(RoleRecord&)> edit) {
  const auto mine = co_await turn();
  LAMBENT_CO_TRY(auto role, find_role(name));
  LAMBENT_CO_TRY_VOID(edit(role));
  co_return co_await keep(kRoles, name, encode(role));
}

net::Task<std::expected<void, protocol::ServiceError>> IamService::change_policy(
    std::string arn, std::function<Outcome<void>(PolicyRecord&)> edit) {
  const auto mine = co_await turn();
  LAMBENT_CO_TRY(auto policy, find_policy(arn));
  LAMBENT_CO_TRY_VOID(edit(policy));
  co_return co_await keep(kPolicies, policy.name, encode(policy));
}

std::expected<void, protocol::ServiceError> IamService::add_tags(Pairs& tags, const std::vector<api::Tag>& more) const {
  std::map<std::string, std::string> added;
  for (const auto& [key, value] : more) {
    if (!added.emplace(key, value).second) {
      return failure(invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
    }
    if (key.starts_with("aws:")) {
      return failure(invalid_input("aws: prefixed tag key names are not allowed for external use."));
    }
  }
  std::erase_if(tags, [&](const auto& each) { return added.contains(each.first); });
  tags.insert(tags.end(), added.begin(), added.end());
  std::ranges::sort(tags);
  if (tags.size() > quotas_.tags) {
    return failure(invalid_input(fmt::format("Failed to tag resource. The number of tags exceeds {}.", quotas_.tags)));
  }
  return {};
}

IamService::Answer<api::CreateRoleResponse> IamService::create_role(const Call&, api::CreateRoleRequest request) {
  if (auto problem = document_problem(DocumentKind::trust, request.assume_role_policy_document)) {
    co_return failure(malformed(*std::move(problem)));
  }
  if (document_size(request.assume_role_policy_document) > quotas_.trust_characters) {
    co_return failure(over_quota(fmt::format("Cannot exceed quota for ACLSizePerRole: {}", quotas_.trust_characters)));
  }
  const auto mine = co_await turn();
  if (find_role(request.role_name)) {
    co_return failure(already_there(fmt::format("Role with name {} already exists.", request.role_name)));
  }
  RoleRecord role;
  role.name = request.role_name;
  role.path = request.path.value_or("/");
  role.id = new_id("AROA");
  role.created_ms = parts_.clock.wall_ms() / 1000 * 1000;  // AWS shows whole seconds
  role.trust = std::move(request.assume_role_policy_document);
  role.description = request.description.value_or("");
  role.session_seconds = request.max_session_duration.value_or(role.session_seconds);
  role.boundary = request.permissions_boundary.value_or("");
  if (request.tags) LAMBENT_CO_TRY_VOID(add_tags(role.tags, *request.tags));
  LAMBENT_CO_TRY_VOID(co_await keep(kRoles, role.name, encode(role)));
  co_return api::CreateRoleResponse{.role = show(role)};
}

IamService::Answer<api::GetRoleResponse> IamService::get_role(const Call&, api::GetRoleRequest request) {
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  co_return api::GetRoleResponse{.role = show(role)};
}

// Without tags and boundary, as on AWS.
IamService::Answer<api::ListRolesResponse> IamService::list_roles(const Call&, api::ListRolesRequest request) {
  std::map<std::string, RoleRecord, std::less<>> roles;
  for (const auto& [key, text] : parts_.documents.all(kRoles)) {
    auto role = decode_role(text);
    if (role && role->path.starts_with(request.path_prefix.value_or("/"))) roles.emplace(key, *std::move(role));
  }
  api::ListRolesResponse reply;
  LAMBENT_CO_TRY_VOID(
      page(reply, roles, "roles", request.marker, request.max_items, [&](const std::string&, const RoleRecord& role) {
        auto& shown = reply.roles.emplace_back(show(role));
        shown.tags.reset();
        shown.permissions_boundary.reset();
      }));
  co_return reply;
}

IamService::Answer<Nothing> IamService::delete_role(const Call&, api::DeleteRoleRequest request) {
  const auto mine = co_await turn();
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  if (!role.attached.empty()) co_return failure(in_use("Cannot delete entity, must detach all policies first."));
  if (!role.inline_policies.empty()) co_return failure(in_use("Cannot delete entity, must delete policies first."));
  LAMBENT_CO_TRY_VOID(co_await keep(kRoles, role.name, std::nullopt));
  co_return Nothing{};
}

IamService::Answer<api::UpdateRoleResponse> IamService::update_role(const Call&, api::UpdateRoleRequest request) {
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    if (request.description) role.description = *request.description;
    if (request.max_session_duration) role.session_seconds = *request.max_session_duration;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return api::UpdateRoleResponse{};
}

IamService::Answer<api::UpdateRoleDescriptionResponse> IamService::update_role_description(
    const Call&, api::UpdateRoleDescriptionRequest request) {
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    role.description = request.description;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  co_return api::UpdateRoleDescriptionResponse{.role = show(role)};
}

IamService::Answer<Nothing> IamService::update_assume_role_policy(const Call&,
                                                                  api::UpdateAssumeRolePolicyRequest request) {
  if (auto problem = document_problem(DocumentKind::trust, request.policy_document)) {
    co_return failure(malformed(*std::move(problem)));
  }
  if (document_size(request.policy_document) > quotas_.trust_characters) {
    co_return failure(over_quota(fmt::format("Cannot exceed quota for ACLSizePerRole: {}", quotas_.trust_characters)));
  }
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    role.trust = request.policy_document;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<Nothing> IamService::tag_role(const Call&, api::TagRoleRequest request) {
  const auto edit = [&](RoleRecord& role) { return add_tags(role.tags, request.tags); };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<Nothing> IamService::untag_role(const Call&, api::UntagRoleRequest request) {
  const auto edit = [&](RoleRecord& role) -> Outcome<void> {
    std::erase_if(role.tags, [&](const auto& tag) {
      return std::ranges::find(request.tag_keys, tag.first) != request.tag_keys.end();
    });
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_role(request.role_name, edit));
  co_return Nothing{};
}

IamService::Answer<api::ListRoleTagsResponse> IamService::list_role_tags(const Call&,
                                                                         api::ListRoleTagsRequest request) {
  LAMBENT_CO_TRY(const auto role, find_role(request.role_name));
  const std::map<std::string, std::string> tags(role.tags.begin(), role.tags.end());
  api::ListRoleTagsResponse reply;
  LAMBENT_CO_TRY_VOID(
      page(reply, tags, "tags of role " + role.name, request.marker, request.max_items,
           [&](const std::string& key, const std::string& value) { reply.tags.push_back({key, value}); }));
  co_return reply;
}

// There are no instance profiles; tools ask before they delete a role.
IamService::Answer<api::ListInstanceProfilesForRoleResponse> IamService::list_instance_profiles_for_role(
    const Call&, api::ListInstanceProfilesForRoleRequest request) {
  LAMBENT_CO_TRY_VOID(find_role(request.role_name));
  api::ListInstanceProfilesForRoleResponse reply;
  LAMBENT_CO_TRY_VOID(page(reply, std::map<std::string, int>(), "profiles", request.marker, request.max_items,
                           [](const std::string&, int) {}));
  co_return reply;
}

}  // namespace lambent::services::iam
