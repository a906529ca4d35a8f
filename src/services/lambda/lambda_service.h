// The Lambda API on the catalog and the invoker: each operation decodes names, checks what the model cannot say,
// changes the catalog or calls the function, and answers in AWS's words.
//
// A function is complete when its record is written: its code is unpacked and synced before. CreateFunction therefore
// answers Pending and the updates answer InProgress, as AWS's clients expect, and the next look at the function says
// Active and Successful. Only a version with SnapStart is Pending for as long as its snapshot takes
// (snapshot_publisher.h).
//
// Not there yet, and refused with a sentence that says so: container images, code in S3.
//
// Thread rule: everything on the loop's thread.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "base/call_limits.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/code_store.h"
#include "catalog/documents.h"
#include "catalog/event_source_mapping.h"
#include "catalog/function_name.h"
#include "catalog/function_url_address.h"
#include "catalog/layers.h"
#include "egress/network_rules.h"
#include "identity/credentials.h"
#include "invoke/event_sources.h"
#include "invoke/invoker.h"
#include "protocol/lambda/service.h"
#include "services/lambda/snapshot_publisher.h"

namespace lambent::services::lambda {

namespace api = protocol::lambda;

struct LambdaSettings {
  catalog::Home home;
  Limits limits;
  catalog::FunctionUrlAddress function_urls;
  std::string authority = "127.0.0.1:4566";  // under which clients reach this server: for Code.Location
  std::string architecture = "x86_64";       // of this host: x86_64 or arm64
  egress::NetworkRules network;
  CallLimits calls;
  bool strict = false;  // what AWS would refuse, and what only this server has, is refused
};

// What the service works with; everything outlives it.
struct LambdaParts {
  catalog::Catalog& catalog;
  catalog::CodeStore& code;
  catalog::Layers& layers;
  catalog::Documents& documents;
  invoke::Invoker& invoker;
  invoke::RuntimeCatalog& runtimes;
  invoke::EventSources& event_sources;
  SnapshotPublisher& snapshots;
  const identity::CredentialStore& credentials;
  const Clock& clock;
  Random& random;
};

template <class T>
using ApiResult = std::expected<T, protocol::ServiceError>;

class LambdaService final : public api::Service {
 public:
  LambdaService(LambdaParts parts, LambdaSettings settings);

  // functions.cpp
  protocol::Answer<api::FunctionConfiguration> create_function(const protocol::CallContext& call,
                                                               api::CreateFunctionRequest request) override;
  protocol::Answer<api::GetFunctionResponse> get_function(const protocol::CallContext& call,
                                                          api::GetFunctionRequest request) override;
  protocol::Answer<api::FunctionConfiguration> get_function_configuration(
      const protocol::CallContext& call, api::GetFunctionConfigurationRequest request) override;
  protocol::Answer<api::ListFunctionsResponse> list_functions(const protocol::CallContext& call,
                                                              api::ListFunctionsRequest request) override;
  protocol::Answer<api::FunctionConfiguration> update_function_code(const protocol::CallContext& call,
                                                                    api::UpdateFunctionCodeRequest request) override;
  protocol::Answer<api::FunctionConfiguration> update_function_configuration(
      const protocol::CallContext& call, api::UpdateFunctionConfigurationRequest request) override;
  protocol::Answer<api::DeleteFunctionResponse> delete_function(const protocol::CallContext& call,
                                                                api::DeleteFunctionRequest request) override;

  // versions.cpp
  protocol::Answer<api::FunctionConfiguration> publish_version(const protocol::CallContext& call,
                                                               api::PublishVersionRequest request) override;
  protocol::Answer<api::ListVersionsByFunctionResponse> list_versions_by_function(
      const protocol::CallContext& call, api::ListVersionsByFunctionRequest request) override;

  // aliases.cpp
  protocol::Answer<api::AliasConfiguration> create_alias(const protocol::CallContext& call,
                                                         api::CreateAliasRequest request) override;
  protocol::Answer<api::AliasConfiguration> get_alias(const protocol::CallContext& call,
                                                      api::GetAliasRequest request) override;
  protocol::Answer<api::AliasConfiguration> update_alias(const protocol::CallContext& call,
                                                         api::UpdateAliasRequest request) override;
  protocol::Answer<protocol::Nothing> delete_alias(const protocol::CallContext& call,
                                                   api::DeleteAliasRequest request) override;
  protocol::Answer<api::ListAliasesResponse> list_aliases(const protocol::CallContext& call,
                                                          api::ListAliasesRequest request) override;

