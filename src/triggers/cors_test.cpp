#include "triggers/cors.h"

#include <gtest/gtest.h>

namespace lambent::triggers {
namespace {

edge::RequestHead request(std::string method, std::initializer_list<edge::Header> headers) {
  edge::RequestHead head;
  head.method = std::move(method);
  head.target = "/";
  head.headers = edge::Headers(headers);
  return head;
}

edge::RequestHead preflight(std::string_view origin, std::string_view method, std::string_view headers = "x-a") {
  return request(
      "OPTIONS",
      {{"Origin", origin}, {"Access-Control-Request-Method", method}, {"Access-Control-Request-Headers", headers}});
}

catalog::Cors rules() {
  catalog::Cors cors;
  cors.allow_origins = {"https://a.example", "http://*"};
  cors.allow_methods = {"GET", "PUT"};
  cors.allow_headers = {"X-A", "content-type"};
  cors.expose_headers = {"x-out"};
  cors.max_age_seconds = 60;
  return cors;
}

TEST(Preflight, IsOptionsWithOriginAndMethod) {
  EXPECT_TRUE(is_preflight(preflight("https://a.example", "GET")));
  EXPECT_FALSE(is_preflight(request("OPTIONS", {{"Origin", "x"}})));
  EXPECT_FALSE(is_preflight(request("GET", {{"Origin", "x"}, {"Access-Control-Request-Method", "GET"}})));
}

TEST(Preflight, AllowsWhatTheRulesAllow) {
  const auto response = preflight_response(rules(), preflight("https://a.example", "PUT", "x-a, Content-Type"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Methods"), "GET,PUT");
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Headers"), "X-A,content-type");
  EXPECT_EQ(response.headers.get("Access-Control-Max-Age"), "60");
  EXPECT_EQ(response.headers.get("Vary"), "Origin");
  EXPECT_FALSE(response.headers.has("Access-Control-Allow-Credentials"));
}

TEST(Preflight, SaysNothingOfWhatTheRulesDoNotAllow) {
  for (const auto& asked : {preflight("https://b.example", "GET"), preflight("https://a.example", "DELETE"),
                            preflight("https://a.example", "GET", "x-other")}) {
    const auto response = preflight_response(rules(), asked);
    EXPECT_FALSE(response.headers.has("Access-Control-Allow-Origin"));
    EXPECT_FALSE(response.headers.has("Access-Control-Allow-Methods"));
  }
}

TEST(Preflight, NamesWhatAStarAllows) {
  catalog::Cors cors;
  cors.allow_origins = {"*"};
  cors.allow_methods = {"*"};
  cors.allow_headers = {"*"};
  auto response = preflight_response(cors, preflight("https://b.example", "PATCH", "x-b"));
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Methods"), "PATCH");
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Headers"), "x-b");
  cors.allow_credentials = true;
  response = preflight_response(cors, preflight("https://b.example", "PATCH", "x-b"));
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Origin"), "https://b.example");
  EXPECT_EQ(response.headers.get("Access-Control-Allow-Credentials"), "true");
}

TEST(CorsHeaders, AreAddedForAllowedOriginsOnly) {
  edge::Headers headers({{"Access-Control-Allow-Origin", "from the function"}});
  add_cors_headers(rules(), request("GET", {{"Origin", "http://any.example"}}), headers);
  EXPECT_EQ(headers.get_all("Access-Control-Allow-Origin"), std::vector<std::string_view>{"http://any.example"});
  EXPECT_EQ(headers.get("Access-Control-Expose-Headers"), "x-out");

  edge::Headers others;
  add_cors_headers(rules(), request("GET", {{"Origin", "https://b.example"}}), others);
  add_cors_headers(rules(), request("GET", {}), others);
  EXPECT_TRUE(others.empty());
}

}  // namespace
}  // namespace lambent::triggers
