#include "services/iam/policy_document.h"

#include <gtest/gtest.h>

namespace lambent::services::iam {
namespace {

std::string problem(DocumentKind kind, std::string_view text) {
  return document_problem(kind, text).value_or("none");
}

TEST(PolicyDocument, TakesWhatTheGrammarAllows) {
  EXPECT_EQ(
      problem(DocumentKind::trust, R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",)"
                                   R"("Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]})"),
      "none");
  EXPECT_EQ(problem(DocumentKind::identity,
                    R"({"Statement":{"Effect":"Deny","NotAction":["a:*"],"NotResource":"*","Condition":{}}})"),
            "none");
}

TEST(PolicyDocument, SaysWhatIsWrong) {
  EXPECT_EQ(problem(DocumentKind::trust, "{"), "This policy contains invalid Json");
  EXPECT_EQ(problem(DocumentKind::identity, "[]"), "Syntax errors in policy.");
  EXPECT_EQ(problem(DocumentKind::identity, R"({"Version":"2020-01-01","Statement":[]})"),
            "Policy document must be version 2012-10-17 or greater.");
  EXPECT_EQ(problem(DocumentKind::trust, R"({"Statement":[{"Effect":"Allow","Action":"a"}]})"),
            "Missing required field Principal");
  EXPECT_EQ(problem(DocumentKind::trust, R"({"Statement":[{"Effect":"Allow","Action":"a","Resource":"*"}]})"),
            "Has prohibited field Resource");
  EXPECT_EQ(problem(DocumentKind::identity, R"({"Statement":[{"Effect":"Allow","Action":"a"}]})"),
            "Policy statement must contain resources.");
  EXPECT_EQ(problem(DocumentKind::identity, R"({"Statement":[{"Effect":"Allow","Resource":"*"}]})"),
            "Policy statement must contain actions.");
  EXPECT_EQ(problem(DocumentKind::identity, R"({"Statement":[{"Effect":"Perhaps","Action":"a","Resource":"*"}]})"),
            "Syntax errors in policy.");
  EXPECT_EQ(problem(DocumentKind::identity,
                    R"({"Statement":[{"Effect":"Allow","Action":"a","Resource":"*","Principal":"*"}]})"),
            "Policy document should not specify a principal.");
  EXPECT_EQ(problem(DocumentKind::identity, R"({"Statement":[{"Effect":"Allow","Action":"a","Resource":"*","X":1}]})"),
            "Syntax errors in policy.");
}

TEST(PolicyDocument, CountsWithoutWhiteSpace) {
  EXPECT_EQ(document_size("{ \n\t\"a\" : 1 }"), 7U);
}

}  // namespace
}  // namespace lambent::services::iam
