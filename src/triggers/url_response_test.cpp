#include "triggers/url_response.h"

#include <gtest/gtest.h>

namespace lambent::triggers {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

TEST(UrlAnswer, TakesAResponseObjectApart) {
  const auto response = decode_url_answer(
      R"({"statusCode":201,"headers":{"X-A":"1","x-n":2,"x-b":true,"x-null":null},"cookies":["a=1; Path=/","b=2"],)"
      R"("body":"hi","isBase64Encoded":false})");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers,
            (Headers{{"X-A", "1"}, {"x-n", "2"}, {"x-b", "true"}, {"Content-Type", "application/json"}}));
  EXPECT_EQ(response->cookies, (std::vector<std::string>{"a=1; Path=/", "b=2"}));
  EXPECT_EQ(response->body, "hi");
}

TEST(UrlAnswer, KeepsTheFunctionsContentType) {
  const auto response = decode_url_answer(R"({"statusCode":"200","headers":{"CONTENT-type":"text/html"},"body":"x"})");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->headers, (Headers{{"CONTENT-type", "text/html"}}));
}

TEST(UrlAnswer, DecodesBinaryBodies) {
  const auto response = decode_url_answer(R"({"statusCode":200,"body":"iVBO","isBase64Encoded":true})");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "\x89PN");
}

TEST(UrlAnswer, SendsAnyOtherJsonAsItIs) {
  for (const std::string text :
       {R"({"a": 1})", R"("Hello from Lambda!")", "null", "3", "[1, 2]", "true", R"({"body":"without a status"})"}) {
    const auto response = decode_url_answer(text);
    ASSERT_TRUE(response) << text;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, text);
    EXPECT_EQ(response->headers, (Headers{{"Content-Type", "application/json"}}));
  }
}

TEST(UrlAnswer, WritesBodiesThatAreNoTextAsJson) {
  EXPECT_EQ(decode_url_answer(R"({"statusCode":200,"body":{"a":1}})")->body, R"({"a":1})");
  EXPECT_EQ(decode_url_answer(R"({"statusCode":200,"body":null})")->body, "");
  EXPECT_EQ(decode_url_answer(R"({"statusCode":204})")->body, "");
}

TEST(UrlAnswer, RefusesMalformedResponseObjects) {
  for (const char* text :
       {"", "{", "not json", R"({"statusCode":"abc"})", R"({"statusCode":99})", R"({"statusCode":100})",
        R"({"statusCode":600})", R"({"statusCode":200.5})", R"({"statusCode":1e300})", R"({"statusCode":null})",
        R"({"statusCode":{}})", R"({"statusCode":200,"headers":[]})", R"({"statusCode":200,"headers":{"a":{}}})",
        R"({"statusCode":200,"cookies":"a=1"})", R"({"statusCode":200,"cookies":[1]})",
        R"({"statusCode":200,"body":"%%%","isBase64Encoded":true})",
        R"({"statusCode":200,"body":1,"isBase64Encoded":true})",
        R"({"statusCode":200,"body":"x","isBase64Encoded":"yes"})"}) {
    EXPECT_FALSE(decode_url_answer(text)) << text;
  }
}

std::string framed(std::string_view prelude, std::string_view body) {
  return std::string(prelude) + std::string(8, '\0') + std::string(body);
}

TEST(HttpIntegration, ReadsThePreludeAndLeavesTheBodyAlone) {
  const std::string body("\0\1\2 bytes", 9);
  const auto response = decode_http_integration(
      framed(R"({"statusCode":202,"headers":{"content-type":"image/png","x-a":"1"},"cookies":["c=1"]})", body));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->headers, (Headers{{"content-type", "image/png"}, {"x-a", "1"}}));
  EXPECT_EQ(response->cookies, std::vector<std::string>{"c=1"});
  EXPECT_EQ(response->body, body);
}

TEST(HttpIntegration, HasDefaults) {
  const auto response = decode_http_integration(framed("{}", ""));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers, (Headers{{"Content-Type", "application/octet-stream"}}));
  EXPECT_EQ(response->body, "");
}

TEST(HttpIntegration, RefusesWrongPreludes) {
  EXPECT_FALSE(decode_http_integration(""));
  EXPECT_FALSE(decode_http_integration("{\"statusCode\":200}"));
  EXPECT_FALSE(decode_http_integration(std::string("{}") + std::string(7, '\0') + "x"));
  EXPECT_FALSE(decode_http_integration(framed("", "x")));
  EXPECT_FALSE(decode_http_integration(framed("[1]", "x")));
  EXPECT_FALSE(decode_http_integration(framed("{\"statusCode\":}", "x")));
  EXPECT_FALSE(decode_http_integration(framed("{\"a\":\"" + std::string(100'000, 'a') + "\"}", "x")));
}

}  // namespace
}  // namespace lambent::triggers