  // concurrency.cpp
  protocol::Answer<api::Concurrency> put_function_concurrency(const protocol::CallContext& call,
                                                              api::PutFunctionConcurrencyRequest request) override;
  protocol::Answer<api::GetFunctionConcurrencyResponse> get_function_concurrency(
      const protocol::CallContext& call, api::GetFunctionConcurrencyRequest request) override;
  protocol::Answer<protocol::Nothing> delete_function_concurrency(
      const protocol::CallContext& call, api::DeleteFunctionConcurrencyRequest request) override;
  protocol::Answer<api::PutProvisionedConcurrencyConfigResponse> put_provisioned_concurrency_config(
      const protocol::CallContext& call, api::PutProvisionedConcurrencyConfigRequest request) override;
  protocol::Answer<api::GetProvisionedConcurrencyConfigResponse> get_provisioned_concurrency_config(
      const protocol::CallContext& call, api::GetProvisionedConcurrencyConfigRequest request) override;
  protocol::Answer<api::ListProvisionedConcurrencyConfigsResponse> list_provisioned_concurrency_configs(
      const protocol::CallContext& call, api::ListProvisionedConcurrencyConfigsRequest request) override;
  protocol::Answer<protocol::Nothing> delete_provisioned_concurrency_config(
      const protocol::CallContext& call, api::DeleteProvisionedConcurrencyConfigRequest request) override;

  // event_invoke.cpp
  protocol::Answer<api::FunctionEventInvokeConfig> put_function_event_invoke_config(
      const protocol::CallContext& call, api::PutFunctionEventInvokeConfigRequest request) override;
  protocol::Answer<api::FunctionEventInvokeConfig> update_function_event_invoke_config(
      const protocol::CallContext& call, api::UpdateFunctionEventInvokeConfigRequest request) override;
  protocol::Answer<api::FunctionEventInvokeConfig> get_function_event_invoke_config(
      const protocol::CallContext& call, api::GetFunctionEventInvokeConfigRequest request) override;
  protocol::Answer<api::ListFunctionEventInvokeConfigsResponse> list_function_event_invoke_configs(
      const protocol::CallContext& call, api::ListFunctionEventInvokeConfigsRequest request) override;
  protocol::Answer<protocol::Nothing> delete_function_event_invoke_config(
      const protocol::CallContext& call, api::DeleteFunctionEventInvokeConfigRequest request) override;
  protocol::Answer<api::PutFunctionRecursionConfigResponse> put_function_recursion_config(
      const protocol::CallContext& call, api::PutFunctionRecursionConfigRequest request) override;
  protocol::Answer<api::GetFunctionRecursionConfigResponse> get_function_recursion_config(
      const protocol::CallContext& call, api::GetFunctionRecursionConfigRequest request) override;

  // layers.cpp
  protocol::Answer<api::PublishLayerVersionResponse> publish_layer_version(
      const protocol::CallContext& call, api::PublishLayerVersionRequest request) override;
  protocol::Answer<api::GetLayerVersionResponse> get_layer_version(const protocol::CallContext& call,
                                                                   api::GetLayerVersionRequest request) override;
  protocol::Answer<api::GetLayerVersionResponse> get_layer_version_by_arn(
      const protocol::CallContext& call, api::GetLayerVersionByArnRequest request) override;
  protocol::Answer<api::ListLayersResponse> list_layers(const protocol::CallContext& call,
                                                        api::ListLayersRequest request) override;
  protocol::Answer<api::ListLayerVersionsResponse> list_layer_versions(const protocol::CallContext& call,
                                                                       api::ListLayerVersionsRequest request) override;
  protocol::Answer<protocol::Nothing> delete_layer_version(const protocol::CallContext& call,
                                                           api::DeleteLayerVersionRequest request) override;
  protocol::Answer<api::AddLayerVersionPermissionResponse> add_layer_version_permission(
      const protocol::CallContext& call, api::AddLayerVersionPermissionRequest request) override;
  protocol::Answer<protocol::Nothing> remove_layer_version_permission(
      const protocol::CallContext& call, api::RemoveLayerVersionPermissionRequest request) override;
  protocol::Answer<api::GetLayerVersionPolicyResponse> get_layer_version_policy(
      const protocol::CallContext& call, api::GetLayerVersionPolicyRequest request) override;

