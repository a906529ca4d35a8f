#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Versions : public ServiceTest {
 protected:
  Versions() { EXPECT_TRUE(create(new_function())); }

  auto publish(api::PublishVersionRequest request = {}) {
    request.function_name = "hello";
    return t.run(service.publish_version(call, std::move(request)));
  }
  auto update_code(std::string zip, bool and_publish = false) {
    return t.run(service.update_function_code(
        call, {.function_name = "hello", .zip_file = std::move(zip), .publish = and_publish}));
  }
  auto erase(std::string qualifier) {
    return t.run(service.delete_function(call, {.function_name = "hello", .qualifier = std::move(qualifier)}));
  }
  std::string listed() {
    std::string text;
    for (const auto& version : *t.run(service.list_versions_by_function(call, {.function_name = "hello"}))->versions) {
      text += *version.version + " ";
    }
    return text;
  }
};

TEST_F(Versions, AreNumberedAndStayAsTheyWere) {
  const auto first = publish({.description = "one"});
  ASSERT_TRUE(first) << outcome(first);
  EXPECT_EQ(first->version, "1");
  EXPECT_EQ(first->function_arn, kArn + ":1");
  EXPECT_EQ(first->description, "one");
  EXPECT_EQ(first->state, "Active");
  ASSERT_TRUE(update_code("PK new"));
  const auto second = publish();
  EXPECT_EQ(second->version, "2");
  EXPECT_NE(second->code_sha256, first->code_sha256);

  const auto shown = configuration("hello:1");
  EXPECT_EQ(shown->code_sha256, first->code_sha256);
  EXPECT_EQ(shown->revision_id, first->revision_id);
  EXPECT_EQ(shown->function_arn, kArn + ":1");
  EXPECT_EQ(configuration()->version, "$LATEST");
  EXPECT_EQ(outcome(configuration("hello:3")), kNotFound + kArn + ":3");
  EXPECT_EQ(listed(), "$LATEST 1 2 ");
}

TEST_F(Versions, AreNotPublishedTwiceOfTheSame) {
  const auto first = publish({.description = "one"});
  const auto again = publish({.description = "another"});
  EXPECT_EQ(again->version, "1");
  EXPECT_EQ(again->revision_id, first->revision_id);
  EXPECT_EQ(again->description, "one");
  ASSERT_TRUE(t.run(service.update_function_configuration(call, {.function_name = "hello", .timeout = 9})));
  EXPECT_EQ(publish()->version, "2");
  ASSERT_TRUE(update_code("PK code"));  // the same again
  EXPECT_EQ(publish()->version, "2");
}

TEST_F(Versions, ChangeTheRevisionButNoInstances) {
  const auto before = t.catalog->find("hello");
  const auto first = publish();
  const auto after = t.catalog->find("hello");
  EXPECT_NE(after->revision_id, before->revision_id);
  EXPECT_EQ(after->configuration_id, before->configuration_id);
  EXPECT_NE(first->revision_id, after->revision_id);
  EXPECT_NE(t.catalog->entry("hello")->version("1")->configuration_id, before->configuration_id);
  EXPECT_TRUE(invoker.retired.empty());
}

TEST_F(Versions, ArePublishedOnConditions) {
  const auto now = configuration();
  EXPECT_EQ(outcome(publish({.code_sha256 = "x"})),
            invalid("CodeSHA256 (x) is different from current CodeSHA256 in $LATEST (" + *now->code_sha256 +
                    "). Please try again with the CodeSHA256 in $LATEST."));
  EXPECT_EQ(publish({.revision_id = "x"}).error().code, "PreconditionFailedException");
  const auto first = publish({.code_sha256 = now->code_sha256, .revision_id = now->revision_id});
  ASSERT_TRUE(first) << outcome(first);
}

TEST_F(Versions, ArePublishedWithTheCode) {
  const auto updated = update_code("PK new", true);
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->version, "1");
  EXPECT_EQ(updated->function_arn, kArn + ":1");
  EXPECT_EQ(configuration("hello:1")->code_sha256, configuration()->code_sha256);
  EXPECT_EQ(update_code("PK new", true)->version, "1");

  auto request = new_function("other");
  request.publish = true;
  const auto created = create(request);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->version, "1");
  EXPECT_EQ(configuration("other:1")->version, "1");
}

