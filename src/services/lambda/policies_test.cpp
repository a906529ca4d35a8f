#include "services/lambda/policy_text.h"
#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Policies : public ServiceTest {
 protected:
  Policies() {
    EXPECT_TRUE(create(new_function()));
    EXPECT_TRUE(t.publish("hello", 1, "live"));
  }
  auto add(std::string sid, std::optional<std::string> qualifier = {}, std::optional<std::string> revision = {}) {
    return t.run(service.add_permission(call, {.function_name = "hello",
                                               .statement_id = std::move(sid),
                                               .action = "lambda:InvokeFunction",
                                               .principal = "s3.amazonaws.com",
                                               .qualifier = std::move(qualifier),
                                               .revision_id = std::move(revision)}));
  }
  auto get(std::optional<std::string> qualifier = {}) {
    return t.run(service.get_policy(call, {.function_name = "hello", .qualifier = std::move(qualifier)}));
  }
  auto remove(std::string sid, std::optional<std::string> qualifier = {}) {
    return outcome(t.run(service.remove_permission(
        call, {.function_name = "hello", .statement_id = std::move(sid), .qualifier = std::move(qualifier)})));
  }
};

TEST_F(Policies, AreMadeOfStatements) {
  const auto added = add("s1");
  ASSERT_TRUE(added) << outcome(added);
  EXPECT_EQ(*added->statement, R"({"Sid":"s1","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},)"
                               R"("Action":"lambda:InvokeFunction","Resource":")" +
                                   kArn + "\"}");
  EXPECT_EQ(*get()->policy, R"({"Version":"2012-10-17","Id":"default","Statement":[)" + *added->statement + "]}");
  EXPECT_EQ(outcome(add("s1")),
            "409 ResourceConflictException: The statement id (s1) provided already exists. Please provide a new "
            "statement id, or remove the existing statement.");
  t.restart();
  EXPECT_EQ(t.catalog->entry("hello")->settings->policies.at("$LATEST").size(), 1U);
}

TEST_F(Policies, HaveConditionsAndPrincipalsOfEachKind) {
  const auto added = t.run(service.add_permission(call, {.function_name = "hello",
                                                         .statement_id = "s",
                                                         .action = "lambda:InvokeFunctionUrl",
                                                         .principal = "123456789012",
                                                         .source_arn = "arn:aws:s3:::b",
                                                         .function_url_auth_type = "NONE",
                                                         .source_account = "123456789012",
                                                         .principal_org_id = "o-abcdefghij"}));
  ASSERT_TRUE(added);
  EXPECT_TRUE(added->statement->contains(R"("Principal":{"AWS":"arn:aws:iam::123456789012:root"})"));
  EXPECT_TRUE(added->statement->contains(
      R"("Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE","AWS:SourceAccount":"123456789012",)"
      R"("aws:PrincipalOrgID":"o-abcdefghij"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}})"))
      << *added->statement;
}

TEST_F(Policies, BelongToAQualifierAndChangeItsRevision) {
  const auto before = configuration()->revision_id;
  const auto instances = t.catalog->find("hello")->configuration_id;
  ASSERT_TRUE(add("s1", {}, before));
  EXPECT_NE(configuration()->revision_id, before);
  EXPECT_EQ(get()->revision_id, configuration()->revision_id);
  EXPECT_EQ(t.catalog->find("hello")->configuration_id, instances);
  EXPECT_EQ(add("s2", {}, before).error().code, "PreconditionFailedException");
  ASSERT_TRUE(add("s1", "live"));
  ASSERT_TRUE(add("s1", "1"));
  EXPECT_TRUE(get("live")->policy->contains(kArn + ":live"));
  EXPECT_EQ(get("live")->revision_id, t.catalog->entry("hello")->alias("live")->revision_id);
  EXPECT_EQ(outcome(add("s", "$LATEST")), invalid("We currently do not support adding policies for $LATEST."));
  EXPECT_EQ(outcome(add("s", "9")), kNotFound + kArn + ":9");
}

TEST_F(Policies, AreRemovedByStatement) {
  ASSERT_TRUE(add("s1"));
  EXPECT_EQ(remove("s2"), "404 ResourceNotFoundException: Statement s2 is not found in resource policy.");
  EXPECT_EQ(remove("s1"), "ok");
  EXPECT_EQ(remove("s1"), "404 ResourceNotFoundException: No policy is associated with the given resource.");
  EXPECT_EQ(outcome(get()), "404 ResourceNotFoundException: The resource you requested does not exist.");
}

