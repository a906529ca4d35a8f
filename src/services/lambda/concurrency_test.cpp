#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class ConcurrencyOperations : public ServiceTest {
 protected:
  ConcurrencyOperations() {
    EXPECT_TRUE(create(new_function()));
    EXPECT_TRUE(create(new_function("other")));
    EXPECT_TRUE(t.publish("hello", 1, "live"));
    EXPECT_TRUE(t.publish("hello", 2));
    invoker.followed.clear();
  }
  auto reserve(std::int32_t count, std::string name = "hello") {
    return t.run(service.put_function_concurrency(
        call, {.function_name = std::move(name), .reserved_concurrent_executions = count}));
  }
  auto provision(std::string qualifier, std::int32_t count = 2) {
    return t.run(service.put_provisioned_concurrency_config(
        call,
        {.function_name = "hello", .qualifier = std::move(qualifier), .provisioned_concurrent_executions = count}));
  }
  auto provisioned(std::string qualifier) {
    return t.run(service.get_provisioned_concurrency_config(
        call, {.function_name = "hello", .qualifier = std::move(qualifier)}));
  }
  std::int32_t unreserved() {
    return *t.run(service.get_account_settings(call, {}))->account_limit->unreserved_concurrent_executions;
  }
};

TEST_F(ConcurrencyOperations, ReservationsAreKeptShownAndTakenBack) {
  EXPECT_EQ(reserve(100)->reserved_concurrent_executions, 100);
  EXPECT_EQ(invoker.followed, std::vector<std::string>{"hello"});
  EXPECT_EQ(unreserved(), 900);
  const auto get = [&] { return t.run(service.get_function_concurrency(call, {.function_name = "hello"})); };
  EXPECT_EQ(get()->reserved_concurrent_executions, 100);
  EXPECT_EQ(t.run(service.get_function(call, {.function_name = "hello"}))->concurrency->reserved_concurrent_executions,
            100);
  EXPECT_EQ(reserve(0)->reserved_concurrent_executions, 0);
  t.restart();
  EXPECT_EQ(t.catalog->entry("hello")->settings->reserved_concurrency, 0U);
}

TEST_F(ConcurrencyOperations, ReservationsLeaveAHundred) {
  ASSERT_TRUE(reserve(800));
  ASSERT_TRUE(reserve(900)) << "its own reservation does not count twice";
  EXPECT_EQ(outcome(reserve(1, "other")),
            invalid("Specified ReservedConcurrentExecutions for function decreases account's "
                    "UnreservedConcurrentExecution below its minimum value of [100]."));
  EXPECT_TRUE(reserve(0, "other"));
  ASSERT_TRUE(t.run(service.delete_function_concurrency(call, {.function_name = "hello"})));
  EXPECT_TRUE(reserve(1, "other"));
  EXPECT_EQ(outcome(reserve(1, "none")), kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:none");
}

TEST_F(ConcurrencyOperations, ProvisionHasAStatus) {
  const auto put = provision("live");
  ASSERT_TRUE(put) << outcome(put);
  EXPECT_EQ(put->status, "IN_PROGRESS");
  EXPECT_EQ(put->requested_provisioned_concurrent_executions, 2);
  EXPECT_EQ(invoker.followed, std::vector<std::string>{"hello"});
  invoker.ready = {.wanted = 2, .allocated = 1, .available = 1};
  EXPECT_EQ(provisioned("live")->status, "IN_PROGRESS");
  invoker.ready = {.wanted = 2, .allocated = 2, .available = 1};
  EXPECT_EQ(provisioned("live")->status, "READY");
  EXPECT_EQ(provisioned("live")->available_provisioned_concurrent_executions, 1);
  invoker.ready = {.wanted = 2, .failed = true};
  EXPECT_EQ(provisioned("live")->status, "FAILED");
  EXPECT_EQ(provisioned("live")->status_reason, "FUNCTION_ERROR_INIT_FAILURE");
  EXPECT_EQ(t.catalog->entry("hello")->provisioned(), (std::map<std::uint64_t, std::uint32_t>{{1, 2}}));

  const auto listed = t.run(service.list_provisioned_concurrency_configs(call, {.function_name = "hello"}));
  ASSERT_EQ(listed->provisioned_concurrency_configs->size(), 1U);
  EXPECT_EQ(listed->provisioned_concurrency_configs->at(0).function_arn, kArn + ":live");
  const auto erase = [&] {
    return outcome(
        t.run(service.delete_provisioned_concurrency_config(call, {.function_name = "hello", .qualifier = "live"})));
  };
  const std::string none =
      "404 ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function";
  EXPECT_EQ(erase(), "ok");
  EXPECT_EQ(erase(), none);
  EXPECT_EQ(outcome(provisioned("live")), none);
}

TEST_F(ConcurrencyOperations, ProvisionNeedsAPublishedVersionAndRoom) {
  EXPECT_EQ(outcome(provision("$LATEST")),
            invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions."));
  EXPECT_EQ(outcome(provision("9")), kNotFound + kArn + ":9");
  EXPECT_EQ(outcome(provision("1", 901)),
            invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                    "below its minimum value of [100]."));
  ASSERT_TRUE(reserve(5));
  EXPECT_EQ(outcome(provision("1", 6)),
            invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                    "function"));
  ASSERT_TRUE(provision("1", 5));
  EXPECT_FALSE(reserve(4));
  EXPECT_EQ(outcome(provision("live", 1)),
            invalid("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"));
}

