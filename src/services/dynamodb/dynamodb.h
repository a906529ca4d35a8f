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
  Answer<protocol::dynamodb::UpdateTableOutput> update_table(const Call& call,
                                                             protocol::dynamodb::UpdateTableInput input) override;
  Answer<protocol::Nothing> tag_resource(const Call& call, protocol::dynamodb::TagResourceInput input) override;
  Answer<protocol::Nothing> untag_resource(const Call& call, protocol::dynamodb::UntagResourceInput input) override;
  Answer<protocol::dynamodb::ListTagsOfResourceOutput> list_tags_of_resource(
      const Call& call, protocol::dynamodb::ListTagsOfResourceInput input) override;
  Answer<protocol::dynamodb::DescribeLimitsOutput> describe_limits(
      const Call& call, protocol::dynamodb::DescribeLimitsInput input) override;
  Answer<protocol::dynamodb::DescribeEndpointsResponse> describe_endpoints(
      const Call& call, protocol::dynamodb::DescribeEndpointsRequest input) override;
  Answer<protocol::dynamodb::UpdateTimeToLiveOutput> update_time_to_live(
      const Call& call, protocol::dynamodb::UpdateTimeToLiveInput input) override;
  Answer<protocol::dynamodb::DescribeContinuousBackupsOutput> describe_continuous_backups(
      const Call& call, protocol::dynamodb::DescribeContinuousBackupsInput input) override;
  Answer<protocol::dynamodb::UpdateContinuousBackupsOutput> update_continuous_backups(
      const Call& call, protocol::dynamodb::UpdateContinuousBackupsInput input) override;
  Answer<protocol::dynamodb::CreateBackupOutput> create_backup(const Call& call,
                                                               protocol::dynamodb::CreateBackupInput input) override;
  Answer<protocol::dynamodb::DescribeBackupOutput> describe_backup(
      const Call& call, protocol::dynamodb::DescribeBackupInput input) override;
  Answer<protocol::dynamodb::ListBackupsOutput> list_backups(const Call& call,
                                                             protocol::dynamodb::ListBackupsInput input) override;
  Answer<protocol::dynamodb::DeleteBackupOutput> delete_backup(const Call& call,
                                                               protocol::dynamodb::DeleteBackupInput input) override;
  Answer<protocol::dynamodb::RestoreTableFromBackupOutput> restore_table_from_backup(
      const Call& call, protocol::dynamodb::RestoreTableFromBackupInput input) override;

  Answer<protocol::dynamodb::PutItemOutput> put_item(const Call& call, protocol::dynamodb::PutItemInput input) override;
  Answer<protocol::dynamodb::UpdateItemOutput> update_item(const Call& call,
                                                           protocol::dynamodb::UpdateItemInput input) override;
  Answer<protocol::dynamodb::DeleteItemOutput> delete_item(const Call& call,
                                                           protocol::dynamodb::DeleteItemInput input) override;
  Answer<protocol::dynamodb::BatchWriteItemOutput> batch_write_item(
      const Call& call, protocol::dynamodb::BatchWriteItemInput input) override;
  Answer<protocol::dynamodb::TransactWriteItemsOutput> transact_write_items(
      const Call& call, protocol::dynamodb::TransactWriteItemsInput input) override;

  Answer<protocol::dynamodb::ExecuteStatementOutput> execute_statement(
      const Call& call, protocol::dynamodb::ExecuteStatementInput input) override;
  Answer<protocol::dynamodb::BatchExecuteStatementOutput> batch_execute_statement(
      const Call& call, protocol::dynamodb::BatchExecuteStatementInput input) override;
  Answer<protocol::dynamodb::ExecuteTransactionOutput> execute_transaction(
      const Call& call, protocol::dynamodb::ExecuteTransactionInput input) override;

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
  // Reads on the loop where that is short, else on the pool.
  template <class T, class Request>
  net::Task<tables::TablesResult<T>> read(
      Request request, std::optional<tables::TablesResult<T>> (tables::Engine::*at_once)(const Request&) const,
      tables::TablesResult<T> (tables::Engine::*whole)(const Request&) const);

  tables::Engine& engine_;
  net::Loop& loop_;
  net::WorkPool& pool_;
};

}  // namespace lambent::services::dynamodb
