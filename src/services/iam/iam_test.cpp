#include <gtest/gtest.h>

#include "catalog/test_catalog.h"
#include "protocol/testing.h"
#include "services/iam/iam_service.h"

namespace lambent::services::iam {
namespace {

const std::string kTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},)"
    R"("Action":"sts:AssumeRole"}]})";
const std::string kMayLog =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]})";
const std::string kBasic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

class IamTest : public testing::Test {
 protected:
  template <class Answer>
  static std::string outcome(const Answer& answer) {
    if (answer) return "ok";
    return std::to_string(answer.error().status) + " " + answer.error().code + ": " + answer.error().message;
  }
  auto create_role(std::string name, std::optional<std::string> path = {}) {
    return t.run(iam().create_role(
        call, {.path = std::move(path), .role_name = std::move(name), .assume_role_policy_document = kTrust}));
  }
  auto get_role(std::string name) { return t.run(iam().get_role(call, {.role_name = std::move(name)})); }
  IamService& iam() {
    if (!service_) service_.emplace(IamService::Parts{*t.documents, *t.catalog, clock, random, "123456789012"});
    return *service_;
  }
  void restart() {
    service_.reset();
    t.restart();
  }

  catalog::TestCatalog t;
  FakeClock clock;
  FakeRandom random;
  protocol::CallContext call = protocol::testing::a_call();

 private:
  std::optional<IamService> service_;
};

TEST_F(IamTest, ARoleIsMadeAndStaysOverARestart) {
  const auto made = create_role("Worker", "/team/");
  ASSERT_EQ(outcome(made), "ok");
  EXPECT_EQ(made->role.arn, "arn:aws:iam::123456789012:role/team/Worker");
  EXPECT_EQ(made->role.role_id.substr(0, 4), "AROA");
  EXPECT_EQ(made->role.max_session_duration, 3600);
  EXPECT_EQ(outcome(create_role("worker")), "409 EntityAlreadyExists: Role with name worker already exists.");
  restart();
  const auto found = get_role("WORKER");
  ASSERT_EQ(outcome(found), "ok");
  EXPECT_EQ(found->role.arn, made->role.arn);
  EXPECT_EQ(found->role.role_id, made->role.role_id);
  EXPECT_NE(found->role.assume_role_policy_document->find("%22sts%3AAssumeRole%22"), std::string::npos);
  EXPECT_EQ(iam().find_role_by_arn(made->role.arn)->id, made->role.role_id);
  EXPECT_FALSE(iam().find_role_by_arn("arn:aws:iam::123456789012:role/Worker"));  // its path is part of its name
}

TEST_F(IamTest, WhatIsNotThereIsSaid) {
  EXPECT_EQ(outcome(get_role("nobody")), "404 NoSuchEntity: The role with name nobody cannot be found.");
  EXPECT_EQ(outcome(t.run(iam().get_policy(call, {.policy_arn = "arn:aws:iam::123456789012:policy/none"}))),
            "404 NoSuchEntity: Policy arn:aws:iam::123456789012:policy/none was not found.");
  ASSERT_EQ(outcome(create_role("r")), "ok");
  EXPECT_EQ(outcome(t.run(iam().get_role_policy(call, {.role_name = "r", .policy_name = "p"}))),
            "404 NoSuchEntity: The role policy with name p cannot be found.");
  EXPECT_EQ(outcome(t.run(iam().detach_role_policy(call, {.role_name = "r", .policy_arn = kBasic}))),
            "404 NoSuchEntity: Policy " + kBasic + " was not found.");
}

TEST_F(IamTest, ARoleWithPoliciesIsNotDeleted) {
  ASSERT_EQ(outcome(create_role("r")), "ok");
  ASSERT_EQ(outcome(t.run(iam().attach_role_policy(call, {.role_name = "r", .policy_arn = kBasic}))), "ok");
  ASSERT_EQ(outcome(t.run(iam().attach_role_policy(call, {.role_name = "r", .policy_arn = kBasic}))), "ok");
  ASSERT_EQ(
      outcome(t.run(iam().put_role_policy(call, {.role_name = "r", .policy_name = "p", .policy_document = kMayLog}))),
      "ok");
  EXPECT_EQ(outcome(t.run(iam().delete_role(call, {.role_name = "r"}))),
            "409 DeleteConflict: Cannot delete entity, must detach all policies first.");
  const auto attached = t.run(iam().list_attached_role_policies(call, {.role_name = "r"}));
  ASSERT_EQ(attached->attached_policies->size(), 1U);
  EXPECT_EQ(attached->attached_policies->at(0).policy_name, "AWSLambdaBasicExecutionRole");
  ASSERT_EQ(outcome(t.run(iam().detach_role_policy(call, {.role_name = "r", .policy_arn = kBasic}))), "ok");
  EXPECT_EQ(outcome(t.run(iam().delete_role(call, {.role_name = "r"}))),
            "409 DeleteConflict: Cannot delete entity, must delete policies first.");
  ASSERT_EQ(outcome(t.run(iam().delete_role_policy(call, {.role_name = "r", .policy_name = "p"}))), "ok");
  EXPECT_EQ(outcome(t.run(iam().delete_role(call, {.role_name = "r"}))), "ok");
  restart();
  EXPECT_FALSE(get_role("r"));
}

