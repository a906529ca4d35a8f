#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class CapacityProviders : public ServiceTest {
 protected:
  static api::CreateCapacityProviderRequest new_provider(std::string name) {
    api::CreateCapacityProviderRequest request;
    request.capacity_provider_name = std::move(name);
    request.vpc_config = {.subnet_ids = {"subnet-1"}, .security_group_ids = {"sg-1"}};
    request.permissions_config = {.capacity_provider_operator_role_arn = "arn:aws:iam::000000000000:role/operator"};
    request.instance_requirements.emplace().architectures = {"arm64"};
    auto& scaling = request.capacity_provider_scaling_config.emplace();
    scaling.max_v_cpu_count = 40;
    scaling.scaling_mode = "Manual";
    scaling.scaling_policies = {
        {.predefined_metric_type = "LambdaCapacityProviderAverageCPUUtilization", .target_value = 62.5}};
    request.kms_key_arn = "arn:aws:kms:us-east-1:000000000000:key/k";
    request.tags = {{"team", "a"}};
    return request;
  }
  auto make(std::string name) { return t.run(service.create_capacity_provider(call, new_provider(std::move(name)))); }
  auto get(std::string name) {
    return t.run(service.get_capacity_provider(call, {.capacity_provider_name = std::move(name)}));
  }
  auto list(api::ListCapacityProvidersRequest request) {
    return t.run(service.list_capacity_providers(call, std::move(request)));
  }
  auto tags() { return t.run(service.list_tags(call, {.resource = kOne}))->tags; }

  inline static const std::string kOne = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:one";
  inline static const std::string kGone = "404 ResourceNotFoundException: Capacity provider not found: " + kOne;
};

TEST_F(CapacityProviders, AreShownAsTheyWereGivenAfterARestartToo) {
  const auto made = make("one");
  ASSERT_TRUE(made) << outcome(made);
  EXPECT_EQ(made->capacity_provider.capacity_provider_arn, kOne);
  EXPECT_EQ(made->capacity_provider.state, "Active");
  t.restart();
  LambdaService restarted{{*t.catalog, *t.code, *t.layers, *t.documents, invoker, runtimes, event_sources, snapshots,
                           credentials, clock, random},
                          LambdaSettings{}};
  const auto shown = t.run(restarted.get_capacity_provider(call, {.capacity_provider_name = "one"}));
  ASSERT_TRUE(shown) << outcome(shown);
  const auto& after = shown->capacity_provider;
  EXPECT_EQ(after.capacity_provider_arn, kOne);
  EXPECT_EQ(after.state, "Active");
  EXPECT_EQ(after.vpc_config.subnet_ids, std::vector<std::string>{"subnet-1"});
  EXPECT_EQ(after.vpc_config.security_group_ids, std::vector<std::string>{"sg-1"});
  EXPECT_EQ(after.permissions_config.capacity_provider_operator_role_arn, "arn:aws:iam::000000000000:role/operator");
  EXPECT_EQ(after.instance_requirements->architectures, std::vector<std::string>{"arm64"});
  EXPECT_EQ(after.capacity_provider_scaling_config->max_v_cpu_count, 40);
  EXPECT_EQ(after.capacity_provider_scaling_config->scaling_policies->at(0).target_value, 62.5);
  EXPECT_EQ(after.kms_key_arn, "arn:aws:kms:us-east-1:000000000000:key/k");
  EXPECT_EQ(after.last_modified, made->capacity_provider.last_modified);
}

TEST_F(CapacityProviders, ExistOnceByNameOrArn) {
  ASSERT_TRUE(make("one"));
  EXPECT_EQ(outcome(make("one")), "409 ResourceConflictException: Capacity provider already exist: one");
  EXPECT_EQ(outcome(make(kOne)), "409 ResourceConflictException: Capacity provider already exist: one");
  EXPECT_EQ(get(kOne)->capacity_provider.capacity_provider_arn, kOne);
  const auto foreign = make("arn:aws:lambda:us-east-1:999999999999:capacity-provider:one");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, "AccessDeniedException");
}