TEST_F(Policies, AreGivenAsAWholeAndAreTheSameDocument) {
  ASSERT_TRUE(add("old"));
  const std::string whole =
      R"({"Version":"2012-10-17","Id":"mine","Statement":[{"Sid":"s1","Effect":"Allow","Principal":"*","Action":)"
      R"("lambda:InvokeFunction"},{"Effect":"Deny","NotPrincipal":"*","NotAction":"lambda:*"}]})";
  const auto put = t.run(service.put_resource_policy(call, {.resource_arn = kArn, .policy = whole}));
  ASSERT_TRUE(put) << outcome(put);
  EXPECT_EQ(put->policy, whole);
  EXPECT_EQ(put->revision_id, configuration()->revision_id);
  EXPECT_EQ(get()->policy, whole);
  const auto added = add("s2");
  ASSERT_TRUE(added) << outcome(added);
  const auto shown = [&] { return t.run(service.get_resource_policy(call, {.resource_arn = kArn})); };
  EXPECT_EQ(*shown()->policy, whole.substr(0, whole.size() - 2) + "," + *added->statement + "]}");
  EXPECT_EQ(add("s1").error().code, "ResourceConflictException");
  EXPECT_EQ(remove("s2"), "ok");
  t.restart();
  EXPECT_EQ(make_policy(t.catalog->entry("hello")->settings->policies.at("$LATEST")), whole);
}

TEST_F(Policies, EndWithTheirLastStatementOrAsAWhole) {
  const auto put = [&](std::string arn, std::optional<std::string> revision = {}) {
    return outcome(t.run(service.put_resource_policy(
        call, {.resource_arn = std::move(arn),
               .policy = R"({"Statement":{"Sid":"s","Effect":"Allow","Principal":"*","Action":"*"}})",
               .revision_id = std::move(revision)})));
  };
  const auto erase = [&](std::string arn) {
    return outcome(t.run(service.delete_resource_policy(call, {.resource_arn = std::move(arn)})));
  };
  ASSERT_EQ(put(kArn), "ok");
  EXPECT_EQ(*get()->policy, R"({"Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":"*"}]})");
  EXPECT_EQ(remove("s"), "ok");
  EXPECT_EQ(outcome(get()), "404 ResourceNotFoundException: The resource you requested does not exist.");
  ASSERT_EQ(put(kArn + ":live"), "ok");
  EXPECT_EQ(erase(kArn), "404 ResourceNotFoundException: No policy is associated with the given resource.");
  EXPECT_EQ(erase(kArn + ":live"), "ok");
  EXPECT_FALSE(get("live"));
  EXPECT_TRUE(put(kArn, "11111111-1111-1111-1111-111111111111").starts_with("412 PreconditionFailedException"));
  EXPECT_EQ(put(kArn + ":nope"), kNotFound + kArn + ":nope");
  EXPECT_EQ(put("arn:aws:lambda:us-east-1:000000000000:runtime/r"),
            "404 ResourceNotFoundException: The resource you requested does not exist.");
}

TEST_F(Policies, AreRefusedWhereTheyAreNone) {
  const auto put = [&](std::string policy) {
    return outcome(t.run(service.put_resource_policy(call, {.resource_arn = kArn, .policy = std::move(policy)})));
  };
  EXPECT_EQ(put("{"), invalid("The policy is not a JSON object."));
  EXPECT_EQ(put("{}"), invalid("Missing required field Statement"));
  EXPECT_EQ(put(R"({"Statement":[]})"), invalid("The policy has no statement."));
  const std::string incomplete =
      invalid("Each statement of the policy must have an Effect (Allow or Deny), a Principal and an Action.");
  EXPECT_EQ(put(R"({"Statement":[1]})"), incomplete);
  EXPECT_EQ(put(R"({"Statement":{"Effect":"Allow","Action":"*"}})"), incomplete);
  EXPECT_EQ(put(R"({"Statement":{"Effect":"Perhaps","Principal":"*","Action":"*"}})"), incomplete);
  const std::string statement = R"({"Sid":"s","Effect":"Allow","Principal":"*","Action":"*"})";
  EXPECT_EQ(put(R"({"Statement":[)" + statement + "," + statement + "]}"),
            invalid("Statement IDs (SID) in a single policy must be unique."));
  EXPECT_EQ(put(R"({"Statement":{"Sid":"/head","Effect":"Allow","Principal":"*","Action":"*"}})"),
            invalid("The policy has an invalid statement id."));
  EXPECT_TRUE(put(R"({"Statement":[)" + statement + R"(],"Id":")" + std::string(20480, 'x') + "\"}")
                  .starts_with("400 PolicyLengthExceededException"));
}

TEST_F(Policies, AreBounded) {
  for (int i = 0; i < 1000; ++i) {
    const auto added = add("s" + std::to_string(i));
    if (added) continue;
    EXPECT_EQ(added.error().code, "PolicyLengthExceededException");
    EXPECT_GT(i, 50);
    return;
  }
  FAIL() << "no bound";
}

}  // namespace
}  // namespace lambent::services::lambda
