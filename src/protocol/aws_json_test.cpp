// AWS JSON 1.0 end to end, over the generated dynamodb service with a fake implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "protocol/dynamodb/service.h"
#include "protocol/testing.h"

namespace lambent::protocol {
namespace {

using testing::a_call;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::header_of;
using testing::RequestBuilder;
using testing::run_now;
using Type = AttributeValue::Type;

// PutItem keeps what it was given and GetItem gives it back.
class FakeDynamoDb : public dynamodb::Service {
 public:
  Answer<dynamodb::PutItemOutput> put_item(const CallContext&, dynamodb::PutItemInput r) override {
    put = std::move(r);
    co_return dynamodb::PutItemOutput{};
  }
  Answer<dynamodb::GetItemOutput> get_item(const CallContext&, dynamodb::GetItemInput) override {
    dynamodb::GetItemOutput reply;
    reply.item = put->item;
    reply.consumed_capacity.emplace().capacity_units = 1;
    co_return reply;
  }
  Answer<dynamodb::TransactWriteItemsOutput> transact_write_items(const CallContext&,
                                                                  dynamodb::TransactWriteItemsInput r) override {
    transaction = std::move(r);
    dynamodb::TransactionCanceledException error;
    error.message = "Transaction cancelled";
    auto& reasons = error.cancellation_reasons.emplace();
    reasons.emplace_back().code = "None";
    reasons.emplace_back().code = "ConditionalCheckFailed";
    reasons.back().item.emplace()["k"] = AttributeValue::s("v");
    co_return failure(error);
  }
  Answer<dynamodb::DescribeTableOutput> describe_table(const CallContext&, dynamodb::DescribeTableInput r) override {
    co_return failure(dynamodb::ResourceNotFoundException{
        .message = "Requested resource not found: Table: " + r.table_name + " not found"});
  }
  Answer<dynamodb::CreateTableOutput> create_table(const CallContext&, dynamodb::CreateTableInput r) override {
    dynamodb::CreateTableOutput reply;
    reply.table_description.emplace().table_name = r.table_name;
    reply.table_description->creation_date_time = Timestamp(std::chrono::milliseconds(1'421'866'952'508));
    co_return reply;
  }
  Answer<dynamodb::BatchWriteItemOutput> batch_write_item(const CallContext&,
                                                          dynamodb::BatchWriteItemInput r) override {
    batch = std::move(r);
    co_return dynamodb::BatchWriteItemOutput{};
  }

  std::optional<dynamodb::PutItemInput> put;
  std::optional<dynamodb::TransactWriteItemsInput> transaction;
  std::optional<dynamodb::BatchWriteItemInput> batch;
};

class AwsJson : public ::testing::Test {
 protected:
  HttpReply send(const std::string& operation, std::string body) {
    RequestBuilder builder("POST", "/");
    builder.header("X-Amz-Target", "DynamoDB_20120810." + operation).body(std::move(body));
    return run_now(dynamodb::dispatch(service, call, builder.request()));
  }
  HttpReply put(const std::string& value) {
    return send("PutItem", R"({"TableName":"table","Item":{"k":)" + value + "}}");
  }
  std::string put_error(const std::string& value) {
    const auto reply = put(value);
    EXPECT_EQ(reply.status, 400) << value;
    return reply.body;
  }
  const AttributeValue& stored() { return *service.put->item.find("k"); }

  FakeDynamoDb service;
  CallContext call = a_call();
};

constexpr auto kEveryType =
    R"({"TableName":"table","Item":{"b":{"B":"AP8="},"bool":{"BOOL":false},"bs":{"BS":["AQ==","Ag=="]},)"
    R"("l":{"L":[{"S":"x"},{"L":[]},{"M":{}}]},"m":{"M":{"a":{"M":{"b":{"N":"1"}}}}},)"
    R"("n":{"N":"12345678901234567890123456789012345678"},"ns":{"NS":["1","2"]},"null":{"NULL":true},)"
    R"("s":{"S":"é\n\"\u0001"},"ss":{"SS":["a"]}}})";

