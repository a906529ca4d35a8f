// IAM's roles and managed policies: what deployment tools make before a function. They are kept for good and shown as
// AWS shows them; nothing evaluates the policies yet.
//
// Policies of AWS's own (arn:aws:iam::aws:policy/…) can be attached by any name; their documents are not here.
//
// A role or policy is changed in its turn: all changes go one after the other. Thread rule: all on the loop's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/documents.h"
#include "protocol/iam/service.h"
#include "services/iam/records.h"

namespace lambent::services::iam {

namespace api = protocol::iam;

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
struct IamQuotas {
  std::size_t trust_characters = 2048;
  std::size_t inline_characters = 10'240;  // of all inline policies of a role
  std::size_t policy_characters = 6144;
  std::size_t policy_versions = 5;
  std::size_t attached_policies = 10;  // to one role
  std::size_t tags = 50;
};

class IamService final : public api::Service {
 public:
  // All outlive it.
  struct Parts {
    catalog::Documents& documents;
    catalog::Catalog& catalog;  // for turns and markers
    const Clock& clock;
    Random& random;
    std::string account_id;
  };
  explicit IamService(Parts parts, const IamQuotas& quotas = {}) : parts_(std::move(parts)), quotas_(quotas) {}

  // Nothing where there is none. For STS.
  [[nodiscard]] std::optional<RoleRecord> find_role_by_arn(std::string_view arn) const;

  using Call = protocol::CallContext;
  template <class T>
  using Answer = protocol::Answer<T>;

  // roles.cpp
  Answer<api::CreateRoleResponse> create_role(const Call& call, api::CreateRoleRequest request) override;
  Answer<api::GetRoleResponse> get_role(const Call& call, api::GetRoleRequest request) override;
  Answer<api::ListRolesResponse> list_roles(const Call& call, api::ListRolesRequest request) override;
  Answer<protocol::Nothing> delete_role(const Call& call, api::DeleteRoleRequest request) override;
  Answer<api::UpdateRoleResponse> update_role(const Call& call, api::UpdateRoleRequest request) override;
  Answer<api::UpdateRoleDescriptionResponse> update_role_description(
      const Call& call, api::UpdateRoleDescriptionRequest request) override;
  Answer<protocol::Nothing> update_assume_role_policy(const Call& call,
                                                      api::UpdateAssumeRolePolicyRequest request) override;
  Answer<protocol::Nothing> tag_role(const Call& call, api::TagRoleRequest request) override;
  Answer<protocol::Nothing> untag_role(const Call& call, api::UntagRoleRequest request) override;
  Answer<api::ListRoleTagsResponse> list_role_tags(const Call& call, api::ListRoleTagsRequest request) override;
  Answer<api::ListInstanceProfilesForRoleResponse> list_instance_profiles_for_role(
      const Call& call, api::ListInstanceProfilesForRoleRequest request) override;

  // role_policies.cpp
  Answer<protocol::Nothing> put_role_policy(const Call& call, api::PutRolePolicyRequest request) override;
  Answer<api::GetRolePolicyResponse> get_role_policy(const Call& call, api::GetRolePolicyRequest request) override;
  Answer<protocol::Nothing> delete_role_policy(const Call& call, api::DeleteRolePolicyRequest request) override;
  Answer<api::ListRolePoliciesResponse> list_role_policies(const Call& call,
                                                           api::ListRolePoliciesRequest request) override;
  Answer<protocol::Nothing> attach_role_policy(const Call& call, api::AttachRolePolicyRequest request) override;
  Answer<protocol::Nothing> detach_role_policy(const Call& call, api::DetachRolePolicyRequest request) override;
  Answer<api::ListAttachedRolePoliciesResponse> list_attached_role_policies(
      const Call& call, api::ListAttachedRolePoliciesRequest request) override;

