// The API from JSON to JSON, on the real engine and the store in memory.
#include "services/dynamodb/dynamodb.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/clock.h"
#include "base/random.h"
#include "net/scope.h"
#include "protocol/testing.h"
#include "store/memory_store.h"

namespace lambent::services::dynamodb {
namespace {

using protocol::testing::RequestBuilder;

class DynamoDbTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = tables::Engine::open(store_, clock_, random_);
    ASSERT_TRUE(opened);
    engine_ = *std::move(opened);
    service_.emplace(*engine_, loop_, pool_);
  }

  protocol::HttpReply call(const std::string& operation, std::string body) {
    auto request = RequestBuilder("POST", "/")
                       .header("X-Amz-Target", "DynamoDB_20120810." + operation)
                       .header("Content-Type", "application/x-amz-json-1.0")
                       .body(std::move(body));
    const auto context = protocol::testing::a_call();
    protocol::HttpReply reply;
    net::Scope scope;
    scope.spawn([](DynamoDbTest& self, const protocol::CallContext& call, protocol::HttpRequest http,
                   protocol::HttpReply& out) -> net::Task<> {
      out = co_await protocol::dynamodb::dispatch(*self.service_, call, std::move(http));
      self.loop_.stop();
    }(*this, context, request.request(), reply));
    while (scope.running() > 0) loop_.run();
    return reply;
  }
  std::string body(const std::string& operation, std::string json) {
    const auto reply = call(operation, std::move(json));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.body;
  }
  std::string error(const std::string& operation, std::string json) {
    const auto reply = call(operation, std::move(json));
    EXPECT_EQ(reply.status, 400) << reply.body;
    return reply.body;
  }
  void create_docs() {
    body(
        "CreateTable",
        R"({"TableName":"docs","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"name","KeyType":"HASH"},)"
        R"({"AttributeName":"part","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"name","AttributeType":"S"},)"
        R"({"AttributeName":"part","AttributeType":"N"}]})");
  }

  store::MemoryStore store_;
  FakeClock clock_;
  SystemRandom random_;
  net::Loop loop_;
  net::WorkPool pool_{1};
  std::unique_ptr<tables::Engine> engine_;
  std::optional<DynamoDb> service_;
};

void expect_contains(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no " << part << "\nin " << text;
}

TEST_F(DynamoDbTest, ATableIsDescribedAsAwsDoes) {
  create_docs();
  const auto described = body("DescribeTable", R"({"TableName":"docs"})");
  for (const auto* part :
       {R"("TableStatus":"ACTIVE")", R"("TableName":"docs")", R"("ItemCount":0)", R"("BillingMode":"PAY_PER_REQUEST")",
        R"({"AttributeName":"part","KeyType":"RANGE"})", R"(:table/docs")", R"("CreationDateTime":1800000000)",
        R"("DeletionProtectionEnabled":false)"}) {
    expect_contains(described, part);
  }
  expect_contains(body("ListTables", "{}"), R"("TableNames":["docs"])");
  expect_contains(body("DeleteTable", R"({"TableName":"docs"})"), R"("TableStatus":"DELETING")");
  expect_contains(error("DescribeTable", R"({"TableName":"docs"})"),
                  "Requested resource not found: Table: docs not found");
}

TEST_F(DynamoDbTest, AnItemOfEveryTypeComesBackAsItWent) {
  create_docs();
  const std::string item =
      R"({"b":{"B":"AAH/"},"bs":{"BS":["AQ==","Ag=="]},"l":{"L":[{"S":"x"},{"N":"1"},{"L":[]}]},"m":{"M":{"k":{"BOOL":false}}},)"
      R"("name":{"S":"a"},"nothing":{"NULL":true},"ns":{"NS":["-1","2.5"]},"part":{"N":"1"},"ss":{"SS":["a","b"]},"yes":{"BOOL":true}})";
  EXPECT_EQ(body("PutItem", R"({"TableName":"docs","Item":)" + item + "}"), "{}");
  EXPECT_EQ(
      body("GetItem", R"({"TableName":"docs","Key":{"name":{"S":"a"},"part":{"N":"1.0"}},"ConsistentRead":true})"),
      R"({"Item":)" + item + "}");
  EXPECT_EQ(body("GetItem", R"({"TableName":"docs","Key":{"name":{"S":"none"},"part":{"N":"1"}}})"), "{}");
}

