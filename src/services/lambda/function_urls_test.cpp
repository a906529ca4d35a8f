#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class UrlConfigs : public ServiceTest {
 protected:
  UrlConfigs() { EXPECT_TRUE(create(new_function())); }
  auto create_url(std::string auth_type = "NONE") {
    return t.run(
        service.create_function_url_config(call, {.function_name = "hello", .auth_type = std::move(auth_type)}));
  }
  auto get_url() { return t.run(service.get_function_url_config(call, {.function_name = "hello"})); }
  inline static const std::string kNoUrl = "404 ResourceNotFoundException: The resource you requested does not exist.";
};

TEST_F(UrlConfigs, AreCreatedWithAnIdOfTheirOwn) {
  const auto created = create_url();
  ASSERT_TRUE(created) << outcome(created);
  EXPECT_EQ(created->function_arn, kArn);
  EXPECT_EQ(created->auth_type, "NONE");
  EXPECT_EQ(created->invoke_mode, "BUFFERED");
  const auto id = t.catalog->find("hello")->url->url_id;
  EXPECT_EQ(created->function_url, "http://127.0.0.1:4566/lambda-url/" + id + "/");
  EXPECT_EQ(t.catalog->find_by_url(id)->entry->latest->name, "hello");
  const auto shown = get_url();
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->function_url, created->function_url);
  EXPECT_EQ(shown->last_modified_time, created->creation_time);
}

TEST_F(UrlConfigs, AreOneAFunction) {
  ASSERT_TRUE(create_url());
  EXPECT_EQ(outcome(create_url()),
            "409 ResourceConflictException: Failed to create function url config for [functionArn = " + kArn +
                "]. Error message:  FunctionUrlConfig exists for this Lambda function");
}

TEST_F(UrlConfigs, KeepTheCorsRules) {
  api::CreateFunctionUrlConfigRequest request;
  request.function_name = "hello";
  request.auth_type = "AWS_IAM";
  auto& cors = request.cors.emplace();
  cors.allow_origins = std::vector<std::string>{"*"};
  cors.allow_credentials = true;
  cors.max_age = 60;
  ASSERT_TRUE(t.run(service.create_function_url_config(call, request)));
  const auto shown = get_url();
  ASSERT_TRUE(shown->cors);
  EXPECT_EQ(shown->cors->allow_origins, std::vector<std::string>{"*"});
  EXPECT_EQ(shown->cors->allow_credentials, true);
  EXPECT_EQ(shown->cors->max_age, 60);
  EXPECT_FALSE(shown->cors->allow_methods);
}

TEST_F(UrlConfigs, AreUpdatedInPart) {
  const auto created = create_url();
  clock.advance(std::chrono::seconds(9));
  const auto updated =
      t.run(service.update_function_url_config(call, {.function_name = "hello", .auth_type = "AWS_IAM"}));
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->function_url, created->function_url);
  EXPECT_EQ(updated->auth_type, "AWS_IAM");
  EXPECT_EQ(updated->creation_time, created->creation_time);
  EXPECT_NE(updated->last_modified_time, created->creation_time);
}

TEST_F(UrlConfigs, AreGoneOnceDeleted) {
  ASSERT_TRUE(create_url());
  const auto id = t.catalog->find("hello")->url->url_id;
  ASSERT_TRUE(t.run(service.delete_function_url_config(call, {.function_name = "hello"})));
  EXPECT_FALSE(t.catalog->find_by_url(id));
  EXPECT_EQ(outcome(get_url()), kNoUrl);
  EXPECT_EQ(outcome(t.run(service.delete_function_url_config(call, {.function_name = "hello"}))), kNoUrl);
  EXPECT_EQ(outcome(t.run(service.update_function_url_config(call, {.function_name = "hello"}))), kNoUrl);
}

TEST_F(UrlConfigs, AreListed) {
  EXPECT_TRUE(t.run(service.list_function_url_configs(call, {.function_name = "hello"}))->function_url_configs.empty());
  ASSERT_TRUE(create_url());
  const auto listed = t.run(service.list_function_url_configs(call, {.function_name = "hello"}));
  ASSERT_EQ(listed->function_url_configs.size(), 1U);
  EXPECT_EQ(listed->function_url_configs[0].function_arn, kArn);
  EXPECT_EQ(outcome(t.run(service.list_function_url_configs(call, {.function_name = "hello", .marker = "x"}))),
            invalid("Invalid Marker"));
}

TEST_F(UrlConfigs, NeedAFunctionAndNoAlias) {
  EXPECT_EQ(outcome(t.run(service.get_function_url_config(call, {.function_name = "none"}))),
            kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:none");
  EXPECT_EQ(outcome(t.run(service.get_function_url_config(call, {.function_name = "hello", .qualifier = "live"}))),
            "404 ResourceNotFoundException: Cannot find alias arn: " + kArn + ":live");
}

TEST_F(UrlConfigs, BelongToAnAliasToo) {
  ASSERT_TRUE(t.publish("hello", 1, "live"));
  ASSERT_TRUE(t.publish("hello", 2, "next"));
  const auto create = [&](std::string name, std::optional<std::string> qualifier) {
    return t.run(service.create_function_url_config(
        call, {.function_name = std::move(name), .qualifier = std::move(qualifier), .auth_type = "NONE"}));
  };
  const auto live = create("hello", "live");
  ASSERT_TRUE(live) << outcome(live);
  EXPECT_EQ(live->function_arn, kArn + ":live");
  ASSERT_TRUE(create("hello:next", std::nullopt));
  ASSERT_TRUE(create_url());
  EXPECT_EQ(outcome(create("hello", "live")).substr(0, 30), "409 ResourceConflictException:");
  EXPECT_NE(get_url()->function_url, live->function_url);

  const auto listed = t.run(service.list_function_url_configs(call, {.function_name = "hello", .max_items = 2}));
  ASSERT_EQ(listed->function_url_configs.size(), 2U);
  EXPECT_EQ(listed->function_url_configs[0].function_arn, kArn);
  EXPECT_EQ(listed->function_url_configs[1].function_arn, kArn + ":live");
  const auto rest =
      t.run(service.list_function_url_configs(call, {.function_name = "hello", .marker = listed->next_marker}));
  ASSERT_EQ(rest->function_url_configs.size(), 1U);
  EXPECT_EQ(rest->function_url_configs[0].function_arn, kArn + ":next");
  EXPECT_FALSE(rest->next_marker);

  ASSERT_TRUE(t.run(service.delete_alias(call, {.function_name = "hello", .name = "live"})));
  EXPECT_FALSE(t.catalog->find_by_url(live->function_url.substr(live->function_url.size() - 33, 32)));
  EXPECT_TRUE(get_url());
}

TEST_F(UrlConfigs, AreNoNewRevisionOfTheFunction) {
  const auto revision = configuration()->revision_id;
  ASSERT_TRUE(create_url());
  EXPECT_EQ(configuration()->revision_id, revision);
  EXPECT_TRUE(invoker.retired.empty());
}

}  // namespace
}  // namespace lambent::services::lambda