TEST_F(Versions, AreDeletedAloneAndNeverComeAgain) {
  ASSERT_TRUE(publish());
  ASSERT_TRUE(update_code("PK new"));
  ASSERT_TRUE(publish());
  invoker.retired.clear();
  EXPECT_EQ(erase("2")->status_code, 204);
  EXPECT_EQ(invoker.retired, std::vector<std::string>{"hello:2"});
  EXPECT_EQ(listed(), "$LATEST 1 ");
  EXPECT_EQ(erase("2")->status_code, 204) << "what is not there is deleted";
  EXPECT_EQ(publish()->version, "3");
  EXPECT_EQ(outcome(erase("$LATEST")), invalid("$LATEST version cannot be deleted without deleting the function."));
  EXPECT_EQ(outcome(erase("live")), invalid("Deletion of aliases is not currently supported."));
  EXPECT_EQ(listed(), "$LATEST 1 3 ");
}

TEST_F(Versions, GoWithTheFunction) {
  ASSERT_TRUE(publish());
  ASSERT_TRUE(t.run(service.delete_function(call, {.function_name = "hello"})));
  EXPECT_EQ(invoker.retired, (std::vector<std::string>{"hello:$LATEST", "hello:1"}));
  EXPECT_EQ(outcome(configuration("hello:1")), kNotFound + kArn + ":1");
  ASSERT_TRUE(create(new_function()));
  EXPECT_EQ(publish()->version, "1");
}

TEST_F(Versions, AreCalledByTheirNumber) {
  ASSERT_TRUE(publish());
  const auto answer = t.run(service.invoke(call, {.function_name = "hello", .qualifier = "1"}));
  ASSERT_TRUE(answer) << outcome(answer);
  EXPECT_EQ(invoker.calls.at(0).function->version, "1");
  EXPECT_EQ(invoker.calls.at(0).invoked_arn, kArn + ":1");
}

