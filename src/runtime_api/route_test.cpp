#include "runtime_api/route.h"

#include <gtest/gtest.h>

namespace lambent::runtime_api {
namespace {

TEST(Route, KnowsTheFourCallsOfTheRuntimeApi) {
  EXPECT_EQ(parse_route("GET", "/2018-06-01/runtime/invocation/next").kind, Route::Kind::next);
  EXPECT_EQ(parse_route("POST", "/2018-06-01/runtime/init/error").kind, Route::Kind::init_error);
  const Route response = parse_route("POST", "/2018-06-01/runtime/invocation/abc/response");
  EXPECT_EQ(response.kind, Route::Kind::response);
  EXPECT_EQ(response.request_id, "abc");
  EXPECT_EQ(parse_route("POST", "/2018-06-01/runtime/invocation/abc/error").kind, Route::Kind::error);
}

TEST(Route, TellsAWrongMethodFromAWrongPath) {
  EXPECT_EQ(parse_route("POST", "/2018-06-01/runtime/invocation/next").kind, Route::Kind::wrong_method);
  for (const char* path : {"/", "", "/2018-06-01/runtime/", "/2018-06-01/runtime/invocation",
                           "/runtime/invocation/next", "/2018-06-01/runtime/invocation//response",
                           "/2018-06-01/runtime/invocation/a/b/response", "/2018-06-01/runtime/invocation/next/"}) {
    EXPECT_EQ(parse_route("GET", path).kind, Route::Kind::unknown) << path;
  }
}

TEST(Trailers, TurnAStreamedResponseIntoItsError) {
  edge::Headers trailers;
  trailers.add("Lambda-Runtime-Function-Error-Type", "Oops");
  trailers.add("Lambda-Runtime-Function-Error-Body", "eyJhIjoxfQ==");
  Answer answer{.is_error = false, .body = "half", .content_type = "text/plain", .error_type = ""};
  apply_trailers(trailers, answer);
  EXPECT_TRUE(answer.is_error);
  EXPECT_EQ(answer.error_type, "Oops");
  EXPECT_EQ(answer.body, R"({"a":1})");
}

TEST(Trailers, LeaveAWholeResponseAlone) {
  Answer answer{.is_error = false, .body = "whole", .content_type = "text/plain", .error_type = ""};
  apply_trailers(edge::Headers{}, answer);
  EXPECT_FALSE(answer.is_error);
  EXPECT_EQ(answer.body, "whole");
}

}  // namespace
}  // namespace lambent::runtime_api
