// Operations on tables as such: made, changed, described, tagged, expiring.
#include <fmt/format.h>

#include "services/dynamodb/flow.h"
#include "services/dynamodb/table_description.h"

namespace lambent::services::dynamodb {

namespace wire = protocol::dynamodb;

namespace {

constexpr std::size_t kTablesListed = 100;
// What an account has at AWS by default; here nothing is throttled.
constexpr std::int64_t kAccountUnits = 80000;
constexpr std::int64_t kTableUnits = 40000;

std::string status_of(const std::optional<tables::TimeToLive>& ttl) {
  if (!ttl) return "DISABLED";
  switch (ttl->state) {
    case tables::ViewState::creating:
      return "ENABLING";
    case tables::ViewState::deleting:
      return "DISABLING";
    case tables::ViewState::active:
      break;
  }
  return "ENABLED";
}

}  // namespace

protocol::Answer<wire::CreateTableOutput> DynamoDb::create_table(const Call& call, wire::CreateTableInput input) {
  DYNAMODB_CO_TRY(const auto request, create_request(input));
  DYNAMODB_CO_TRY(const auto table, co_await change<tables::TableDescription>(
                                        [&](auto done) { engine_.create_table(request, std::move(done)); }));
  wire::CreateTableOutput output;
  output.table_description = describe(table, call);
  co_return output;
}

protocol::Answer<wire::DeleteTableOutput> DynamoDb::delete_table(const Call& call, wire::DeleteTableInput input) {
  const std::string name = table_name(input.table_name);
  DYNAMODB_CO_TRY(const auto table, co_await change<tables::TableDescription>(
                                        [&](auto done) { engine_.delete_table(name, std::move(done)); }));
  wire::DeleteTableOutput output;
  output.table_description = describe(table, call);
  co_return output;
}

protocol::Answer<wire::UpdateTableOutput> DynamoDb::update_table(const Call& call, wire::UpdateTableInput input) {
  DYNAMODB_CO_TRY(auto request, update_request(input));
  DYNAMODB_CO_TRY(const auto table, co_await change<tables::TableDescription>(
                                        [&](auto done) { engine_.update_table(std::move(request), std::move(done)); }));
  wire::UpdateTableOutput output;
  output.table_description = describe(table, call);
  co_return output;
}

protocol::Answer<wire::DescribeTableOutput> DynamoDb::describe_table(const Call& call, wire::DescribeTableInput input) {
  DYNAMODB_CO_TRY(const auto table, engine_.describe_table(table_name(input.table_name)));
  wire::DescribeTableOutput output;
  output.table = describe(table, call);
  co_return output;
}

protocol::Answer<wire::ListTablesOutput> DynamoDb::list_tables(const Call&, wire::ListTablesInput input) {
  const auto limit = input.limit ? static_cast<std::size_t>(*input.limit) : kTablesListed;
  auto list = engine_.list_tables(input.exclusive_start_table_name, limit);
  wire::ListTablesOutput output;
  output.table_names = std::move(list.names);
  output.last_evaluated_table_name = std::move(list.last);
  co_return output;
}

// ---- tags

protocol::Answer<protocol::Nothing> DynamoDb::tag_resource(const Call&, wire::TagResourceInput input) {
  std::map<std::string, std::string> tags;
  for (const auto& tag : input.tags) tags[tag.key] = tag.value;
  DYNAMODB_CO_TRY([[maybe_unused]] const auto table, co_await change<tables::TableDescription>([&](auto done) {
                    engine_.update_tags(table_name(input.resource_arn), std::move(tags), {}, std::move(done));
                  }));
  co_return protocol::Nothing{};
}

protocol::Answer<protocol::Nothing> DynamoDb::untag_resource(const Call&, wire::UntagResourceInput input) {
  DYNAMODB_CO_TRY([[maybe_unused]] const auto table, co_await change<tables::TableDescription>([&](auto done) {
                    engine_.update_tags(table_name(input.resource_arn), {}, input.tag_keys, std::move(done));
                  }));
  co_return protocol::Nothing{};
}

protocol::Answer<wire::ListTagsOfResourceOutput> DynamoDb::list_tags_of_resource(const Call&,
                                                                                 wire::ListTagsOfResourceInput input) {
  DYNAMODB_CO_TRY(const auto table, engine_.describe_table(table_name(input.resource_arn)));
  wire::ListTagsOfResourceOutput output;
  output.tags.emplace();
  for (const auto& [key, value] : table.definition->tags) output.tags->push_back({.key = key, .value = value});
  co_return output;
}

// ---- expiry

protocol::Answer<wire::DescribeTimeToLiveOutput> DynamoDb::describe_time_to_live(const Call&,
                                                                                 wire::DescribeTimeToLiveInput input) {
  DYNAMODB_CO_TRY(const auto table, engine_.describe_table(table_name(input.table_name)));
  wire::DescribeTimeToLiveOutput output;
  auto& description = output.time_to_live_description.emplace();
  description.time_to_live_status = status_of(table.definition->ttl);
  if (table.definition->ttl) description.attribute_name = table.definition->ttl->attribute;
  co_return output;
}

protocol::Answer<wire::UpdateTimeToLiveOutput> DynamoDb::update_time_to_live(const Call&,
                                                                             wire::UpdateTimeToLiveInput input) {
  const auto& wanted = input.time_to_live_specification;
  DYNAMODB_CO_TRY([[maybe_unused]] const auto table, co_await change<tables::TableDescription>([&](auto done) {
                    engine_.update_time_to_live(table_name(input.table_name), wanted.attribute_name, wanted.enabled,
                                                std::move(done));
                  }));
  wire::UpdateTimeToLiveOutput output;
  output.time_to_live_specification = wanted;
  co_return output;
}

// ---- what clients ask of any account

protocol::Answer<wire::DescribeLimitsOutput> DynamoDb::describe_limits(const Call&, wire::DescribeLimitsInput) {
  wire::DescribeLimitsOutput output;
  output.account_max_read_capacity_units = kAccountUnits;
  output.account_max_write_capacity_units = kAccountUnits;
  output.table_max_read_capacity_units = kTableUnits;
  output.table_max_write_capacity_units = kTableUnits;
  co_return output;
}

protocol::Answer<wire::DescribeEndpointsResponse> DynamoDb::describe_endpoints(const Call& call,
                                                                               wire::DescribeEndpointsRequest) {
  wire::DescribeEndpointsResponse output;
  output.endpoints.push_back(
      {.address = fmt::format("dynamodb.{}.amazonaws.com", call.region), .cache_period_in_minutes = 1440});
  co_return output;
}

}  // namespace lambent::services::dynamodb