TEST_F(ConcurrencyOperations, ProvisionFollowsItsAlias) {
  ASSERT_TRUE(provision("live", 10));
  EXPECT_EQ(outcome(provision("1", 1)), invalid("Version is pointed to by a Provisioned Concurrency alias"));
  api::UpdateAliasRequest update{.function_name = "hello", .name = "live", .function_version = "2"};
  update.routing_config.emplace().additional_version_weights = protocol::Map<double>{{"1", 0.3}};
  ASSERT_TRUE(t.run(service.update_alias(call, update)));
  EXPECT_EQ(t.catalog->entry("hello")->provisioned(), (std::map<std::uint64_t, std::uint32_t>{{1, 3}, {2, 7}}));
  ASSERT_TRUE(t.run(service.delete_alias(call, {.function_name = "hello", .name = "live"})));
  EXPECT_TRUE(t.catalog->entry("hello")->provisioned().empty());
  EXPECT_TRUE(t.catalog->entry("hello")->settings->provisioned.empty());
}

class EventInvoke : public ServiceTest {
 protected:
  EventInvoke() {
    EXPECT_TRUE(create(new_function()));
    EXPECT_TRUE(create(new_function("target")));
    EXPECT_TRUE(t.publish("hello", 1, "live"));
  }
  auto put(api::PutFunctionEventInvokeConfigRequest request) {
    request.function_name = "hello";
    return t.run(service.put_function_event_invoke_config(call, std::move(request)));
  }
  auto get(std::optional<std::string> qualifier = {}) {
    return t.run(
        service.get_function_event_invoke_config(call, {.function_name = "hello", .qualifier = std::move(qualifier)}));
  }
  static api::DestinationConfig on_failure(std::string arn) {
    api::DestinationConfig config;
    config.on_failure.emplace().destination = std::move(arn);
    return config;
  }
  inline static const std::string kTarget = "arn:aws:lambda:us-east-1:000000000000:function:target";
};

TEST_F(EventInvoke, IsReplacedByPutAndMergedByUpdate) {
  const auto first = put({.maximum_retry_attempts = 1, .maximum_event_age_in_seconds = 100});
  ASSERT_TRUE(first) << outcome(first);
  EXPECT_EQ(first->function_arn, kArn + ":$LATEST");
  const auto merged = t.run(service.update_function_event_invoke_config(
      call, {.function_name = "hello", .destination_config = on_failure(kTarget)}));
  ASSERT_TRUE(merged) << outcome(merged);
  EXPECT_EQ(merged->maximum_retry_attempts, 1);
  EXPECT_EQ(merged->destination_config->on_failure->destination, kTarget);
  EXPECT_FALSE(merged->destination_config->on_success->destination);
  t.restart();
  EXPECT_EQ(t.catalog->entry("hello")->settings->event_invoke.at("$LATEST").on_failure, kTarget);
}

TEST_F(EventInvoke, PutForgetsWhatWasThere) {
  ASSERT_TRUE(put({.maximum_retry_attempts = 1, .maximum_event_age_in_seconds = 100}));
  ASSERT_TRUE(put({.maximum_retry_attempts = 0}));
  EXPECT_EQ(get()->maximum_retry_attempts, 0);
  EXPECT_FALSE(get()->maximum_event_age_in_seconds);
}

TEST_F(EventInvoke, BelongsToAQualifier) {
  ASSERT_TRUE(put({.qualifier = "live", .maximum_retry_attempts = 0}));
  EXPECT_EQ(get("live")->function_arn, kArn + ":live");
  EXPECT_EQ(outcome(get()),
            "404 ResourceNotFoundException: The function " + kArn + ":$LATEST doesn't have an EventInvokeConfig");
  EXPECT_EQ(outcome(get("dead")), kNotFound + kArn + ":dead");
  ASSERT_TRUE(put({.maximum_retry_attempts = 2}));
  const auto listed = t.run(service.list_function_event_invoke_configs(call, {.function_name = "hello"}));
  EXPECT_EQ(listed->function_event_invoke_configs->size(), 2U);
  const auto erase = [&] {
    return outcome(
        t.run(service.delete_function_event_invoke_config(call, {.function_name = "hello", .qualifier = "live"})));
  };
  EXPECT_EQ(erase(), "ok");
  EXPECT_EQ(erase().substr(0, 3), "404");
}

TEST_F(EventInvoke, IsChecked) {
  EXPECT_EQ(outcome(put({})), invalid("You must specify at least one of error handling or destination setting."));
  EXPECT_EQ(outcome(put({.destination_config = on_failure(kArn)})),
            invalid("You can't specify the function as a destination for itself."));
  EXPECT_FALSE(put({.destination_config = on_failure(kTarget + "x")}));
  EXPECT_TRUE(put({.destination_config = on_failure("arn:aws:sqs:us-east-1:000000000000:q")}));
}

TEST_F(EventInvoke, RecursionIsTerminatedUnlessAllowed) {
  const auto shown = [&] {
    return *t.run(service.get_function_recursion_config(call, {.function_name = "hello"}))->recursive_loop;
  };
  EXPECT_EQ(shown(), "Terminate");
  ASSERT_TRUE(
      t.run(service.put_function_recursion_config(call, {.function_name = "hello", .recursive_loop = "Allow"})));
  EXPECT_EQ(shown(), "Allow");
}

}  // namespace
}  // namespace lambent::services::lambda