  // policies.cpp
  Answer<api::CreatePolicyResponse> create_policy(const Call& call, api::CreatePolicyRequest request) override;
  Answer<api::GetPolicyResponse> get_policy(const Call& call, api::GetPolicyRequest request) override;
  Answer<api::ListPoliciesResponse> list_policies(const Call& call, api::ListPoliciesRequest request) override;
  Answer<protocol::Nothing> delete_policy(const Call& call, api::DeletePolicyRequest request) override;
  Answer<api::CreatePolicyVersionResponse> create_policy_version(const Call& call,
                                                                 api::CreatePolicyVersionRequest request) override;
  Answer<api::GetPolicyVersionResponse> get_policy_version(const Call& call,
                                                           api::GetPolicyVersionRequest request) override;
  Answer<api::ListPolicyVersionsResponse> list_policy_versions(const Call& call,
                                                               api::ListPolicyVersionsRequest request) override;
  Answer<protocol::Nothing> delete_policy_version(const Call& call, api::DeletePolicyVersionRequest request) override;
  Answer<protocol::Nothing> set_default_policy_version(const Call& call,
                                                       api::SetDefaultPolicyVersionRequest request) override;
  Answer<protocol::Nothing> tag_policy(const Call& call, api::TagPolicyRequest request) override;
  Answer<protocol::Nothing> untag_policy(const Call& call, api::UntagPolicyRequest request) override;
  Answer<api::ListPolicyTagsResponse> list_policy_tags(const Call& call, api::ListPolicyTagsRequest request) override;
  Answer<api::ListEntitiesForPolicyResponse> list_entities_for_policy(
      const Call& call, api::ListEntitiesForPolicyRequest request) override;

 private:
  template <class T>
  using Outcome = std::expected<T, protocol::ServiceError>;
  using Changed = net::Task<Outcome<void>>;

  [[nodiscard]] Outcome<RoleRecord> find_role(std::string_view name) const;
  // By ARN, of this account.
  [[nodiscard]] Outcome<PolicyRecord> find_policy(std::string_view arn) const;
  [[nodiscard]] bool is_policy_name_taken(std::string_view name) const;
  [[nodiscard]] std::vector<RoleRecord> roles_with(std::string_view policy_arn) const;
  [[nodiscard]] std::string arn_of(const RoleRecord& role) const;
  [[nodiscard]] std::string arn_of(const PolicyRecord& policy) const;
  [[nodiscard]] api::Role show(const RoleRecord& role) const;
  [[nodiscard]] api::Policy show(const PolicyRecord& policy) const;
  [[nodiscard]] std::string new_id(std::string_view prefix);

  // Finds it, lets `edit` change it, keeps it; nothing is kept where `edit` gives an error.
  Changed change_role(std::string name, std::function<Outcome<void>(RoleRecord&)> edit);
  Changed change_policy(std::string arn, std::function<Outcome<void>(PolicyRecord&)> edit);
  [[nodiscard]] net::Task<catalog::Catalog::Change> turn();
  Changed keep(std::string kind, std::string name, std::optional<std::string> text);
  [[nodiscard]] Outcome<void> add_tags(Pairs& tags, const std::vector<api::Tag>& more) const;

  // Fills `reply.is_truncated` and `reply.marker`; calls `add(key, value)` for each of a page of the map.
  template <class Reply, class Map, class Add>
  Outcome<void> page(Reply& reply, const Map& map, std::string_view list, const std::optional<std::string>& marker,
                     const std::optional<std::int32_t>& max_items, Add add) const {
    constexpr std::int32_t kDefaultPage = 100;
    auto at = map.begin();
    if (marker && !marker->empty()) {
      const auto after = parts_.catalog.markers().read(list, *marker);
      if (!after) return protocol::failure(protocol::framework_error("ValidationError", "Invalid Marker.", 400));
      at = map.upper_bound(*after);
    }
    auto left = max_items.value_or(kDefaultPage);
    std::string last;
    for (; at != map.end() && left > 0; ++at, --left) {
      add(at->first, at->second);
      last = at->first;
    }
    reply.is_truncated = at != map.end();
    if (*reply.is_truncated) reply.marker = parts_.catalog.markers().make(list, last);
    return {};
  }

  Parts parts_;
  IamQuotas quotas_;
};

}  // namespace lambent::services::iam
