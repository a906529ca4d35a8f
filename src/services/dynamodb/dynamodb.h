// The DynamoDB API on the tables engine: takes requests apart, lets the engine answer, puts answers together.
//
// Runs on the event loop. Changes are done by the engine's writer thread, reads by the work pool; both come back to the
// loop. Operations that are not overridden answer that they are not implemented.
#pragma once

#include "net/loop.h"
#include "net/work_pool.h"
#include "protocol/dynamodb/service.h"
#include "tables/engine.h"

namespace lambent::services::dynamodb {

class DynamoDb final : public protocol::dynamodb::Service {
 public:
  // All three outlive the service and every answer it is still making; the loop must run until the engine has ended.
  DynamoDb(tables::Engine& engine, net::Loop& loop, net::WorkPool& pool) : engine_(engine), loop_(loop), pool_(pool) {}

  template <class T>
  using Answer = protocol::Answer<T>;
  using Call = protocol::CallContext;

  Answer<protocol::dynamodb::CreateTableOutput> create_table(const Call& call,
                                                             protocol::dynamodb::CreateTableInput input) override;
  Answer<protocol::dynamodb::DeleteTableOutput> delete_table(const Call& call,
                                                             protocol::dynamodb::DeleteTableInput input) override;
  Answer<protocol::dynamodb::DescribeTableOutput> describe_table(const Call& call,
                                                                 protocol::dynamodb::DescribeTableInput input) override;
  Answer<protocol::dynamodb::ListTablesOutput> list_tables(const Call& call,
                                                           protocol::dynamodb::ListTablesInput input) override;
  Answer<protocol::dynamodb::DescribeTimeToLiveOutput> describe_time_to_live(
      const Call& call, protocol::dynamodb::DescribeTimeToLiveInput input) override;

  Answer<protocol::dynamodb::PutItemOutput> put_item(const Call& call, protocol::dynamodb::PutItemInput input) override;
  Answer<protocol::dynamodb::UpdateItemOutput> update_item(const Call& call,
                                                           protocol::dynamodb::UpdateItemInput input) override;
  Answer<protocol::dynamodb::DeleteItemOutput> delete_item(const Call& call,
                                                           protocol::dynamodb::DeleteItemInput input) override;
  Answer<protocol::dynamodb::BatchWriteItemOutput> batch_write_item(
      const Call& call, protocol::dynamodb::BatchWriteItemInput input) override;
  Answer<protocol::dynamodb::TransactWriteItemsOutput> transact_write_items(
      const Call& call, protocol::dynamodb::TransactWriteItemsInput input) override;

  Answer<protocol::dynamodb::GetItemOutput> get_item(const Call& call, protocol::dynamodb::GetItemInput input) override;
  Answer<protocol::dynamodb::QueryOutput> query(const Call& call, protocol::dynamodb::QueryInput input) override;
  Answer<protocol::dynamodb::ScanOutput> scan(const Call& call, protocol::dynamodb::ScanInput input) override;
  Answer<protocol::dynamodb::BatchGetItemOutput> batch_get_item(const Call& call,
                                                                protocol::dynamodb::BatchGetItemInput input) override;
  Answer<protocol::dynamodb::TransactGetItemsOutput> transact_get_items(
      const Call& call, protocol::dynamodb::TransactGetItemsInput input) override;

 private:
  // Starts a change of the engine's and resumes on the loop with its result.
  template <class T, class Start>
  net::Task<tables::TablesResult<T>> change(Start start);

  tables::Engine& engine_;
  net::Loop& loop_;
  net::WorkPool& pool_;
};

}  // namespace lambent::services::dynamodb