  // policies.cpp
  protocol::Answer<api::AddPermissionResponse> add_permission(const protocol::CallContext& call,
                                                              api::AddPermissionRequest request) override;
  protocol::Answer<protocol::Nothing> remove_permission(const protocol::CallContext& call,
                                                        api::RemovePermissionRequest request) override;
  protocol::Answer<api::GetPolicyResponse> get_policy(const protocol::CallContext& call,
                                                      api::GetPolicyRequest request) override;
  protocol::Answer<api::PutResourcePolicyResponse> put_resource_policy(const protocol::CallContext& call,
                                                                       api::PutResourcePolicyRequest request) override;
  protocol::Answer<api::GetResourcePolicyResponse> get_resource_policy(const protocol::CallContext& call,
                                                                       api::GetResourcePolicyRequest request) override;
  protocol::Answer<protocol::Nothing> delete_resource_policy(const protocol::CallContext& call,
                                                             api::DeleteResourcePolicyRequest request) override;

  // kept.cpp
  protocol::Answer<api::CreateCodeSigningConfigResponse> create_code_signing_config(
      const protocol::CallContext& call, api::CreateCodeSigningConfigRequest request) override;
  protocol::Answer<api::GetCodeSigningConfigResponse> get_code_signing_config(
      const protocol::CallContext& call, api::GetCodeSigningConfigRequest request) override;
  protocol::Answer<api::UpdateCodeSigningConfigResponse> update_code_signing_config(
      const protocol::CallContext& call, api::UpdateCodeSigningConfigRequest request) override;
  protocol::Answer<api::DeleteCodeSigningConfigResponse> delete_code_signing_config(
      const protocol::CallContext& call, api::DeleteCodeSigningConfigRequest request) override;
  protocol::Answer<api::ListCodeSigningConfigsResponse> list_code_signing_configs(
      const protocol::CallContext& call, api::ListCodeSigningConfigsRequest request) override;
  protocol::Answer<api::ListFunctionsByCodeSigningConfigResponse> list_functions_by_code_signing_config(
      const protocol::CallContext& call, api::ListFunctionsByCodeSigningConfigRequest request) override;
  protocol::Answer<api::PutFunctionCodeSigningConfigResponse> put_function_code_signing_config(
      const protocol::CallContext& call, api::PutFunctionCodeSigningConfigRequest request) override;
  protocol::Answer<api::GetFunctionCodeSigningConfigResponse> get_function_code_signing_config(
      const protocol::CallContext& call, api::GetFunctionCodeSigningConfigRequest request) override;
  protocol::Answer<protocol::Nothing> delete_function_code_signing_config(
      const protocol::CallContext& call, api::DeleteFunctionCodeSigningConfigRequest request) override;
  protocol::Answer<api::PutRuntimeManagementConfigResponse> put_runtime_management_config(
      const protocol::CallContext& call, api::PutRuntimeManagementConfigRequest request) override;
  protocol::Answer<api::GetRuntimeManagementConfigResponse> get_runtime_management_config(
      const protocol::CallContext& call, api::GetRuntimeManagementConfigRequest request) override;
  protocol::Answer<api::PutFunctionScalingConfigResponse> put_function_scaling_config(
      const protocol::CallContext& call, api::PutFunctionScalingConfigRequest request) override;
  protocol::Answer<api::GetFunctionScalingConfigResponse> get_function_scaling_config(
      const protocol::CallContext& call, api::GetFunctionScalingConfigRequest request) override;

  // capacity_providers.cpp
  protocol::Answer<api::CreateCapacityProviderResponse> create_capacity_provider(
      const protocol::CallContext& call, api::CreateCapacityProviderRequest request) override;
  protocol::Answer<api::GetCapacityProviderResponse> get_capacity_provider(
      const protocol::CallContext& call, api::GetCapacityProviderRequest request) override;
  protocol::Answer<api::UpdateCapacityProviderResponse> update_capacity_provider(
      const protocol::CallContext& call, api::UpdateCapacityProviderRequest request) override;
  protocol::Answer<api::DeleteCapacityProviderResponse> delete_capacity_provider(
      const protocol::CallContext& call, api::DeleteCapacityProviderRequest request) override;
  protocol::Answer<api::ListCapacityProvidersResponse> list_capacity_providers(
      const protocol::CallContext& call, api::ListCapacityProvidersRequest request) override;
  protocol::Answer<api::ListFunctionVersionsByCapacityProviderResponse> list_function_versions_by_capacity_provider(
      const protocol::CallContext& call, api::ListFunctionVersionsByCapacityProviderRequest request) override;

