#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

const std::string kStream = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/here";

class EventSourceMappingsTest : public ServiceTest {
 protected:
  EventSourceMappingsTest() { EXPECT_TRUE(create(new_function())); }

  static api::CreateEventSourceMappingRequest request() {
    api::CreateEventSourceMappingRequest request;
    request.function_name = "hello";
    request.event_source_arn = kStream;
    request.starting_position = "LATEST";
    return request;
  }
  auto make(api::CreateEventSourceMappingRequest with = request()) {
    return t.run(service.create_event_source_mapping(call, std::move(with)));
  }
  auto get(const std::string& id) { return t.run(service.get_event_source_mapping(call, {.uuid = id})); }
};

TEST_F(EventSourceMappingsTest, AMappingIsCreatedShownChangedListedAndDeleted) {
  const auto made = make();
  ASSERT_TRUE(made) << outcome(made);
  EXPECT_EQ(made->state, "Creating");
  EXPECT_EQ(made->batch_size, 100);
  EXPECT_EQ(made->maximum_retry_attempts, -1);
  EXPECT_EQ(made->function_arn, kArn);
  ASSERT_EQ(event_sources.followed.size(), 1U);
  EXPECT_EQ(get(*made->uuid)->state, "Enabled");

  api::UpdateEventSourceMappingRequest update;
  update.uuid = *made->uuid;
  update.enabled = false;
  update.batch_size = 7;
  EXPECT_EQ(t.run(service.update_event_source_mapping(call, update))->state, "Disabling");
  EXPECT_FALSE(event_sources.followed.back().is_enabled);
  const auto changed = get(*made->uuid);
  EXPECT_EQ(changed->state, "Disabled");
  EXPECT_EQ(changed->batch_size, 7);
  EXPECT_EQ(changed->starting_position, "LATEST");

  api::ListEventSourceMappingsRequest list;
  list.function_name = kArn;
  EXPECT_EQ(t.run(service.list_event_source_mappings(call, list))->event_source_mappings->size(), 1U);
  list.event_source_arn = kStream + "2";
  EXPECT_TRUE(t.run(service.list_event_source_mappings(call, list))->event_source_mappings->empty());

  EXPECT_EQ(t.run(service.delete_event_source_mapping(call, {.uuid = *made->uuid}))->state, "Deleting");
  EXPECT_EQ(event_sources.forgotten, std::vector{*made->uuid});
  EXPECT_EQ(outcome(get(*made->uuid)), "404 ResourceNotFoundException: The resource you requested does not exist.");
}

TEST_F(EventSourceMappingsTest, EverythingThatIsGivenIsKept) {
  auto full = request();
  full.enabled = false;
  full.maximum_batching_window_in_seconds = 3;
  full.parallelization_factor = 2;
  full.maximum_record_age_in_seconds = 60;
  full.maximum_retry_attempts = 4;
  full.bisect_batch_on_function_error = true;
  full.function_response_types = {"ReportBatchItemFailures"};
  full.filter_criteria.emplace().filters = {{.pattern = R"({"eventName":["INSERT"]})"}};
  full.destination_config.emplace().on_failure.emplace().destination = "arn:aws:sqs:us-east-1:000000000000:q";
  full.tags.emplace()["team"] = "a";
  const auto made = make(std::move(full));
  ASSERT_TRUE(made) << outcome(made);
  const auto shown = get(*made->uuid);
  EXPECT_EQ(shown->state, "Disabled");
  EXPECT_EQ(shown->maximum_batching_window_in_seconds, 3);
  EXPECT_EQ(shown->parallelization_factor, 2);
  EXPECT_EQ(shown->maximum_record_age_in_seconds, 60);
  EXPECT_EQ(shown->maximum_retry_attempts, 4);
  EXPECT_EQ(shown->bisect_batch_on_function_error, true);
  EXPECT_EQ(shown->function_response_types, std::vector<std::string>{"ReportBatchItemFailures"});
  EXPECT_EQ(shown->filter_criteria->filters->at(0).pattern, R"({"eventName":["INSERT"]})");
  EXPECT_EQ(shown->destination_config->on_failure->destination, "arn:aws:sqs:us-east-1:000000000000:q");
  const auto tags = t.run(service.list_tags(call, {.resource = *shown->event_source_mapping_arn}));
  ASSERT_TRUE(tags) << outcome(tags);
  EXPECT_EQ(*tags->tags->find("team"), "a");
}