TEST_F(Versions, AreTenThousandIfNeedBe) {
  for (std::uint64_t number = 1; number <= 10'000; ++number) ASSERT_TRUE(t.publish("hello", number));
  t.restart();
  EXPECT_EQ(t.catalog->entry("hello")->versions.size(), 10'000U);
  std::size_t seen = 0;
  std::string marker;
  do {
    const auto page = t.catalog->list_versions(*t.catalog->entry("hello"), marker, 50);
    seen += page->functions.size();
    marker = page->next_marker;
  } while (!marker.empty());
  EXPECT_EQ(seen, 10'001U);
}

class Aliases : public Versions {
 protected:
  Aliases() {
    EXPECT_TRUE(publish());
    EXPECT_TRUE(update_code("PK new", true));
  }
  auto create_alias(std::string version, std::optional<std::pair<std::string, double>> additional = {}) {
    api::CreateAliasRequest request{.function_name = "hello", .name = "live", .function_version = std::move(version)};
    if (additional) request.routing_config = weights(additional->first, additional->second);
    return t.run(service.create_alias(call, std::move(request)));
  }
  auto update_alias(api::UpdateAliasRequest request) {
    request.function_name = "hello";
    request.name = "live";
    return t.run(service.update_alias(call, std::move(request)));
  }
  auto get_alias() { return t.run(service.get_alias(call, {.function_name = "hello", .name = "live"})); }
  static api::AliasRoutingConfiguration weights(const std::string& version, double weight) {
    return {.additional_version_weights = protocol::Map<double>{{version, weight}}};
  }
};

TEST_F(Aliases, LeadToAVersion) {
  const auto created = create_alias("1");
  ASSERT_TRUE(created) << outcome(created);
  EXPECT_EQ(created->alias_arn, kArn + ":live");
  EXPECT_EQ(created->function_version, "1");
  EXPECT_FALSE(created->routing_config);
  const auto shown = configuration("hello:live");
  EXPECT_EQ(shown->version, "1");
  EXPECT_EQ(shown->function_arn, kArn + ":live");
  ASSERT_TRUE(t.run(service.invoke(call, {.function_name = "hello:live"})));
  EXPECT_EQ(invoker.calls.at(0).function->version, "1");
  EXPECT_EQ(invoker.calls.at(0).invoked_arn, kArn + ":live");
  EXPECT_EQ(outcome(create_alias("1")), "409 ResourceConflictException: Alias already exists: " + kArn + ":live");
}

TEST_F(Aliases, Move) {
  const auto created = create_alias("1");
  const auto moved = update_alias({.function_version = "2", .revision_id = created->revision_id});
  ASSERT_TRUE(moved) << outcome(moved);
  EXPECT_EQ(moved->function_version, "2");
  EXPECT_NE(moved->revision_id, created->revision_id);
  EXPECT_EQ(update_alias({.description = "d", .revision_id = created->revision_id}).error().code,
            "PreconditionFailedException");
  EXPECT_EQ(update_alias({.description = "d"})->description, "d");
  EXPECT_EQ(get_alias()->function_version, "2");
  EXPECT_EQ(outcome(update_alias({.function_version = "7"})), kNotFound + kArn + ":7");
}

TEST_F(Aliases, ShareCallsByWeight) {
  const auto created = create_alias("1", {{"2", 0.25}});
  ASSERT_TRUE(created) << outcome(created);
  EXPECT_EQ(*created->routing_config->additional_version_weights->find("2"), 0.25);
  EXPECT_EQ(outcome(update_alias({.function_version = "2"})),
            invalid("Invalid function version 2. Function version 2 is already included in routing configuration."));
  EXPECT_EQ(outcome(update_alias({.function_version = "$LATEST"})),
            invalid("$LATEST is not supported for an alias pointing to more than 1 version"));
  EXPECT_EQ(outcome(update_alias({.routing_config = weights("9", 0.5)})), kNotFound + kArn + ":9");
  auto two = weights("2", 0.5);
  two.additional_version_weights->push_back("3", 0.1);
  EXPECT_EQ(outcome(update_alias({.routing_config = two})),
            invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"));
  const auto cleared = update_alias(
      {.routing_config = api::AliasRoutingConfiguration{.additional_version_weights = protocol::Map<double>{}}});
  ASSERT_TRUE(cleared);
  EXPECT_FALSE(cleared->routing_config);
}

TEST_F(Aliases, KeepTheirVersionsFromBeingDeleted) {
  ASSERT_TRUE(create_alias("1", {{"2", 0.5}}));
  for (const char* version : {"1", "2"}) {
    EXPECT_EQ(outcome(erase(version)),
              "409 ResourceConflictException: Unable to delete version because the following aliases reference it: "
              "[live]");
  }
  ASSERT_TRUE(t.run(service.delete_alias(call, {.function_name = "hello", .name = "live"})));
  EXPECT_TRUE(erase("1"));
  EXPECT_EQ(outcome(get_alias()), "404 ResourceNotFoundException: Cannot find alias arn: " + kArn + ":live");
  EXPECT_TRUE(t.run(service.delete_alias(call, {.function_name = "hello", .name = "live"})));
}

TEST_F(Aliases, NeedTheirFunctionAndVersion) {
  EXPECT_EQ(outcome(create_alias("5")), kNotFound + kArn + ":5");
  EXPECT_EQ(outcome(t.run(service.create_alias(call, {.function_name = "none", .name = "a", .function_version = "1"}))),
            kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:none");
  EXPECT_EQ(outcome(update_alias({})), "404 ResourceNotFoundException: Cannot find alias arn: " + kArn + ":live");
}

TEST_F(Aliases, AreListed) {
  ASSERT_TRUE(create_alias("1"));
  ASSERT_TRUE(
      t.run(service.create_alias(call, {.function_name = "hello", .name = "dev", .function_version = "$LATEST"})));
  const auto all = t.run(service.list_aliases(call, {.function_name = "hello"}));
  ASSERT_EQ(all->aliases->size(), 2U);
  EXPECT_EQ(all->aliases->at(0).name, "dev");
  const auto some = t.run(service.list_aliases(call, {.function_name = "hello", .function_version = "1"}));
  ASSERT_EQ(some->aliases->size(), 1U);
  EXPECT_EQ(outcome(t.run(service.list_aliases(call, {.function_name = "hello", .marker = "x"}))),
            invalid("Invalid Marker"));
}

}  // namespace
}  // namespace lambent::services::lambda