  // invocation.cpp
  protocol::Answer<api::InvocationResponse> invoke(const protocol::CallContext& call,
                                                   api::InvocationRequest request) override;
  protocol::Answer<api::InvokeWithResponseStreamResponse> invoke_with_response_stream(
      const protocol::CallContext& call, api::InvokeWithResponseStreamRequest request) override;
  protocol::Answer<api::InvokeAsyncResponse> invoke_async(const protocol::CallContext& call,
                                                          api::InvokeAsyncRequest request) override;

  // function_urls.cpp
  protocol::Answer<api::CreateFunctionUrlConfigResponse> create_function_url_config(
      const protocol::CallContext& call, api::CreateFunctionUrlConfigRequest request) override;
  protocol::Answer<api::GetFunctionUrlConfigResponse> get_function_url_config(
      const protocol::CallContext& call, api::GetFunctionUrlConfigRequest request) override;
  protocol::Answer<api::UpdateFunctionUrlConfigResponse> update_function_url_config(
      const protocol::CallContext& call, api::UpdateFunctionUrlConfigRequest request) override;
  protocol::Answer<protocol::Nothing> delete_function_url_config(const protocol::CallContext& call,
                                                                 api::DeleteFunctionUrlConfigRequest request) override;
  protocol::Answer<api::ListFunctionUrlConfigsResponse> list_function_url_configs(
      const protocol::CallContext& call, api::ListFunctionUrlConfigsRequest request) override;

  // event_source_mappings.cpp
  protocol::Answer<api::EventSourceMappingConfiguration> create_event_source_mapping(
      const protocol::CallContext& call, api::CreateEventSourceMappingRequest request) override;
  protocol::Answer<api::EventSourceMappingConfiguration> get_event_source_mapping(
      const protocol::CallContext& call, api::GetEventSourceMappingRequest request) override;
  protocol::Answer<api::EventSourceMappingConfiguration> update_event_source_mapping(
      const protocol::CallContext& call, api::UpdateEventSourceMappingRequest request) override;
  protocol::Answer<api::EventSourceMappingConfiguration> delete_event_source_mapping(
      const protocol::CallContext& call, api::DeleteEventSourceMappingRequest request) override;
  protocol::Answer<api::ListEventSourceMappingsResponse> list_event_source_mappings(
      const protocol::CallContext& call, api::ListEventSourceMappingsRequest request) override;

  // account.cpp
  protocol::Answer<api::GetAccountSettingsResponse> get_account_settings(
      const protocol::CallContext& call, api::GetAccountSettingsRequest request) override;
  protocol::Answer<protocol::Nothing> tag_resource(const protocol::CallContext& call,
                                                   api::TagResourceRequest request) override;
  protocol::Answer<protocol::Nothing> untag_resource(const protocol::CallContext& call,
                                                     api::UntagResourceRequest request) override;
  protocol::Answer<api::ListTagsResponse> list_tags(const protocol::CallContext& call,
                                                    api::ListTagsRequest request) override;

 private:
  using Change = catalog::Catalog::Change;

  // A function that a request names, with the ARN as the caller wrote it: qualified where a qualifier was given.
  struct Named {
    const catalog::Entry* entry;    // valid until the next co_await
    catalog::FunctionPtr function;  // the version that is meant
    std::string qualifier;
    std::string arn;
  };
  // Of a request that looks at a function; an alias shows its main version.
  [[nodiscard]] ApiResult<Named> find(std::string_view name, std::string_view qualifier) const;
  // Of a request that calls it: an alias gives one of its versions, by weight.
  [[nodiscard]] ApiResult<Named> find_to_call(std::string_view name, std::string_view qualifier) const;
  // The entry that a request names, with whatever qualifier; `function` is left empty.
  [[nodiscard]] ApiResult<Named> find_entry(std::string_view name, std::string_view qualifier) const;
  // The same where only $LATEST (no qualifier) or an alias that exists may be named.
  [[nodiscard]] ApiResult<Named> find_url_owner(std::string_view name,
                                                const std::optional<std::string>& qualifier) const;
  // The bare name of a function that a request changes: no qualifier but $LATEST.
  [[nodiscard]] ApiResult<std::string> name_to_change(std::string_view name) const;
  // The right to change a function that exists and whose revision is the one that the caller has seen (if it says).
  // Refused while another caller's change is under way.
  net::Task<ApiResult<Change>> begin_change(std::string name, std::optional<std::string> revision_id = {});
  // The same for what AWS lets change meanwhile: waits its turn. Its entry is there.
  net::Task<ApiResult<Change>> begin_change_in_turn(std::string bare_name);

