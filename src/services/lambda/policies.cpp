// AddPermission, RemovePermission and GetPolicy, and the same documents as a whole: PutResourcePolicy,
// GetResourcePolicy and DeleteResourcePolicy. Policies are kept and shown; nothing evaluates them yet.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/policy_text.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

protocol::ServiceError no_policy() {
  return api::ResourceNotFoundException{.message = "The resource you requested does not exist."};
}

protocol::ServiceError nothing_to_remove() {
  return api::ResourceNotFoundException{.message = "No policy is associated with the given resource."};
}

// The revision that a policy is part of: its alias's or its version's.
const std::string& revision_of(const catalog::Entry& entry, const std::string& qualifier) {
  if (const auto alias = entry.alias(qualifier)) return alias->revision_id;
  return entry.version(qualifier)->revision_id;
}

// That record with a new revision; instances stay.
void renew_revision(const catalog::Entry& entry, const std::string& qualifier, std::string revision,
                    catalog::Edit& edit) {
  if (const auto alias = entry.alias(qualifier)) {
    edit.alias.emplace(*alias).revision_id = std::move(revision);
  } else if (qualifier == catalog::kLatest) {
    edit.latest.emplace(*entry.latest).revision_id = std::move(revision);
  } else {
    edit.published.emplace(*entry.version(qualifier)).revision_id = std::move(revision);
  }
}

}  // namespace

ApiResult<LambdaService::Named> LambdaService::find_policy_owner(std::string_view name,
                                                                 const std::optional<std::string>& qualifier) const {
  auto named = find(name, qualifier.value_or(""));
  if (!named) return named;
  if (named->qualifier == catalog::kLatest) {
    return failure(invalid_parameter("We currently do not support adding policies for $LATEST."));
  }
  if (named->qualifier.empty()) named->qualifier = catalog::kLatest;  // its key; the ARN stays unqualified
  return named;
}

ApiResult<LambdaService::Named> LambdaService::find_policy_owner_by_arn(std::string_view arn) const {
  if (arn.contains(":runtime/")) return failure(no_policy());  // the other resource that the model has; none is here
  return find_policy_owner(arn, std::nullopt);
}

ApiResult<void> LambdaService::check_policy_size(const Statements& policy) const {
  const auto size = make_policy(policy).size();
  if (size <= settings_.calls.policy_bytes) return {};
  return failure(api::PolicyLengthExceededException{
      .message = fmt::format("The final policy size ({}) is bigger than the limit ({}).", size,
                             settings_.calls.policy_bytes)});
}

net::Task<ApiResult<void>> LambdaService::change_policy(
    Named named, std::optional<std::string> revision_id,
    std::function<ApiResult<void>(std::vector<std::pair<std::string, std::string>>&)> edit_statements) {
  LAMBENT_CO_TRY(auto change, co_await begin_change_in_turn(named.function->name));
  const auto& entry = *change.entry();
  if (!entry.show(named.qualifier)) co_return failure(function_not_found(named.arn));
  if (revision_id && *revision_id != revision_of(entry, named.qualifier)) co_return failure(revision_mismatch());
  catalog::Edit edit{.settings = *entry.settings};
  auto& statements = edit.settings->policies[named.qualifier];
  LAMBENT_CO_TRY_VOID(edit_statements(statements));
  if (!has_statements(statements)) edit.settings->policies.erase(named.qualifier);
  renew_revision(entry, named.qualifier, parts_.random.uuid(), edit);
  const auto committed = co_await change.commit(std::move(edit));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return ApiResult<void>();
}

