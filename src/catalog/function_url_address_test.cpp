#include "catalog/function_url_address.h"

#include <gtest/gtest.h>

namespace lambent::catalog {
namespace {

const std::string kId = "abcdefghijklmnopqrstuvwxyz234567";

TEST(FunctionUrlAddress, ShowsBothStyles) {
  FunctionUrlAddress address;
  EXPECT_EQ(address.url_of(kId), "http://127.0.0.1:4566/lambda-url/" + kId + "/");
  address.bind = "::1";
  EXPECT_EQ(address.url_of(kId), "http://[::1]:4566/lambda-url/" + kId + "/");
  address.style = FunctionUrlAddress::Style::host;
  EXPECT_EQ(address.url_of(kId), "http://" + kId + ".lambda-url.us-east-1.localhost:4566/");
}

TEST(FunctionUrlAddress, FindsTheFunctionByHost) {
  const std::string host = kId + ".lambda-url.eu-west-1.example.test:80";
  const auto match = match_function_url(host, "/a/b");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->url_id, kId);
  EXPECT_EQ(match->raw_path, "/a/b");
}

TEST(FunctionUrlAddress, FindsTheFunctionByPathAndTakesThePrefixOff) {
  const std::string base = "/lambda-url/" + kId;
  EXPECT_EQ(match_function_url("localhost", base + "/a%20b/")->raw_path, "/a%20b/");
  EXPECT_EQ(match_function_url("localhost", base + "/")->raw_path, "/");
  EXPECT_EQ(match_function_url("localhost", base)->raw_path, "/");
}

TEST(FunctionUrlAddress, LeavesOtherRequestsAlone) {
  EXPECT_FALSE(match_function_url("localhost:4566", "/2015-03-31/functions"));
  EXPECT_FALSE(match_function_url("", ""));
  EXPECT_FALSE(match_function_url("localhost", "/lambda-url/"));
  EXPECT_FALSE(match_function_url("localhost", "/lambda-url/short/"));
  EXPECT_FALSE(match_function_url("localhost", "/lambda-url/" + kId + "x/"));
  EXPECT_FALSE(match_function_url("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567.lambda-url.us-east-1.localhost", "/"));
  EXPECT_FALSE(match_function_url(kId + "lambda-url.us-east-1.localhost", "/"));
}

}  // namespace
}  // namespace lambent::catalog
