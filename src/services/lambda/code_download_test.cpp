#include "services/lambda/code_download.h"

#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Download : public ServiceTest {
 protected:
  Download() { EXPECT_TRUE(create(new_function())); }
  std::string location() { return *t.run(service.get_function(call, {.function_name = "hello"}))->code->location; }
  // The response to a request for a URL of this server.
  edge::Response fetch(const std::string& url, std::string method = "GET") {
    const std::string authority = "127.0.0.1:4566";
    edge::RequestHead head;
    head.method = std::move(method);
    head.target = url.substr(url.find(authority) + authority.size());
    head.headers.add("Host", authority);
    return t.run(download.respond(head));
  }

  identity::Verifier verifier{credentials, clock};
  CodeDownload download{*t.code, verifier};
};

TEST_F(Download, GivesTheZipToWhoeverHoldsTheUrl) {
  const auto response = fetch(location());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "PK code");
  EXPECT_EQ(response.headers.get("Content-Type"), "application/zip");
  EXPECT_EQ(fetch(location(), "HEAD").status, 200);
}

TEST_F(Download, RefusesOldAndForgedUrls) {
  const auto url = location();
  auto forged = url;
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_EQ(fetch(forged).status, 403);
  auto other = url;
  const auto digest = other.find("/_lambent/code/") + 15;
  other[digest] = other[digest] == 'a' ? 'b' : 'a';
  EXPECT_EQ(fetch(other).status, 403);
  EXPECT_EQ(fetch(url.substr(0, url.find('?'))).status, 403);
  EXPECT_EQ(fetch(url, "DELETE").status, 405);
  clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(fetch(url).status, 403);
}

TEST_F(Download, SaysThatThePackageIsGone) {
  const auto url = location();
  ASSERT_TRUE(t.run(service.delete_function(call, {.function_name = "hello"})));
  t.run(t.code->close());
  EXPECT_EQ(fetch(url).status, 404);
}

}  // namespace
}  // namespace lambent::services::lambda