Answer<api::AddPermissionResponse> LambdaService::add_permission(const CallContext&,
                                                                 api::AddPermissionRequest request) {
  LAMBENT_CO_TRY(const auto named, find_policy_owner(request.function_name, request.qualifier));
  const auto statement = make_statement({.sid = request.statement_id,
                                         .action = request.action,
                                         .principal = request.principal,
                                         .resource = named.arn,
                                         .source_arn = request.source_arn,
                                         .source_account = request.source_account,
                                         .event_source_token = request.event_source_token,
                                         .organization = request.principal_org_id,
                                         .url_auth_type = request.function_url_auth_type,
                                         .via_url = request.invoked_via_function_url});
  const auto add = [&](Statements& statements) -> ApiResult<void> {
    if (has_statement(statements, request.statement_id)) {
      return failure(api::ResourceConflictException{
          .message = fmt::format("The statement id ({}) provided already exists. Please provide a new statement id, or "
                                 "remove the existing statement.",
                                 request.statement_id)});
    }
    statements.emplace_back(request.statement_id, statement);
    return check_policy_size(statements);
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(named, request.revision_id, add));
  api::AddPermissionResponse reply;
  reply.statement = statement;
  co_return reply;
}

Answer<protocol::Nothing> LambdaService::remove_permission(const CallContext&, api::RemovePermissionRequest request) {
  LAMBENT_CO_TRY(const auto named, find_policy_owner(request.function_name, request.qualifier));
  const auto remove = [&](Statements& statements) -> ApiResult<void> {
    if (statements.empty()) return failure(nothing_to_remove());
    if (std::erase_if(statements, [&](const auto& each) { return each.first == request.statement_id; }) > 0) return {};
    return failure(api::ResourceNotFoundException{
        .message = fmt::format("Statement {} is not found in resource policy.", request.statement_id)});
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(named, request.revision_id, remove));
  co_return protocol::Nothing{};
}

Answer<api::GetPolicyResponse> LambdaService::get_policy(const CallContext&, api::GetPolicyRequest request) {
  LAMBENT_CO_TRY(const auto named, find_policy_owner(request.function_name, request.qualifier));
  const auto& policies = named.entry->settings->policies;
  const auto policy = policies.find(named.qualifier);
  if (policy == policies.end()) co_return failure(no_policy());
  api::GetPolicyResponse reply;
  reply.policy = make_policy(policy->second);
  reply.revision_id = revision_of(*named.entry, named.qualifier);
  co_return reply;
}

Answer<api::PutResourcePolicyResponse> LambdaService::put_resource_policy(const CallContext&,
                                                                          api::PutResourcePolicyRequest request) {
  LAMBENT_CO_TRY(const auto named, find_policy_owner_by_arn(request.resource_arn));
  const auto policy = read_policy(request.policy);
  if (!policy) co_return failure(invalid_parameter(policy.error()));
  LAMBENT_CO_TRY_VOID(check_policy_size(*policy));
  const auto replace = [&](Statements& statements) -> ApiResult<void> {
    statements = *policy;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(named, request.revision_id, replace));
  LAMBENT_CO_TRY(const auto changed, find_policy_owner_by_arn(request.resource_arn));
  co_return api::PutResourcePolicyResponse{.policy = make_policy(*policy),
                                           .revision_id = revision_of(*changed.entry, changed.qualifier)};
}

Answer<api::GetResourcePolicyResponse> LambdaService::get_resource_policy(const CallContext&,
                                                                          api::GetResourcePolicyRequest request) {
  LAMBENT_CO_TRY(const auto named, find_policy_owner_by_arn(request.resource_arn));
  const auto& policies = named.entry->settings->policies;
  const auto policy = policies.find(named.qualifier);
  if (policy == policies.end()) co_return failure(no_policy());
  co_return api::GetResourcePolicyResponse{.policy = make_policy(policy->second),
                                           .revision_id = revision_of(*named.entry, named.qualifier)};
}

Answer<protocol::Nothing> LambdaService::delete_resource_policy(const CallContext&,
                                                                api::DeleteResourcePolicyRequest request) {
  LAMBENT_CO_TRY(const auto named, find_policy_owner_by_arn(request.resource_arn));
  const auto remove = [](Statements& statements) -> ApiResult<void> {
    if (statements.empty()) return failure(nothing_to_remove());
    statements.clear();
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_policy(named, request.revision_id, remove));
  co_return protocol::Nothing{};
}

}  // namespace lambent::services::lambda
