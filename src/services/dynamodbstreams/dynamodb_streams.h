// The DynamoDB Streams API on the tables engine. A stream has one shard, for as long as it is enabled.
//
// Runs on the event loop; records are read by the work pool.
#pragma once

#include "base/clock.h"
#include "net/loop.h"
#include "net/work_pool.h"
#include "protocol/dynamodbstreams/service.h"
#include "tables/engine.h"

namespace lambent::services::dynamodbstreams {

class DynamoDbStreams final : public protocol::dynamodbstreams::Service {
 public:
  // All outlive the service and every answer it is still making.
  DynamoDbStreams(const tables::Engine& engine, net::Loop& loop, net::WorkPool& pool, const Clock& clock)
      : engine_(engine), loop_(loop), pool_(pool), clock_(clock) {}

  template <class T>
  using Answer = protocol::Answer<T>;
  using Call = protocol::CallContext;

  Answer<protocol::dynamodbstreams::ListStreamsOutput> list_streams(
      const Call& call, protocol::dynamodbstreams::ListStreamsInput input) override;
  Answer<protocol::dynamodbstreams::DescribeStreamOutput> describe_stream(
      const Call& call, protocol::dynamodbstreams::DescribeStreamInput input) override;
  Answer<protocol::dynamodbstreams::GetShardIteratorOutput> get_shard_iterator(
      const Call& call, protocol::dynamodbstreams::GetShardIteratorInput input) override;
  Answer<protocol::dynamodbstreams::GetRecordsOutput> get_records(
      const Call& call, protocol::dynamodbstreams::GetRecordsInput input) override;

 private:
  [[nodiscard]] tables::TablesResult<tables::StreamPtr> find(std::string_view arn) const;

  const tables::Engine& engine_;
  net::Loop& loop_;
  net::WorkPool& pool_;
  const Clock& clock_;
};

}  // namespace lambent::services::dynamodbstreams
