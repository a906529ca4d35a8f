// The streams API from JSON to JSON, on the real engine and the store in memory.
#include "services/dynamodbstreams/dynamodb_streams.h"

#include <gtest/gtest.h>

#include "net/scope.h"
#include "protocol/testing.h"
#include "services/dynamodbstreams/shard_iterator.h"
#include "store/memory_store.h"
#include "tables/test_engine.h"

namespace lambent::services::dynamodbstreams {
namespace {

using protocol::testing::RequestBuilder;
using tables::S;

class DynamoDbStreamsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(engine_.create("docs", std::nullopt));
    tables::UpdateTableRequest request{.name = "docs"};
    request.stream = {true, tables::StreamView::new_and_old_images};
    ASSERT_TRUE(engine_.update(request));
    service_.emplace(*engine_, loop_, pool_, clock_);
    const auto stream = engine_->streams("docs").at(0);
    arn_ = "arn:aws:dynamodb:us-east-1:000000000000:table/docs/stream/" + stream->definition.label;
  }

  std::string call(const std::string& operation, std::string body, int status = 200) {
    auto request = RequestBuilder("POST", "/")
                       .header("X-Amz-Target", "DynamoDBStreams_20120810." + operation)
                       .header("Content-Type", "application/x-amz-json-1.0")
                       .body(std::move(body));
    const auto context = protocol::testing::a_call();
    protocol::HttpReply reply;
    net::Scope scope;
    scope.spawn([](DynamoDbStreamsTest& self, const protocol::CallContext& call, protocol::HttpRequest http,
                   protocol::HttpReply& out) -> net::Task<> {
      out = co_await protocol::dynamodbstreams::dispatch(*self.service_, call, std::move(http));
      self.loop_.stop();
    }(*this, context, request.request(), reply));
    while (scope.running() > 0) loop_.run();
    EXPECT_EQ(reply.status, status) << reply.body;
    return reply.body;
  }
  static std::string member(const std::string& json, const std::string& name) {
    const auto start = json.find("\"" + name + "\":\"");
    if (start == std::string::npos) return "";
    const auto at = start + name.size() + 4;
    return json.substr(at, json.find('"', at) - at);
  }
  std::string iterator(const std::string& type, const std::string& more = "") {
    const auto shard = member(call("DescribeStream", R"({"StreamArn":")" + arn_ + "\"}"), "ShardId");
    return member(call("GetShardIterator", R"({"StreamArn":")" + arn_ + R"(","ShardId":")" + shard +
                                               R"(","ShardIteratorType":")" + type + "\"" + more + "}"),
                  "ShardIterator");
  }
  std::string records(const std::string& iterator, int status = 200) {
    return call("GetRecords", R"({"ShardIterator":")" + iterator + "\"}", status);
  }

  store::MemoryStore store_;
  tables::TestEngine engine_{store_};
  FakeClock clock_;
  net::Loop loop_;
  net::WorkPool pool_{1};
  std::optional<DynamoDbStreams> service_;
  std::string arn_;
};

void expect_contains(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no " << part << "\nin " << text;
}

TEST_F(DynamoDbStreamsTest, AStreamIsListedDescribedAndReadToItsEnd) {
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("a")}, {"n", tables::N("1")}}));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("a")}, {"n", tables::N("2")}}));
  expect_contains(call("ListStreams", "{}"), arn_);
  const auto described = call("DescribeStream", R"({"StreamArn":")" + arn_ + "\"}");
  for (const auto* part : {R"("StreamStatus":"ENABLED")", R"("StreamViewType":"NEW_AND_OLD_IMAGES")",
                           R"("KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}])"}) {
    expect_contains(described, part);
  }
  const auto read = records(iterator("TRIM_HORIZON"));
  for (const auto* part :
       {R"("eventName":"INSERT")", R"("eventName":"MODIFY")", R"("eventSource":"aws:dynamodb")",
        R"("OldImage":{"n":{"N":"1"},"pk":{"S":"a"}})", R"("NewImage":{"n":{"N":"2"},"pk":{"S":"a"}})",
        R"("Keys":{"pk":{"S":"a"}})", R"("SequenceNumber":"100000000000000000002")", R"("NextShardIterator")"}) {
    expect_contains(read, part);
  }
  expect_contains(records(member(read, "NextShardIterator")), R"("Records":[])");
  expect_contains(records(iterator("LATEST")), R"("Records":[])");
  const auto after = records(iterator("AFTER_SEQUENCE_NUMBER", R"(,"SequenceNumber":"100000000000000000001")"));
  EXPECT_EQ(after.find("INSERT"), std::string::npos);
  expect_contains(after, "MODIFY");

  tables::UpdateTableRequest off{.name = "docs"};
  off.stream = {false, std::nullopt};
  ASSERT_TRUE(engine_.update(off));
  const auto last = records(iterator("TRIM_HORIZON"));
  EXPECT_EQ(last.find("NextShardIterator"), std::string::npos) << "a closed shard ends";
  expect_contains(call("DescribeStream", R"({"StreamArn":")" + arn_ + "\"}"), R"("StreamStatus":"DISABLED")");
}

TEST_F(DynamoDbStreamsTest, WhatIsNotThereIsRefused) {
  const auto old = iterator("TRIM_HORIZON");
  clock_.advance(std::chrono::minutes(16));
  expect_contains(records(old, 400), "ExpiredIteratorException");
  expect_contains(records("nonsense", 400), "ValidationException");
  expect_contains(call("DescribeStream", R"({"StreamArn":")" + arn_ + "x\"}", 400), "ResourceNotFoundException");
}

// What a reader that stood still for a day sees: that it missed something; whoever starts anew begins behind it.
TEST_F(DynamoDbStreamsTest, RecordsAreKeptFor24Hours) {
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("day-old")}}));
  engine_.clock().advance(std::chrono::hours(23));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("hour-old")}}));
  const auto stream = engine_->streams("docs").at(0);
  for (int i = 0; i < 3; ++i) engine_->tick();
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("last")}})) << "answered behind what the ticks began";
  expect_contains(records(iterator("TRIM_HORIZON")), "day-old");

  const auto first = iterator("AT_SEQUENCE_NUMBER", R"(,"SequenceNumber":"100000000000000000001")");
  engine_.clock().advance(std::chrono::minutes(61));
  ASSERT_TRUE(engine_.eventually([&] { return stream->first == 2; }));
  expect_contains(records(first, 400), "TrimmedDataAccessException");
  const auto kept = records(iterator("TRIM_HORIZON"));
  EXPECT_EQ(kept.find("day-old"), std::string::npos);
  expect_contains(kept, "hour-old");
}

TEST(ShardIterators, ComeBackAsTheyWent) {
  const ShardIterator iterator{"arn:aws:x:table/a/stream/b", 17, 5};
  const auto back = parse_shard_iterator(to_text(iterator));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->stream_arn, iterator.stream_arn);
  EXPECT_EQ(back->next, 17);
  for (const auto* text : {"", "|", "||", "a|1|x|5", "a|2|17|5", "a|17|5", "a|1|17|"}) {
    EXPECT_FALSE(parse_shard_iterator(text)) << text;
  }
  EXPECT_EQ(parse_sequence(sequence_text(42)), 42);
  EXPECT_FALSE(parse_sequence("42"));
}

}  // namespace
}  // namespace lambent::services::dynamodbstreams