TEST_F(IamTest, APolicyHasVersionsOfWhichOneIsItsDefault) {
  const auto made = t.run(iam().create_policy(call, {.policy_name = "p", .policy_document = kMayLog}));
  ASSERT_EQ(outcome(made), "ok");
  const auto arn = *made->policy->arn;
  EXPECT_EQ(arn, "arn:aws:iam::123456789012:policy/p");
  const api::CreatePolicyVersionRequest more{.policy_arn = arn, .policy_document = kMayLog, .set_as_default = true};
  EXPECT_EQ(t.run(iam().create_policy_version(call, more))->policy_version->version_id, "v2");
  EXPECT_EQ(t.run(iam().get_policy(call, {.policy_arn = arn}))->policy->default_version_id, "v2");
  EXPECT_EQ(outcome(t.run(iam().delete_policy_version(call, {.policy_arn = arn, .version_id = "v2"}))),
            "409 DeleteConflict: Cannot delete the default version of a policy.");
  for (int version = 3; version <= 5; ++version) {
    ASSERT_EQ(outcome(t.run(iam().create_policy_version(call, more))), "ok");
  }
  EXPECT_EQ(t.run(iam().create_policy_version(call, more)).error().code, "LimitExceeded");
  ASSERT_EQ(outcome(t.run(iam().delete_policy_version(call, {.policy_arn = arn, .version_id = "v1"}))), "ok");
  EXPECT_EQ(t.run(iam().create_policy_version(call, more))->policy_version->version_id, "v6");  // no number twice
  EXPECT_EQ(t.run(iam().delete_policy(call, {.policy_arn = arn})).error().code, "DeleteConflict");
}

TEST_F(IamTest, APolicyThatIsAttachedIsNotDeleted) {
  const auto arn = *t.run(iam().create_policy(call, {.policy_name = "p", .policy_document = kMayLog}))->policy->arn;
  ASSERT_EQ(outcome(create_role("r")), "ok");
  ASSERT_EQ(outcome(t.run(iam().attach_role_policy(call, {.role_name = "r", .policy_arn = arn}))), "ok");
  EXPECT_EQ(t.run(iam().get_policy(call, {.policy_arn = arn}))->policy->attachment_count, 1);
  EXPECT_EQ(t.run(iam().list_entities_for_policy(call, {.policy_arn = arn}))->policy_roles->at(0).role_name, "r");
  EXPECT_EQ(outcome(t.run(iam().delete_policy(call, {.policy_arn = arn}))),
            "409 DeleteConflict: Cannot delete a policy attached to entities.");
  EXPECT_EQ(outcome(t.run(iam().attach_role_policy(
                call, {.role_name = "r", .policy_arn = "arn:aws:iam::123456789012:policy/other"}))),
            "404 NoSuchEntity: Policy arn:aws:iam::123456789012:policy/other does not exist or is not attachable.");
}

TEST_F(IamTest, ListsComeInPages) {
  for (const auto* name : {"a", "b", "c"}) ASSERT_EQ(outcome(create_role(name)), "ok");
  const auto first = t.run(iam().list_roles(call, {.max_items = 2}));
  ASSERT_EQ(first->roles.size(), 2U);
  EXPECT_EQ(first->is_truncated, true);
  const auto second = t.run(iam().list_roles(call, {.marker = first->marker}));
  ASSERT_EQ(second->roles.size(), 1U);
  EXPECT_EQ(second->roles[0].role_name, "c");
  EXPECT_EQ(second->is_truncated, false);
  EXPECT_EQ(outcome(t.run(iam().list_roles(call, {.marker = "made-up"}))), "400 ValidationError: Invalid Marker.");
}

TEST_F(IamTest, TagsAreAddedReplacedAndTakenAway) {
  ASSERT_EQ(outcome(create_role("r")), "ok");
  ASSERT_EQ(outcome(t.run(iam().tag_role(call, {.role_name = "r", .tags = {{"a", "1"}, {"b", "2"}}}))), "ok");
  ASSERT_EQ(outcome(t.run(iam().tag_role(call, {.role_name = "r", .tags = {{"a", "3"}}}))), "ok");
  ASSERT_EQ(outcome(t.run(iam().untag_role(call, {.role_name = "r", .tag_keys = {"b"}}))), "ok");
  const auto tags = t.run(iam().list_role_tags(call, {.role_name = "r"}))->tags;
  ASSERT_EQ(tags.size(), 1U);
  EXPECT_EQ(tags[0].value, "3");
  EXPECT_EQ(t.run(iam().tag_role(call, {.role_name = "r", .tags = {{"aws:x", "1"}}})).error().code, "InvalidInput");
}

}  // namespace
}  // namespace lambent::services::iam