TEST_F(DynamoDbTest, QueryScanUpdateAndBatches) {
  create_docs();
  const auto written = body(
      "BatchWriteItem",
      R"({"RequestItems":{"docs":[{"PutRequest":{"Item":{"name":{"S":"a"},"part":{"N":"1"},"t":{"S":"x"}}}},)"
      R"({"PutRequest":{"Item":{"name":{"S":"a"},"part":{"N":"2"}}}},{"DeleteRequest":{"Key":{"name":{"S":"b"},"part":{"N":"2"}}}}]}})");
  EXPECT_EQ(written, R"({"UnprocessedItems":{}})");
  const auto page = body(
      "Query",
      R"({"TableName":"docs","KeyConditionExpression":"#n = :n AND part >= :p","ExpressionAttributeNames":{"#n":"name"},)"
      R"("ExpressionAttributeValues":{":n":{"S":"a"},":p":{"N":"1"}},"Limit":1,"ReturnConsumedCapacity":"TOTAL"})");
  expect_contains(page, R"("Items":[{"name":{"S":"a"},"part":{"N":"1"},"t":{"S":"x"}}])");
  expect_contains(page, R"("LastEvaluatedKey":{"name":{"S":"a"},"part":{"N":"1"}})");
  expect_contains(page, R"("CapacityUnits":0.5)");
  expect_contains(body("Scan", R"({"TableName":"docs","Select":"COUNT"})"), R"("Count":2)");
  EXPECT_EQ(body("UpdateItem",
                 R"({"TableName":"docs","Key":{"name":{"S":"a"},"part":{"N":"2"}},"UpdateExpression":"ADD hits :one",)"
                 R"("ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"UPDATED_NEW"})"),
            R"({"Attributes":{"hits":{"N":"1"}}})");
  const auto got = body("BatchGetItem", R"({"RequestItems":{"docs":{"Keys":[{"name":{"S":"a"},"part":{"N":"2"}}]}}})");
  expect_contains(got, R"("Responses":{"docs":[{"hits":{"N":"1"},"name":{"S":"a"},"part":{"N":"2"}}]})");
}

TEST_F(DynamoDbTest, ErrorsHaveAwsTypesAndTexts) {
  create_docs();
  const std::string item = R"("Item":{"name":{"S":"a"},"part":{"N":"1"}})";
  body("PutItem", R"({"TableName":"docs",)" + item + "}");
  const auto failed = error("PutItem", R"({"TableName":"docs",)" + item +
                                           R"j(,"ConditionExpression":"attribute_not_exists(part)",)j"
                                           R"("ReturnValuesOnConditionCheckFailure":"ALL_OLD"})");
  expect_contains(failed, "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException");
  expect_contains(failed, "The conditional request failed");
  expect_contains(failed, R"("Item":{"name":{"S":"a"},"part":{"N":"1"}})");
  expect_contains(error("PutItem", R"({"TableName":"none",)" + item + "}"), "ResourceNotFoundException");
  expect_contains(error("PutItem", R"({"TableName":"docs","Item":{"name":{"S":"a"},"part":{"N":"x"}}})"),
                  "The parameter cannot be converted to a numeric value: x");
  expect_contains(
      error("PutItem", R"({"TableName":"docs","Item":{"name":{"S":"a"},"part":{"N":"1"},"s":{"SS":["a","a"]}}})"),
      "Input collection [a, a] contains duplicates.");
  expect_contains(error("PutItem", R"({"TableName":"docs","Item":{"name":{"S":"a"},"part":{}}})"),
                  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  expect_contains(error("PutItem", R"({"TableName":"docs",)" + item + R"(,"Expected":{"name":{"Exists":false}}})"),
                  "ConditionalCheckFailedException");
  expect_contains(
      error("PutItem", R"({"TableName":"docs",)" + item +
                           R"j(,"Expected":{"name":{"Exists":false}},"ConditionExpression":"attribute_exists(a)"})j"),
      "Can not use both expression and non-expression parameters in the same request: Non-expression "
      "parameters: {Expected} Expression parameters: {ConditionExpression}");
  expect_contains(
      error(
          "CreateTable",
          R"({"TableName":"docs","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],)"
          R"("AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}]})"),
      "ResourceInUseException");
  const auto cancelled =
      error("TransactWriteItems",
            R"({"TransactItems":[{"Delete":{"TableName":"docs","Key":{"name":{"S":"a"},"part":{"N":"1"}}}},)"
            R"j({"ConditionCheck":{"TableName":"docs","Key":{"name":{"S":"b"},"part":{"N":"1"}},)j"
            R"j("ConditionExpression":"attribute_exists(part)"}}]})j");
  expect_contains(cancelled, "TransactionCanceledException");
  expect_contains(cancelled, R"("CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed")");
}

