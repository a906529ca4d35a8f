#include "triggers/batch_response.h"

#include <gtest/gtest.h>

namespace lambent::triggers {
namespace {

std::size_t done(std::string_view answer) {
  const std::vector<StreamRecord> batch{{"10", "", 0}, {"11", "", 0}, {"12", "", 0}};
  return records_done(answer, batch);
}

TEST(BatchResponse, AllIsDoneWhereNothingIsSaidToHaveFailed) {
  for (const char* answer : {"", "null", "{}", R"({"batchItemFailures":[]})", R"({"batchItemFailures":null})"}) {
    EXPECT_EQ(done(answer), 3U) << answer;
  }
}

TEST(BatchResponse, NothingIsDoneWhereTheAnswerIsNotOne) {
  for (const char* answer :
       {"[", "\"text\"", "[]", R"({"batchItemFailures":{}})", R"({"batchItemFailures":["11"]})",
        R"({"batchItemFailures":[{"itemIdentifier":""}]})", R"({"batchItemFailures":[{"itemIdentifier":null}]})",
        R"({"batchItemFailures":[{"id":"11"}]})", R"({"batchItemFailures":[{"itemIdentifier":"99"}]})"}) {
    EXPECT_EQ(done(answer), 0U) << answer;
  }
}

TEST(BatchResponse, DoneIsWhatStandsBeforeTheFirstFailure) {
  EXPECT_EQ(done(R"({"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]})"), 1U);
  EXPECT_EQ(done(R"({"batchItemFailures":[{"itemIdentifier":"10"}]})"), 0U);
}

}  // namespace
}  // namespace lambent::triggers
