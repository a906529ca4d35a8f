// PublishVersion, ListVersionsByFunction, and versions as other operations make and delete them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "catalog/function_record.h"
#include "services/lambda/configuration.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 50;

// What a version is made of, as text: the record without what publishing itself sets.
std::string published_content(catalog::Function function) {
  function.version.clear();
  function.description.clear();
  function.last_modified.clear();
  function.revision_id.clear();
  function.configuration_id.clear();
  function.tags.clear();
  function.url.reset();
  SnapshotPublisher::forget(function);
  return catalog::encode_function(function);
}

}  // namespace

std::string LambdaService::version_arn(const catalog::Function& version) const {
  return settings_.home.function_arn(version.name, version.version);
}

catalog::FunctionPtr LambdaService::add_version(const catalog::Entry* entry,
                                                const std::optional<std::string>& description,
                                                catalog::Edit& edit) const {
  auto& latest = *edit.latest;
  if (entry && !entry->versions.empty()) {
    const auto& last = entry->versions.rbegin()->second;
    if (published_content(*last) == published_content(latest)) return last;
  }
  auto& settings = edit.settings.emplace(entry ? *entry->settings : catalog::Settings{});
  settings.last_version++;
  latest.revision_id = parts_.random.uuid();
  auto& version = edit.published.emplace(latest);
  version.version = std::to_string(settings.last_version);
  if (description) version.description = *description;
  version.url.reset();
  SnapshotPublisher::begin(version);
  stamp(version);
  return nullptr;
}

Answer<api::FunctionConfiguration> LambdaService::publish_version(const CallContext&,
                                                                  api::PublishVersionRequest request) {
  if (request.publish_to) co_return failure(invalid_parameter("PublishTo is not supported by this server."));
  LAMBENT_CO_TRY(auto change, co_await begin_change(request.function_name, request.revision_id));
  const auto latest = change.current();
  if (request.code_sha256 && !request.code_sha256->empty() && *request.code_sha256 != latest->code_sha256_base64) {
    co_return failure(invalid_parameter(
        fmt::format("CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the "
                    "CodeSHA256 in $LATEST.",
                    *request.code_sha256, latest->code_sha256_base64)));
  }
  catalog::Edit edit{.latest = *latest};
  if (const auto last = add_version(change.entry(), request.description, edit)) {
    co_return to_configuration(*last, version_arn(*last));
  }
  const auto version = edit.published->version;
  const auto committed = co_await change.commit(std::move(edit));
  if (!committed) co_return failure(to_api_error(committed.error()));
  const auto published = change.entry()->version(version);
  parts_.snapshots.publish(published);
  co_return to_configuration(*published, version_arn(*published));
}

Answer<api::ListVersionsByFunctionResponse> LambdaService::list_versions_by_function(
    const CallContext&, api::ListVersionsByFunctionRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  const auto* entry = parts_.catalog.entry(name);
  if (!entry) co_return failure(function_not_found(settings_.home.function_arn(name)));
  const auto wanted = static_cast<std::size_t>(request.max_items.value_or(kDefaultPage));
  const auto page = parts_.catalog.list_versions(*entry, request.marker.value_or(""), std::min(wanted, kDefaultPage));
  if (!page) co_return failure(to_api_error(page.error()));
  api::ListVersionsByFunctionResponse reply;
  auto& versions = reply.versions.emplace();
  for (const auto& version : page->functions) versions.push_back(to_configuration(*version, version_arn(*version)));
  if (!page->next_marker.empty()) reply.next_marker = page->next_marker;
  co_return reply;
}

// A version that is not there is deleted already: 204, as on AWS.
net::Task<ApiResult<void>> LambdaService::delete_version(std::string name, std::string qualifier) {
  if (qualifier == catalog::kLatest) {
    co_return failure(invalid_parameter("$LATEST version cannot be deleted without deleting the function."));
  }
  const auto number = catalog::version_number(qualifier);
  if (!number) co_return failure(invalid_parameter("Deletion of aliases is not currently supported."));
  LAMBENT_CO_TRY(auto change, co_await begin_change(name));
  const auto version = change.entry()->version(qualifier);
  if (!version) co_return ApiResult<void>();
  std::vector<std::string> references;
  for (const auto& [alias, record] : change.entry()->aliases) {
    if (catalog::Entry::leads(*record, qualifier)) references.push_back(alias);
  }
  if (!references.empty()) {
    co_return failure(api::ResourceConflictException{
        .message = fmt::format("Unable to delete version because the following aliases reference it: [{}]",
                               fmt::join(references, ", "))});
  }
  catalog::Edit edit{.erased_version = *number, .settings = *change.entry()->settings};
  edit.settings->forget(qualifier);
  const auto committed = co_await change.commit(std::move(edit));
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.follow(*change.entry());
  parts_.invoker.retire(*version);
  co_return ApiResult<void>();
}

}  // namespace lambent::services::lambda