TEST_F(DynamoDbTest, TheOlderParametersDoWhatExpressionsDo) {
  create_docs();
  body("PutItem", R"({"TableName":"docs","Item":{"name":{"S":"a"},"part":{"N":"1"},"n":{"N":"5"},"s":{"S":"abc"}}})");
  const std::string key = R"("TableName":"docs","Key":{"name":{"S":"a"},"part":{"N":"1"}})";
  expect_contains(
      body("UpdateItem", "{" + key +
                             R"(,"AttributeUpdates":{"n":{"Action":"ADD","Value":{"N":"2"}},"s":{"Action":"DELETE"},)"
                             R"("t":{"Value":{"S":"new"}}},"Expected":{"n":{"ComparisonOperator":"GT",)"
                             R"("AttributeValueList":[{"N":"4"}]}},"ReturnValues":"ALL_NEW"})"),
      R"({"Attributes":{"n":{"N":"7"},"name":{"S":"a"},"part":{"N":"1"},"t":{"S":"new"}}})");
  EXPECT_EQ(body("GetItem", "{" + key + R"(,"AttributesToGet":["n"]})"), R"({"Item":{"n":{"N":"7"}}})");
  const std::string query =
      R"({"TableName":"docs","KeyConditions":{"name":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},)";
  expect_contains(
      body("Query", query + R"("QueryFilter":{"n":{"ComparisonOperator":"LT","AttributeValueList":[{"N":"9"}]}}})"),
      R"("Count":1)");
  expect_contains(body("Query", query + R"("QueryFilter":{"n":{"ComparisonOperator":"NULL"}}})"), R"("Count":0)");
  expect_contains(
      body("Scan", R"({"TableName":"docs","ConditionalOperator":"OR","ScanFilter":{"n":{"ComparisonOperator":"NULL"},)"
                   R"("t":{"ComparisonOperator":"BEGINS_WITH","AttributeValueList":[{"S":"ne"}]}}})"),
      R"("Count":1)");
  expect_contains(
      error("Scan", R"({"TableName":"docs","ScanFilter":{"n":{"ComparisonOperator":"EQ","AttributeValueList":[]}}})"),
      "Invalid number of argument(s) for the EQ ComparisonOperator");
}

TEST_F(DynamoDbTest, PartiQlStatements) {
  create_docs();
  const auto run = [&](const std::string& statement) {
    return body("ExecuteStatement", R"({"Statement":")" + statement + R"("})");
  };
  EXPECT_EQ(run("INSERT INTO docs VALUE {'name': 'a', 'part': 1, 'n': 5}"), R"({"Items":[]})");
  expect_contains(error("ExecuteStatement", R"({"Statement":"INSERT INTO docs VALUE {'name': 'a', 'part': 1}"})"),
                  "DuplicateItemException");
  run("INSERT INTO docs VALUE {'name': 'a', 'part': 2}");
  expect_contains(run("UPDATE docs SET n = n + 1 WHERE name = 'a' AND part = 1 RETURNING MODIFIED NEW *"),
                  R"("n":{"N":"6"})");
  expect_contains(error("ExecuteStatement", R"({"Statement":"UPDATE docs SET n = 1 WHERE name = 'x' AND part = 1"})"),
                  "ConditionalCheckFailedException");
  const auto first = body("ExecuteStatement", R"({"Statement":"SELECT part FROM docs WHERE name = ?","Limit":1,)"
                                              R"("Parameters":[{"S":"a"}],"ReturnConsumedCapacity":"TOTAL"})");
  expect_contains(first, R"("Items":[{"part":{"N":"1"}}])");
  const auto at = first.find(R"("NextToken":")") + 13;
  const auto token = first.substr(at, first.find('"', at) - at);
  expect_contains(
      body("ExecuteStatement", R"({"Statement":"SELECT part FROM docs WHERE name = ?","Parameters":[{"S":"a"}],)"
                               R"("NextToken":")" +
                                   token + R"("})"),
      R"({"Items":[{"part":{"N":"2"}}]})");
  expect_contains(error("ExecuteStatement", R"({"Statement":"SELECT * FROM docs","NextToken":")" + token + R"("})"),
                  "NextToken");
  const auto batch = body("BatchExecuteStatement",
                          R"({"Statements":[{"Statement":"SELECT * FROM docs WHERE name = 'a' AND part = 2"},)"
                          R"({"Statement":"SELECT * FROM docs WHERE name = 'a'"}]})");
  expect_contains(batch, R"("Item":{"name":{"S":"a"},"part":{"N":"2"}})");
  expect_contains(batch, R"("Code":"ValidationError")");
  const auto cancelled = error(
      "ExecuteTransaction", R"({"TransactStatements":[{"Statement":"INSERT INTO docs VALUE {'name': 'a', 'part': 1}"},)"
                            R"({"Statement":"DELETE FROM docs WHERE name = 'a' AND part = 2"}]})");
  expect_contains(cancelled, "DuplicateItem");
  expect_contains(body("ExecuteTransaction",
                       R"({"TransactStatements":[{"Statement":"DELETE FROM docs WHERE name = 'a' AND part = 2"},)"
                       R"j({"Statement":"EXISTS(SELECT * FROM docs WHERE name = 'a' AND part = 1 AND n = 6)"}]})j"),
                  R"("Responses":[{},{}])");
}

TEST_F(DynamoDbTest, AFullDiskIsAServiceErrorAndNothingIsAcknowledged) {
  create_docs();
  store_.fail_commit(1, ENOSPC);
  const auto reply = call("PutItem", R"({"TableName":"docs","Item":{"name":{"S":"a"},"part":{"N":"1"}}})");
  EXPECT_EQ(reply.status, 500);
  expect_contains(reply.body, "InternalServerError");
  EXPECT_EQ(body("GetItem", R"({"TableName":"docs","Key":{"name":{"S":"a"},"part":{"N":"1"}}})"), "{}");
}

}  // namespace
}  // namespace lambent::services::dynamodb
