#include "triggers/url_event.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <vector>

#include "base/encoding.h"

namespace lambent::triggers {
namespace {

using std::chrono::milliseconds;

UrlRequest plain_request() {
  UrlRequest request;
  request.method = "POST";
  request.raw_path = "/a%20b";
  request.raw_query = "x=1&y=a%2Cb&x=2&flag&sp=a+b";
  request.source_ip = "127.0.0.1";
  request.url_id = "abc";
  request.domain_name = "abc.lambda-url.us-east-1.localhost";
  request.account_id = "000000000000";
  request.request_id = "id-1";
  request.time = Wall(milliseconds(1'795'412'040'123));
  return request;
}

TEST(UrlEvent, IsWrittenAsAwsWritesIt) {
  auto request = plain_request();
  const std::vector<HeaderField> headers = {{"Host", "h:1"},          {"Content-Type", "application/json"},
                                            {"Cookie", "a=1; b=2"},   {"X-Two", "one"},
                                            {"User-Agent", "te\"st"}, {"x-two", "two"},
                                            {"cookie", "c=3"}};
  request.headers = headers;
  request.body = "{\"k\":\"\xc3\xa9\"}";
  EXPECT_EQ(
      make_url_event(request),
      R"({"version":"2.0","routeKey":"$default","rawPath":"/a%20b","rawQueryString":"x=1&y=a%2Cb&x=2&flag&sp=a+b",)"
      R"("cookies":["a=1","b=2","c=3"],)"
      R"("headers":{"host":"h:1","content-type":"application/json","x-two":"one,two","user-agent":"te\"st"},)"
      R"("queryStringParameters":{"x":"1,2","y":"a,b","flag":"","sp":"a b"},)"
      R"("requestContext":{"accountId":"anonymous","apiId":"abc","domainName":"abc.lambda-url.us-east-1.localhost",)"
      R"("domainPrefix":"abc","http":{"method":"POST","path":"/a%20b","protocol":"HTTP/1.1","sourceIp":"127.0.0.1",)"
      R"("userAgent":"te\"st"},"requestId":"id-1","routeKey":"$default","stage":"$default",)"
      R"("time":"23/Nov/2026:05:34:00 +0000","timeEpoch":1795412040123},)"
      "\"body\":\"{\\\"k\\\":\\\"\xc3\xa9\\\"}\",\"isBase64Encoded\":false}");
}

TEST(UrlEvent, LeavesOutWhatIsNotThere) {
  auto request = plain_request();
  request.raw_query = "";
  const auto event = make_url_event(request);
  EXPECT_EQ(event.find("cookies"), std::string::npos);
  EXPECT_EQ(event.find("queryStringParameters"), std::string::npos);
  EXPECT_EQ(event.find("\"body\""), std::string::npos);
  EXPECT_EQ(event.find("authorizer"), std::string::npos);
  EXPECT_NE(event.find("\"rawQueryString\":\"\""), std::string::npos);
  EXPECT_TRUE(event.ends_with("\"isBase64Encoded\":false}"));
}

TEST(UrlEvent, NamesASignedCaller) {
  auto request = plain_request();
  const IamCaller caller{"AKIA1", "000000000000", "000000000000", "arn:aws:iam::000000000000:root", "000000000000"};
  request.iam = &caller;
  const auto event = make_url_event(request);
  EXPECT_NE(event.find(R"("requestContext":{"accountId":"000000000000")"), std::string::npos);
  EXPECT_NE(event.find(R"("authorizer":{"iam":{"accessKey":"AKIA1","accountId":"000000000000",)"
                       R"("callerId":"000000000000","cognitoIdentity":null,"principalOrgId":null,)"
                       R"("userArn":"arn:aws:iam::000000000000:root","userId":"000000000000"}})"),
            std::string::npos);
}

TEST(UrlEvent, EncodesBinaryBodies) {
  auto request = plain_request();
  const std::vector<HeaderField> headers = {{"content-type", "image/png"}};
  request.headers = headers;
  request.body = std::string_view("\x89PNG\0", 5);
  const auto event = make_url_event(request);
  EXPECT_TRUE(event.ends_with("\"body\":\"" + base64_encode(request.body) + "\",\"isBase64Encoded\":true}"));
}

TEST(UrlEvent, EncodesTextThatIsNotUtf8) {
  auto request = plain_request();
  const std::vector<HeaderField> headers = {{"content-type", "text/plain"}};
  request.headers = headers;
  request.body = "caf\xe9";
  EXPECT_TRUE(make_url_event(request).ends_with("\"body\":\"Y2Fm6Q==\",\"isBase64Encoded\":true}"));
}

TEST(UrlEvent, IsJsonWhateverTheClientSends) {
  auto request = plain_request();
  const std::string odd = "a\x01\x1f\"\\\x7f\xff\xc0\x80\xed\xa0\x80\xf5z\n\t";
  const std::string cookies = odd + ";;" + odd;
  const std::vector<HeaderField> headers = {{"x-odd", odd}, {"cookie", cookies}};
  request.headers = headers;
  request.raw_path = odd;
  request.raw_query = "%zz=%&=%00&%ff=1&&";
  request.domain_name = odd;
  simdjson::dom::parser parser;
  const auto event = make_url_event(request);
  const auto parsed = parser.parse(event);
  ASSERT_FALSE(parsed.error()) << event;
  std::string_view nul;
  ASSERT_FALSE(parsed["queryStringParameters"][""].get(nul));
  EXPECT_EQ(nul, std::string_view("\0", 1));
}

TEST(TextContent, IsWhatPeopleReadAndWhatJsonAndXmlAre) {
  for (const char* type :
       {"text/plain", "Text/HTML; charset=utf-8", "application/json", "application/ld+json", "image/svg+xml",
        "application/xml", "application/x-www-form-urlencoded", "application/javascript"}) {
    EXPECT_TRUE(is_text_content(type)) << type;
  }
  for (const char* type :
       {"", "image/png", "application/octet-stream", "multipart/form-data; boundary=x", "application/pdf", "textual"}) {
    EXPECT_FALSE(is_text_content(type)) << type;
  }
  EXPECT_FALSE(is_text_content(std::string(1000, 'x')));
}

}  // namespace
}  // namespace lambent::triggers