  // Adds to the edit a new version of its $LATEST; or, where nothing has changed since the last version, returns that
  // one and leaves the edit as it is.
  catalog::FunctionPtr add_version(const catalog::Entry* entry, const std::optional<std::string>& description,
                                   catalog::Edit& edit) const;
  net::Task<ApiResult<void>> delete_version(std::string name, std::string qualifier);
  [[nodiscard]] std::string version_arn(const catalog::Function& version) const;

  // Changes the settings of a function, when it is this change's turn. `edit` sees the entry as it is then.
  using SettingsEdit = std::function<ApiResult<void>(const catalog::Entry& entry, catalog::Settings& settings)>;
  net::Task<ApiResult<void>> change_settings(std::string name, SettingsEdit edit);
  // A turn of its own in the catalog; no function has such a name.
  static constexpr std::string_view kConcurrencyTurn = "/concurrency";
  [[nodiscard]] ApiResult<void> check_unreserved(const std::string& name, std::uint64_t wanted,
                                                 std::string_view member) const;
  struct ProvisionedState {
    std::int32_t requested = 0;
    std::int32_t allocated = 0;
    std::int32_t available = 0;
    std::string status;
    std::optional<std::string> reason;
    std::string last_modified;
  };
  [[nodiscard]] ApiResult<Named> find_provisionable(std::string_view name, std::string_view qualifier) const;
  [[nodiscard]] ProvisionedState provisioned_state(const catalog::Entry& entry, const std::string& qualifier) const;

  [[nodiscard]] ApiResult<Named> find_qualified(std::string_view name,
                                                const std::optional<std::string>& qualifier) const;
  [[nodiscard]] ApiResult<void> check_destination(const std::string& arn, const Named& of) const;
  net::Task<ApiResult<catalog::EventInvokeConfig>> store_event_invoke(
      Named named, bool must_exist, std::function<void(catalog::EventInvokeConfig&)> apply);

  // The function, version or alias that has a policy; its qualifier is "$LATEST" where none was given.
  [[nodiscard]] ApiResult<Named> find_policy_owner(std::string_view name,
                                                   const std::optional<std::string>& qualifier) const;
  // The same by its ARN.
  [[nodiscard]] ApiResult<Named> find_policy_owner_by_arn(std::string_view arn) const;
  [[nodiscard]] ApiResult<void> check_policy_size(const std::vector<std::pair<std::string, std::string>>& policy) const;
  net::Task<ApiResult<void>> change_policy(
      Named named, std::optional<std::string> revision_id,
      std::function<ApiResult<void>(std::vector<std::pair<std::string, std::string>>&)> edit_statements);

  [[nodiscard]] std::string layer_arn(std::string_view name) const;
  [[nodiscard]] ApiResult<std::string> layer_name(std::string_view name_or_arn) const;
  [[nodiscard]] ApiResult<catalog::LayerVersionPtr> find_layer(std::string_view name_or_arn,
                                                               std::int64_t version) const;
  [[nodiscard]] ApiResult<std::vector<catalog::LayerVersionPtr>> find_layers(
      const std::vector<std::string>& arns) const;
  [[nodiscard]] api::GetLayerVersionResponse show_layer(const catalog::LayerVersion& layer) const;
  // The new revision id.
  net::Task<ApiResult<std::string>> change_layer_policy(std::string name_or_arn, std::int64_t version,
                                                        std::optional<std::string> revision_id,
                                                        std::function<ApiResult<void>(catalog::LayerVersion&)> edit);
  // Gives the function these layers, and no others; its code is set.
  net::Task<ApiResult<void>> apply_layers(const std::vector<std::string>& arns, catalog::Function& function);