TEST_F(CapacityProviders, TakeWhatIsUpdatedAndKeepTheRest) {
  ASSERT_TRUE(make("one"));
  api::UpdateCapacityProviderRequest request{.capacity_provider_name = "one"};
  request.capacity_provider_scaling_config.emplace().max_v_cpu_count = 80;
  const auto updated = t.run(service.update_capacity_provider(call, request));
  ASSERT_TRUE(updated) << outcome(updated);
  EXPECT_EQ(get("one")->capacity_provider.capacity_provider_scaling_config->max_v_cpu_count, 80);
  EXPECT_EQ(get("one")->capacity_provider.kms_key_arn, "arn:aws:kms:us-east-1:000000000000:key/k");
  EXPECT_EQ(*tags()->find("team"), "a");
}

TEST_F(CapacityProviders, AreGoneOnceTheyAreDeleted) {
  ASSERT_TRUE(make("one"));
  const auto deleted = t.run(service.delete_capacity_provider(call, {.capacity_provider_name = "one"}));
  ASSERT_TRUE(deleted) << outcome(deleted);
  EXPECT_EQ(deleted->capacity_provider.state, "Deleting");
  EXPECT_EQ(outcome(get("one")), kGone);
  EXPECT_EQ(outcome(t.run(service.delete_capacity_provider(call, {.capacity_provider_name = "one"}))), kGone);
  EXPECT_EQ(outcome(t.run(service.update_capacity_provider(call, {.capacity_provider_name = "one"}))), kGone);
  EXPECT_EQ(
      outcome(t.run(service.list_function_versions_by_capacity_provider(call, {.capacity_provider_name = "one"}))),
      kGone);
  EXPECT_EQ(outcome(t.run(service.list_tags(call, {.resource = kOne}))), kGone);
}

TEST_F(CapacityProviders, AreListedInPagesAndByState) {
  for (const auto* name : {"c", "a", "b"}) ASSERT_TRUE(make(name));
  const auto first = list({.max_items = 2});
  ASSERT_TRUE(first) << outcome(first);
  ASSERT_EQ(first->capacity_providers.size(), 2U);
  EXPECT_TRUE(first->capacity_providers[0].capacity_provider_arn.ends_with(":a"));
  const auto second = list({.marker = first->next_marker});
  ASSERT_EQ(second->capacity_providers.size(), 1U);
  EXPECT_TRUE(second->capacity_providers[0].capacity_provider_arn.ends_with(":c"));
  EXPECT_FALSE(second->next_marker);
  EXPECT_EQ(list({.state = "Active"})->capacity_providers.size(), 3U);
  EXPECT_TRUE(list({.state = "Failed"})->capacity_providers.empty());
  EXPECT_EQ(outcome(list({.marker = "forged"})), invalid("Invalid Marker"));
}

TEST_F(CapacityProviders, ServeNoFunctionVersions) {
  ASSERT_TRUE(make("one"));
  const auto listed =
      t.run(service.list_function_versions_by_capacity_provider(call, {.capacity_provider_name = "one"}));
  ASSERT_TRUE(listed) << outcome(listed);
  EXPECT_EQ(listed->capacity_provider_arn, kOne);
  EXPECT_TRUE(listed->function_versions.empty());
}

TEST_F(CapacityProviders, HaveTagsThatComeAndGo) {
  ASSERT_TRUE(make("one"));
  ASSERT_TRUE(t.run(service.tag_resource(call, {.resource = kOne, .tags = {{"stage", "b"}}})));
  EXPECT_EQ(tags()->size(), 2U);
  ASSERT_TRUE(t.run(service.untag_resource(call, {.resource = kOne, .tag_keys = {"team"}})));
  EXPECT_EQ(tags()->size(), 1U);
  EXPECT_EQ(*tags()->find("stage"), "b");
}

}  // namespace
}  // namespace lambent::services::lambda