TEST_F(EventSourceMappingsTest, ATumblingWindowIsKeptAndKeepsFromRunningInParallel) {
  auto with = request();
  with.tumbling_window_in_seconds = 60;
  const auto made = make(std::move(with));
  ASSERT_TRUE(made) << outcome(made);
  EXPECT_EQ(get(*made->uuid)->tumbling_window_in_seconds, 60);
  api::UpdateEventSourceMappingRequest update;
  update.uuid = *made->uuid;
  update.parallelization_factor = 2;
  EXPECT_NE(outcome(t.run(service.update_event_source_mapping(call, update))), "ok");
  update.tumbling_window_in_seconds = 0;
  EXPECT_EQ(t.run(service.update_event_source_mapping(call, update))->parallelization_factor, 2);
}

TEST_F(EventSourceMappingsTest, ASourceAndAFunctionMeetOnce) {
  const auto made = make();
  EXPECT_EQ(outcome(make()),
            "409 ResourceConflictException: An event source mapping with event source arn (\" " + kStream +
                " \") and function name (\" hello \") already exists. Please update or delete the existing mapping "
                "with UUID " +
                *made->uuid);
}

TEST_F(EventSourceMappingsTest, WhatCannotWorkIsRefusedAndLeavesNothing) {
  const auto refused = [&](auto change) {
    auto wrong = request();
    change(wrong);
    return outcome(make(std::move(wrong)));
  };
  using Request = api::CreateEventSourceMappingRequest;
  EXPECT_EQ(refused([](Request& r) { r.function_name = "nobody"; }),
            kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:nobody");
  EXPECT_EQ(refused([](Request& r) { r.event_source_arn.reset(); }), invalid("Event source ARN is required."));
  EXPECT_EQ(refused([](Request& r) { r.event_source_arn = kStream + "2"; }),
            invalid("Stream not found: " + kStream + "2"));
  EXPECT_TRUE(refused([](Request& r) {
                r.event_source_arn = "arn:aws:sqs:us-east-1:000000000000:q";
              }).starts_with(invalid("Unrecognized event source, must be a DynamoDB stream: sqs")));
  EXPECT_NE(refused([](Request& r) { r.starting_position.reset(); }), "ok");
  EXPECT_NE(refused([](Request& r) { r.starting_position = "AT_TIMESTAMP"; }), "ok");
  EXPECT_NE(refused([](Request& r) { r.maximum_record_age_in_seconds = 59; }), "ok");
  EXPECT_EQ(refused([](Request& r) {
              r.tumbling_window_in_seconds = 1;
              r.parallelization_factor = 2;
            }),
            invalid("Tumbling windows are not supported with a ParallelizationFactor greater than 1."));
  EXPECT_NE(refused([](Request& r) { r.topics = {"t"}; }), "ok");
  EXPECT_EQ(refused([](Request& r) { r.filter_criteria.emplace().filters = {{.pattern = "{}"}}; }),
            invalid("Invalid filter pattern definition. empty objects are not allowed"));
  EXPECT_NE(refused([](Request& r) {
              r.filter_criteria.emplace().filters = std::vector<api::Filter>(6, {.pattern = R"({"a":["b"]})"});
            }),
            "ok");
  EXPECT_NE(refused([](Request& r) {
              r.destination_config.emplace().on_failure.emplace().destination =
                  "arn:aws:lambda:us-east-1:000000000000:function:hello";
            }),
            "ok");
  EXPECT_TRUE(event_sources.followed.empty());
  EXPECT_TRUE(t.run(service.list_event_source_mappings(call, {}))->event_source_mappings->empty());
}

TEST_F(EventSourceMappingsTest, MappingsOutliveTheServer) {
  const auto made = make();
  t.restart(false);
  EXPECT_EQ(t.documents->all(catalog::EventSourceMapping::kKind).size(), 1U);
}

}  // namespace
}  // namespace lambent::services::lambda