  // Changes the tags of something that has them, or refuses them.
  using TagEdit = std::function<ApiResult<void>(protocol::Map<std::string>&)>;
  // A turn of its own in the catalog; no function has such a name.
  static constexpr std::string_view kMappingsTurn = "/event-source-mappings";
  [[nodiscard]] ApiResult<catalog::EventSourceMapping> find_mapping(const std::string& id) const;
  [[nodiscard]] ApiResult<void> check_source_kind(const api::CreateEventSourceMappingRequest& request) const;
  [[nodiscard]] ApiResult<void> check_not_twice(const catalog::EventSourceMapping& mapping) const;
  // Takes the function, or another one, and its failures' destination, which must be there.
  ApiResult<void> aim_mapping(const std::string& function_name, catalog::EventSourceMapping& mapping) const;
  [[nodiscard]] ApiResult<void> check_mapping_target(const catalog::EventSourceMapping& mapping) const;
  net::Task<ApiResult<void>> keep_mapping(const catalog::EventSourceMapping& mapping);
  [[nodiscard]] api::EventSourceMappingConfiguration show_mapping(const catalog::EventSourceMapping& mapping,
                                                                  std::string_view state) const;
  // Of a mapping's ARN; nothing where the ARN is not one.
  [[nodiscard]] static std::optional<std::string> mapping_id(std::string_view arn);
  net::Task<ApiResult<void>> change_mapping_tags(std::string id, TagEdit edit);

  // A turn of its own in the catalog; no function has such a name.
  static constexpr std::string_view kCodeSigningTurn = "/code-signing-configs";
  struct CodeSigning {
    api::CodeSigningConfig shown;
    protocol::Map<std::string> tags;
  };
  [[nodiscard]] ApiResult<CodeSigning> find_code_signing(const std::string& arn) const;
  net::Task<ApiResult<void>> keep_code_signing(CodeSigning config);
  net::Task<ApiResult<void>> change_code_signing_tags(std::string arn, TagEdit edit);
  [[nodiscard]] std::vector<std::string> functions_with_code_signing(const std::string& arn) const;

  // A turn of its own in the catalog; no function has such a name.
  static constexpr std::string_view kCapacityTurn = "/capacity-providers";
  struct CapacityProvider {
    api::CapacityProvider shown;
    protocol::Map<std::string> tags;
  };
  // The name of a capacity provider of this account and region.
  [[nodiscard]] ApiResult<std::string> capacity_provider_name(std::string_view name_or_arn) const;
  [[nodiscard]] std::string capacity_provider_arn(std::string_view name) const;
  [[nodiscard]] ApiResult<CapacityProvider> find_capacity_provider(std::string_view name_or_arn) const;
  net::Task<ApiResult<void>> keep_capacity_provider(CapacityProvider provider);
  net::Task<ApiResult<void>> change_capacity_provider_tags(std::string arn, TagEdit edit);

  // Of whatever the ARN names.
  net::Task<ApiResult<void>> change_tags(std::string arn, TagEdit edit);
  net::Task<ApiResult<void>> change_function_tags(std::string arn, TagEdit edit);
  [[nodiscard]] ApiResult<protocol::Map<std::string>> find_tags(const std::string& arn) const;

  [[nodiscard]] ApiResult<void> check_alias(const catalog::Entry& entry, const catalog::Alias& alias) const;

  [[nodiscard]] ApiResult<void> check_new(const api::CreateFunctionRequest& request) const;
  [[nodiscard]] ApiResult<void> check_architectures(const std::optional<std::vector<std::string>>& architectures) const;
  [[nodiscard]] ApiResult<void> check_zip(const std::string& zip, std::string_view operation) const;
  [[nodiscard]] std::string code_location(std::string_view digest) const;
  ApiResult<void> check_payload(const std::string& payload, std::size_t limit) const;
  protocol::Answer<api::InvocationResponse> run_event(invoke::Call call);
  protocol::Answer<api::InvocationResponse> run_call(invoke::Call call, bool with_tail);
  // Stamps a changed record: modification time and a new revision.
  void stamp(catalog::Function& function) const;

  LambdaParts parts_;
  LambdaSettings settings_;
};

}  // namespace lambent::services::lambda
