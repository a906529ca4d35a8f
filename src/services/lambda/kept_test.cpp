#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Kept : public ServiceTest {
 protected:
  Kept() { EXPECT_TRUE(create(new_function())); }
};

TEST_F(Kept, CodeSigningConfigsAreShownAsTheyWereGiven) {
  api::CreateCodeSigningConfigRequest request;
  request.description = "d";
  request.allowed_publishers.signing_profile_version_arns = {
      "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p"};
  const auto created = t.run(service.create_code_signing_config(call, request));
  ASSERT_TRUE(created) << outcome(created);
  const auto& arn = created->code_signing_config.code_signing_config_arn;
  t.restart();
  LambdaService after{{*t.catalog, *t.code, *t.layers, *t.documents, invoker, runtimes, event_sources, snapshots,
                       credentials, clock, random},
                      LambdaSettings{}};
  const auto shown = t.run(after.get_code_signing_config(call, {.code_signing_config_arn = arn}));
  ASSERT_TRUE(shown) << outcome(shown);
  EXPECT_EQ(shown->code_signing_config.description, "d");
  EXPECT_EQ(shown->code_signing_config.code_signing_policies.untrusted_artifact_on_deployment, "Warn");
  EXPECT_EQ(shown->code_signing_config.allowed_publishers.signing_profile_version_arns.size(), 1U);

  ASSERT_TRUE(
      t.run(after.put_function_code_signing_config(call, {.code_signing_config_arn = arn, .function_name = "hello"})));
  EXPECT_EQ(t.run(after.get_function_code_signing_config(call, {.function_name = "hello"}))->code_signing_config_arn,
            arn);
  EXPECT_EQ(*t.run(after.list_functions_by_code_signing_config(call, {.code_signing_config_arn = arn}))->function_arns,
            std::vector<std::string>{kArn});
  EXPECT_EQ(t.run(after.delete_code_signing_config(call, {.code_signing_config_arn = arn})).error().code,
            "ResourceConflictException");
  ASSERT_TRUE(t.run(after.delete_function_code_signing_config(call, {.function_name = "hello"})));
  ASSERT_TRUE(t.run(after.delete_code_signing_config(call, {.code_signing_config_arn = arn})));
  EXPECT_TRUE(t.run(after.list_code_signing_configs(call, {}))->code_signing_configs->empty());
}

TEST_F(Kept, CodeSigningConfigsHaveTags) {
  api::CreateCodeSigningConfigRequest request;
  request.tags.emplace()["team"] = "a";
  const auto created = t.run(service.create_code_signing_config(call, request));
  ASSERT_TRUE(created) << outcome(created);
  const auto& arn = created->code_signing_config.code_signing_config_arn;
  const auto tags = [&] { return *t.run(service.list_tags(call, {.resource = arn}))->tags; };
  EXPECT_EQ(tags().size(), 1U);
  EXPECT_EQ(*tags().find("team"), "a");
  ASSERT_TRUE(t.run(service.tag_resource(call, {.resource = arn, .tags = {{"cost", "7"}}})));
  ASSERT_TRUE(t.run(service.update_code_signing_config(call, {.code_signing_config_arn = arn, .description = "d"})));
  ASSERT_TRUE(t.run(service.untag_resource(call, {.resource = arn, .tag_keys = {"team"}})));
  EXPECT_EQ(tags().size(), 1U);
  EXPECT_EQ(*tags().find("cost"), "7");
  EXPECT_FALSE(t.run(service.tag_resource(call, {.resource = arn, .tags = {{"aws:x", "7"}}})));
  EXPECT_EQ(tags().size(), 1U);
  EXPECT_EQ(t.run(service.list_tags(call, {.resource = arn + "x"})).error().code, "ResourceNotFoundException");
}

TEST_F(Kept, RuntimeManagementIsAutoUnlessSaidOtherwise) {
  const auto get = [&] { return t.run(service.get_runtime_management_config(call, {.function_name = "hello"})); };
  EXPECT_EQ(get()->update_runtime_on, "Auto");
  EXPECT_EQ(get()->function_arn, kArn + ":$LATEST");
  ASSERT_TRUE(t.run(
      service.put_runtime_management_config(call, {.function_name = "hello", .update_runtime_on = "FunctionUpdate"})));
  EXPECT_EQ(get()->update_runtime_on, "FunctionUpdate");
  EXPECT_FALSE(
      t.run(service.put_runtime_management_config(call, {.function_name = "hello", .update_runtime_on = "Manual"})));
}

TEST_F(Kept, ScalingIsShown) {
  ASSERT_TRUE(t.publish("hello", 1));
  api::PutFunctionScalingConfigRequest request{.function_name = "hello", .qualifier = "1"};
  request.function_scaling_config.emplace().max_execution_environments = 7;
  ASSERT_TRUE(t.run(service.put_function_scaling_config(call, request)));
  const auto shown = t.run(service.get_function_scaling_config(call, {.function_name = "hello", .qualifier = "1"}));
  EXPECT_EQ(shown->requested_function_scaling_config->max_execution_environments, 7);
}

}  // namespace
}  // namespace lambent::services::lambda
