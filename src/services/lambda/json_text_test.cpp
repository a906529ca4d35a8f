#include "services/lambda/json_text.h"

#include <gtest/gtest.h>

namespace lambent::services::lambda {
namespace {

TEST(JsonText, TakesAnyJsonValue) {
  for (const char* text : {"{}", "[]", "3", "\"x\"", "null", " {\"a\": [1, 2.5e3, true]} ", "{\"a\":1,\"a\":2}"}) {
    EXPECT_EQ(json_problem(text), std::nullopt) << text;
  }
}

TEST(JsonText, SaysThatOtherTextIsNone) {
  for (const std::string text :
       {"", " ", "{", "{]", "nul", "{'a':1}", "1 2", "NaN", "\"\xff\"", "{\"a\":}", "\"a\nb\""}) {
    EXPECT_NE(json_problem(text), std::nullopt) << text;
  }
  EXPECT_NE(json_problem(std::string(100'000, '[')), std::nullopt);
}

TEST(JsonText, TakesLargePayloadsAndSmallOnesAfterThem) {
  EXPECT_EQ(json_problem("\"" + std::string(6'000'000, 'x') + "\""), std::nullopt);
  EXPECT_EQ(json_problem("{}"), std::nullopt);
}

TEST(JsonText, TellsObjectsFromOtherValues) {
  EXPECT_TRUE(is_json_object("{}"));
  EXPECT_FALSE(is_json_object("[]"));
  EXPECT_FALSE(is_json_object("{"));
}

}  // namespace
}  // namespace lambent::services::lambda