TEST_F(AwsJson, EveryTypeOfValueComesBackAsItWent) {
  ASSERT_EQ(send("PutItem", kEveryType).status, 200);
  const auto reply = send("GetItem", R"({"TableName":"table","Key":{}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string sent(kEveryType);
  const auto item = sent.substr(sent.find("\"Item\""));
  EXPECT_EQ(reply.body, "{" + item.substr(0, item.size() - 1) + R"(,"ConsumedCapacity":{"CapacityUnits":1.0}})");
}

TEST_F(AwsJson, ValuesAreHeldByTheirType) {
  ASSERT_EQ(put(R"({"B":"AP8="})").status, 200);
  EXPECT_EQ(stored().type(), Type::b);
  EXPECT_EQ(stored().text(), std::string("\x00\xff", 2));
  ASSERT_EQ(put(R"({"M":{"x":{"BOOL":true}}})").status, 200);
  EXPECT_TRUE(stored().map().find("x")->boolean());
  ASSERT_EQ(put(R"({"L":[null,{"NULL":false}]})").status, 200);
  EXPECT_EQ(stored().list()[0].type(), Type::empty);
  EXPECT_EQ(stored().list()[1].type(), Type::null);
  EXPECT_FALSE(stored().list()[1].boolean());
}

TEST_F(AwsJson, EmptyAndConflictingValuesReachTheService) {
  ASSERT_EQ(put("{}").status, 200);
  EXPECT_EQ(stored().type(), Type::empty);
  ASSERT_EQ(put(R"({"X":1,"S":null})").status, 200);
  EXPECT_EQ(stored().type(), Type::empty) << "unknown members and null are no value";
  ASSERT_EQ(put(R"({"S":"a","N":"1"})").status, 200);
  EXPECT_EQ(stored().type(), Type::conflicting);
  ASSERT_EQ(put(R"({"S":"a","N":"1","B":"AA=="})").status, 200);
  EXPECT_EQ(stored().type(), Type::conflicting);
  ASSERT_EQ(put(R"({"S":"a","S":"b"})").status, 200);
  EXPECT_EQ(stored().text(), "b") << "of duplicate keys the last one counts";
}

TEST_F(AwsJson, WrongTypesAreToldInTheWordsOfAWSsParser) {
  EXPECT_EQ(
      put_error(R"({"N":1})"),
      R"({"__type":"com.amazon.coral.service#SerializationException","Message":"NUMBER_VALUE cannot be converted to String"})");
  EXPECT_THAT(put_error(R"({"S":true})"), HasSubstr("TRUE_VALUE cannot be converted to String"));
  EXPECT_THAT(put_error(R"({"BOOL":"true"})"), HasSubstr("STRING_VALUE cannot be converted to Boolean"));
  EXPECT_THAT(put_error(R"({"S":{}})"), HasSubstr("Start of structure or map found where not expected"));
  EXPECT_THAT(put_error(R"({"B":[1]})"), HasSubstr("Start of list found where not expected"));
  EXPECT_THAT(put_error(R"({"M":[]})"), HasSubstr("Unrecognized collection type java.util.Map<java.lang.String, "
                                                  "com.amazonaws.dynamodb.v20120810.AttributeValue>"));
  EXPECT_THAT(put_error(R"("text")"), HasSubstr("Unexpected field type"));
  EXPECT_THAT(put_error(R"({"SS":"a"})"), HasSubstr("Unexpected field type"));
}

TEST_F(AwsJson, BlobsMustBeBase64) {
  EXPECT_THAT(put_error(R"({"B":"AAA"})"),
              HasSubstr("Base64 encoded length is expected a multiple of 4 bytes but found: 3"));
  EXPECT_THAT(put_error(R"({"B":"A*=="})"), HasSubstr("Invalid Base64 character"));
  EXPECT_THAT(put_error(R"({"BS":["A*=="]})"), HasSubstr("Invalid Base64 character"));
}

TEST_F(AwsJson, BrokenJsonIsASerializationExceptionWithoutWords) {
  for (const std::string body : {"{", "[", "{\"a\":1}}", "\xff", "{\"TableName\":\"\xed\xa0\x80\"}", "{\"a\":1e999}"}) {
    const auto reply = send("PutItem", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.body, R"({"__type":"com.amazon.coral.service#SerializationException"})") << body;
  }
  EXPECT_THAT(send("PutItem", "[]").body, HasSubstr("SerializationException"));
  EXPECT_THAT(send("PutItem", "3").body, HasSubstr("SerializationException"));
}

TEST_F(AwsJson, LoneSurrogatesAreRefusedAndPairsTaken) {
  EXPECT_THAT(put_error(R"({"S":"\ud800"})"), HasSubstr("SerializationException"));
  EXPECT_THAT(put_error(R"({"S":"\udc00"})"), HasSubstr("SerializationException"));
  EXPECT_THAT(put_error(R"({"M":{"\udc00":{"S":"x"}}})"), HasSubstr("SerializationException"));
  ASSERT_EQ(put(R"({"S":"\ud83d\ude00"})").status, 200);
  EXPECT_EQ(stored().text(), "\xF0\x9F\x98\x80");
}

TEST_F(AwsJson, ValuesNestFarBeyondTheServicesLimitButNotForever) {
  const auto nested = [](int levels) {
    std::string open;
    std::string close;
    for (int i = 0; i < levels; ++i) {
      open += R"({"L":[)";
      close += "]}";
    }
    return open + R"({"S":"x"})" + close;
  };
  EXPECT_EQ(put(nested(33)).status, 200) << "the service says in its own words that 33 levels are too many";
  EXPECT_EQ(put(nested(200)).status, 400);
  EXPECT_EQ(put(nested(100'000)).status, 400);
}

TEST_F(AwsJson, IntegersHaveTheirRange) {
  const auto scan = [&](const std::string& limit) {
    return send("Scan", R"({"TableName":"table","Limit":)" + limit + "}");
  };
  EXPECT_EQ(scan("5").status, 501) << "decoded, and not implemented by the fake";
  EXPECT_EQ(scan("5.0").status, 501);
  for (const auto* wrong : {"2147483648", "-2147483649", "5.5", "99999999999999999999", "true", "\"5\""}) {
    EXPECT_THAT(scan(wrong).body, HasSubstr("SerializationException")) << wrong;
  }
}

TEST_F(AwsJson, ServiceErrorsCarryTheModelsNamespace) {
  const auto reply = send("DescribeTable", R"({"TableName":"absent"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, R"({"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",)"
                        R"("message":"Requested resource not found: Table: absent not found"})");
  EXPECT_EQ(header_of(reply, "Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(header_of(reply, "x-amzn-requestid"), call.request_id);
}

TEST_F(AwsJson, ErrorsCarryTheirOwnMembers) {
  const auto reply =
      send("TransactWriteItems", R"({"TransactItems":[{"Put":{"TableName":"table","Item":{"k":{"S":"v"}}}},{}]})");
  EXPECT_EQ(
      reply.body,
      R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":)"
      R"([{"Code":"None"},{"Item":{"k":{"S":"v"}},"Code":"ConditionalCheckFailed"}],"Message":"Transaction cancelled"})");
  ASSERT_EQ(service.transaction->transact_items.size(), 2U);
  EXPECT_EQ(service.transaction->transact_items[0].put->item.find("k")->text(), "v");
  EXPECT_FALSE(service.transaction->transact_items[1].put.has_value());
}

TEST_F(AwsJson, RepliesCarryTheirChecksum) {
  for (const auto& reply : {put(R"({"S":"x"})"), send("DescribeTable", R"({"TableName":"absent"})")}) {
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(reply.body.data()), static_cast<uInt>(reply.body.size()));
    EXPECT_EQ(header_of(reply, "x-amz-crc32"), std::to_string(sum));
  }
}

TEST_F(AwsJson, TimestampsAreSeconds) {
  const auto reply = send("CreateTable", R"({"TableName":"table"})");
  EXPECT_EQ(reply.body, R"({"TableDescription":{"TableName":"table","CreationDateTime":1421866952.508}})");
}

TEST_F(AwsJson, UnknownTargetsAreUnknownOperations) {
  RequestBuilder none("POST", "/");
  EXPECT_EQ(run_now(dynamodb::dispatch(service, call, none.request())).body,
            R"({"__type":"com.amazon.coral.service#UnknownOperationException"})");
  for (const auto* target :
       {"DynamoDB_20120810.Nothing", "DynamoDB_20120810", "DynamoDB_20120810.", "Lambda.PutItem", "."}) {
    RequestBuilder builder("POST", "/");
    builder.header("x-amz-target", target);
    EXPECT_EQ(run_now(dynamodb::dispatch(service, call, builder.request())).status, 400) << target;
  }
}

struct Violation {
  const char* operation;
  const char* body;
  const char* message;
};

class DynamoDbValidation : public AwsJson, public ::testing::WithParamInterface<Violation> {};

TEST_P(DynamoDbValidation, SaysWhatAWSSays) {
  const auto reply = send(GetParam().operation, GetParam().body);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, std::string(R"({"__type":"com.amazon.coral.validate#ValidationException","message":")") +
                            GetParam().message + "\"}");
}

INSTANTIATE_TEST_SUITE_P(
    EveryKindOfPath, DynamoDbValidation,
    ::testing::Values(
        Violation{
            "PutItem", R"({"TableName":"t"})",
            "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null"},
        Violation{
            "CreateTable", R"({"TableName":"table","AttributeDefinitions":[{"AttributeName":"","AttributeType":"S"}]})",
            "1 validation error detected: Value '' at 'attributeDefinitions.1.member.attributeName' failed to satisfy "
            "constraint: Member must have length greater than or equal to 1"},
        Violation{"CreateTable",
                  R"({"TableName":"table","KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"KeyType":"X"}]})",
                  "2 validation errors detected: Value null at 'keySchema.2.member.attributeName' failed to satisfy "
                  "constraint: Member must not be null; Value 'X' at 'keySchema.2.member.keyType' failed to satisfy "
                  "constraint: Member must satisfy enum value set: [HASH, RANGE]"},
        Violation{
            "CreateTable", R"({"TableName":"table","KeySchema":[]})",
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"},
        Violation{
            "BatchWriteItem", R"({"RequestItems":{"table":[]}})",
            "1 validation error detected: Value '{table=[]}' at 'requestItems' failed to satisfy constraint: Map value "
            "must satisfy constraint: [Member must have length less than or equal to 25, Member must have length "
            "greater than or equal to 1]"},
        Violation{
            "BatchWriteItem", R"({"RequestItems":{}})",
            "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"},
        Violation{"BatchGetItem", R"({"RequestItems":{"table":{"Keys":[]}}})",
                  "1 validation error detected: Value '[]' at 'requestItems.table.member.keys' failed to satisfy "
                  "constraint: Member must have length greater than or equal to 1"},
        Violation{
            "Scan", R"({"TableName":"table","Limit":0})",
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value "
            "greater than or equal to 1"},
        Violation{"ListTables", R"({"ExclusiveStartTableName":"a b"})",
                  "1 validation error detected: Value 'a b' at 'exclusiveStartTableName' failed to satisfy constraint: "
                  "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"},
        Violation{
            "Scan", R"({"TableName":"table","ConditionalOperator":"XOR","Select":"ALL"})",
            "2 validation errors detected: Value 'ALL' at 'select' failed to satisfy constraint: Member must satisfy "
            "enum value set: [ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES, SPECIFIC_ATTRIBUTES, COUNT]; Value 'XOR' at "
            "'conditionalOperator' failed to satisfy constraint: Member must satisfy enum value set: [AND, OR]"}));

TEST_F(AwsJson, AMillionViolationsMakeAShortAnswer) {
  std::string body = R"({"TableName":"table","KeySchema":[)";
  for (int i = 0; i < 100'000; ++i) body += "{},";
  body += "{}]}";
  const auto reply = send("CreateTable", body);
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("validation errors detected"));
  EXPECT_LT(reply.body.size(), 200'000U);
}

TEST_F(AwsJson, LengthsCountAsJavaCounts) {
  const std::string smile = "\xF0\x9F\x98\x80";  // two UTF-16 units
  std::string token;
  for (int i = 0; i < 18; ++i) token += smile;
  const auto transact = [&](const std::string& t) {
    return send("TransactWriteItems", R"({"TransactItems":[{}],"ClientRequestToken":")" + t + "\"}").body;
  };
  EXPECT_THAT(transact(token), HasSubstr("TransactionCanceledException")) << "36 units are allowed";
  EXPECT_THAT(transact(token + "x"), HasSubstr("Member must have length less than or equal to 36"));
}

}  // namespace
}  // namespace lambent::protocol
