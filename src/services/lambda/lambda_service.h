// The Lambda API on the catalog and the invoker: each operation decodes names, checks what the model cannot say,
// changes the catalog or calls the function, and answers in AWS's words.
//
// A function is complete when its record is written: its code is unpacked and synced before. CreateFunction therefore
// answers Pending and the updates answer InProgress, as AWS's clients expect, and the next look at the function says
// Active and Successful.
//
// Not there yet, and refused with a sentence that says so: layers, container images, code in S3.
//
// Thread rule: everything on the loop's thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/code_store.h"
#include "catalog/function_name.h"
#include "catalog/function_url_address.h"
#include "egress/network_rules.h"
#include "identity/credentials.h"
#include "invoke/invoker.h"
#include "protocol/lambda/service.h"

namespace lambent::services::lambda {

namespace api = protocol::lambda;

struct LambdaSettings {
  catalog::Home home;
  Limits limits;
  catalog::FunctionUrlAddress function_urls;
  std::string authority = "127.0.0.1:4566";  // under which clients reach this server: for Code.Location
  std::string architecture = "x86_64";       // of this host: x86_64 or arm64
  egress::NetworkRules network;
};

// What the service works with; everything outlives it.
struct LambdaParts {
  catalog::Catalog& catalog;
  catalog::CodeStore& code;
  invoke::Invoker& invoker;
  invoke::RuntimeCatalog& runtimes;
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

  // invocation.cpp
  protocol::Answer<api::InvocationResponse> invoke(const protocol::CallContext& call,
                                                   api::InvocationRequest request) override;
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
  // Refused while another change is under way.
  ApiResult<Change> begin_change(std::string_view name, const std::optional<std::string>& revision_id = {});
  // The same for what AWS lets change meanwhile: waits its turn. Its entry is there.
  net::Task<ApiResult<Change>> begin_change_in_turn(std::string bare_name);

  // Adds to the edit a new version of its $LATEST; or, where nothing has changed since the last version, returns that
  // one and leaves the edit as it is.
  catalog::FunctionPtr add_version(const catalog::Entry* entry, const std::optional<std::string>& description,
                                   catalog::Edit& edit) const;
  net::Task<ApiResult<void>> delete_version(std::string name, std::string qualifier);
  [[nodiscard]] std::string version_arn(const catalog::Function& version) const;

  [[nodiscard]] ApiResult<void> check_alias(const catalog::Entry& entry, const catalog::Alias& alias) const;

  [[nodiscard]] ApiResult<void> check_new(const api::CreateFunctionRequest& request) const;
  [[nodiscard]] ApiResult<void> check_architectures(const std::optional<std::vector<std::string>>& architectures) const;
  [[nodiscard]] ApiResult<void> check_zip(const std::string& zip, std::string_view operation) const;
  [[nodiscard]] std::string code_location(const catalog::Function& function) const;
  ApiResult<void> check_payload(const std::string& payload, std::size_t limit) const;
  protocol::Answer<api::InvocationResponse> run_event(invoke::Call call);
  protocol::Answer<api::InvocationResponse> run_call(invoke::Call call, bool with_tail);
  // Stamps a changed record: modification time and a new revision.
  void stamp(catalog::Function& function) const;

  LambdaParts parts_;
  LambdaSettings settings_;
};

}  // namespace lambent::services::lambda
