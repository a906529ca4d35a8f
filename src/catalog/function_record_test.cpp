#include "catalog/function_record.h"

#include <gtest/gtest.h>

namespace lambent::catalog {
namespace {

Function full_function() {
  Function function;
  function.name = "hello";
  function.arn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
  function.description = "quotes \" and \xc3\xa9 and\nlines";
  function.role = "arn:aws:iam::000000000000:role/any";
  function.runtime = "python3.11";
  function.handler = "app.handler";
  function.architecture = "x86_64";
  function.timeout_seconds = 900;
  function.memory_mb = 10240;
  function.ephemeral_storage_mb = 1024;
  function.environment = {{"A", "1"}, {"B", ""}};
  function.tags = {{"team", "x"}};
  function.network = "internet";
  function.isolation = "request";
  function.code_digest = std::string(64, 'a');
  function.code_sha256_base64 = "qqo=";
  function.code_size = 5'000'000'000;
  function.revision_id = "r";
  function.state = "Active";
  function.echoed = {{"VpcConfig", R"({"SubnetIds":[]})"}};
  FunctionUrl url;
  url.url_id = "abc";
  url.auth_type = "NONE";
  url.invoke_mode = "BUFFERED";
  url.cors = Cors{true, {"x-a"}, {"GET", "POST"}, {"*"}, {"x-b"}, 60};
  function.url = url;
  return function;
}

TEST(FunctionRecord, GivesBackEveryMember) {
  const auto function = full_function();
  const auto back = decode_function(encode_function(function));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->description, function.description);
  EXPECT_EQ(back->environment, function.environment);
  EXPECT_EQ(back->tags, function.tags);
  EXPECT_EQ(back->network, function.network);
  EXPECT_EQ(back->isolation, function.isolation);
  EXPECT_EQ(back->echoed, function.echoed);
  EXPECT_EQ(back->code_size, function.code_size);
  EXPECT_EQ(back->timeout_seconds, 900U);
  ASSERT_TRUE(back->url);
  ASSERT_TRUE(back->url->cors);
  EXPECT_EQ(back->url->cors->max_age_seconds, 60);
  EXPECT_EQ(back->url->cors->allow_methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(encode_function(*back), encode_function(function));
}

TEST(FunctionRecord, LeavesOutWhatIsNotThere) {
  auto function = full_function();
  function.url.reset();
  EXPECT_FALSE(decode_function(encode_function(function))->url);
}

TEST(FunctionRecord, RefusesANewerFormat) {
  auto text = encode_function(full_function());
  text.replace(text.find("\"format\":2"), 10, "\"format\":3");
  const auto back = decode_function(text);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message().find("newer Lambent"), std::string::npos);
}

TEST(FunctionRecord, ReadsTheFirstFormat) {
  auto text = encode_function(full_function());
  text.replace(text.find("\"format\":2"), 10, "\"format\":1");
  const std::string member = ",\"configuration_id\":\"\"";
  text.erase(text.find(member), member.size());
  const auto back = decode_function(text);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->configuration_id, "r");
}

TEST(FunctionRecord, RefusesDamagedRecords) {
  const auto text = encode_function(full_function());
  EXPECT_FALSE(decode_function(""));
  EXPECT_FALSE(decode_function("[]"));
  EXPECT_FALSE(decode_function("{}"));
  EXPECT_FALSE(decode_function(text.substr(0, text.size() / 2)));
  auto wrong_type = text;
  wrong_type.replace(wrong_type.find("\"memory_mb\":10240"), 17, "\"memory_mb\":\"big\"");
  EXPECT_FALSE(decode_function(wrong_type));
  auto negative = text;
  negative.replace(negative.find("\"memory_mb\":10240"), 17, "\"memory_mb\":-1");
  EXPECT_FALSE(decode_function(negative));
  auto missing = text;
  missing.replace(missing.find("\"runtime\""), 9, "\"runtimes\"");
  const auto back = decode_function(missing);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message().find("runtime"), std::string::npos);
}

}  // namespace
}  // namespace lambent::catalog
