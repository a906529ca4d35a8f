#include "tables/expression.h"

#include <gtest/gtest.h>

#include "tables/test_items.h"

namespace lambent::tables {
namespace {

const Item kItem = {{"id", S("doc1")},
                    {"n", N("5")},
                    {"text", S("hello world")},
                    {"tags", SS({"x", "y"})},
                    {"list", L({S("a"), N("2"), M({{"deep", S("z")}})})},
                    {"m", M({{"a", N("1")}, {"b", M({{"c", S("d")}})}})},
                    {"b", B("\x01\x02")},
                    {"flag", Bool(true)},
                    {"nothing", AttributeValue()}};

Placeholders given() {
  Placeholders p;
  p.names = {{"#text", "text"}, {"#list", "list"}, {"#n", "n"}};
  p.values = {{":five", N("5")},     {":six", N("6")},         {":one", N("1")},          {":hello", S("hello")},
              {":x", S("x")},        {":S", S("S")},           {":wrong", S("STR")},      {":t", Bool(true)},
              {":l", L({S("new")})}, {":set", SS({"x", "q"})}, {":m", M({{"k", S("v")}})}};
  return p;
}

TablesResult<bool> check(std::string_view text) {
  const auto placeholders = given();
  PlaceholderUse use(placeholders);
  LAMBENT_TRY(const auto condition, parse_condition(text, "ConditionExpression", use));
  return holds(condition, kItem);
}

std::string complaint(std::string_view text) {
  const auto result = check(text);
  return result ? "no error" : result.error().message;
}

TEST(Condition, Holds) {
  for (const auto* text : {"n = :five",
                           "n <> :six",
                           "n < :six",
                           "n <= :five",
                           "n > :one",
                           "n >= :five",
                           "n BETWEEN :one AND :six",
                           "n between :one and :five",
                           "n IN (:one, :five)",
                           "attribute_exists(id)",
                           "attribute_not_exists(absent)",
                           "attribute_exists(m.b.c)",
                           "attribute_exists(#list[2].deep)",
                           "attribute_not_exists(#list[3])",
                           "attribute_type(id, :S)",
                           "begins_with(#text, :hello)",
                           "contains(#text, :hello)",
                           "contains(tags, :x)",
                           "contains(#list, :missing) OR n = :five",
                           "size(#text) > :six",
                           "size(tags) < :five",
                           "size(m) < :five",
                           "NOT n = :six",
                           "NOT (n = :six OR id = :x)",
                           "n = :five AND (id = :x OR attribute_exists(id))",
                           "absent <> :five",
                           "flag = :t",
                           "id <> :five",
                           "#n = :five",
                           "m.a < n",
                           "n = :six OR n = :five AND attribute_exists(id)"}) {
    if (std::string_view(text).find(":missing") != std::string_view::npos) continue;
    const auto result = check(text);
    ASSERT_TRUE(result) << text << ": " << result.error().message;
    EXPECT_TRUE(*result) << text;
  }
}

TEST(Condition, DoesNotHold) {
  for (const auto* text : {"absent = :five", "absent < :five", "id = :five", "id < :five", "NOT attribute_exists(id)",
                           "begins_with(id, :hello)", "contains(tags, :five)", "size(n) > :one", "n IN (:one, :six)",
                           "absent BETWEEN :one AND :six", "attribute_type(n, :S)", "absent IN (:one)",
                           "(n = :six OR n = :five) AND attribute_not_exists(id)"}) {
    const auto result = check(text);
    ASSERT_TRUE(result) << text << ": " << result.error().message;
    EXPECT_FALSE(*result) << text;
  }
}

TEST(Condition, FaultsHaveDynamoDbsTexts) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "The expression can not be empty;"},
      {"n = ", "Syntax error; token: \"<EOF>\", near: \"= \""},
      {"n = = :five", "Syntax error; token: \"=\", near: \"= = :five\""},
      {"n ? :five", "Syntax error; token: \"?\", near: \"n ? :five\""},
      {"n", "Syntax error; token: \"<EOF>\", near: \"n\""},
      {"(n = :five", "Syntax error; token: \"<EOF>\", near: \":five\""},
      {"name = :five", "Attribute name is a reserved keyword; reserved keyword: name"},
      {"NAME = :five =", "Syntax error; token: \"=\", near: \":five =\""},
      {"n = :no", "An expression attribute value used in expression is not defined; attribute value: :no"},
      {"#no = :five", "An expression attribute name used in the document path is not defined; attribute name: #no"},
      {"foo(n)", "Invalid function name; function: foo"},
      {"if_not_exists(n, :five)", "The function is not allowed in a condition expression; function: if_not_exists"},
      {"attribute_exists(:five)",
       "Operator or function requires a document path; operator or function: attribute_exists"},
      {"begins_with(n)",
       "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: "
       "1"},
      {"begins_with(n, :five)",
       "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
      {"n < :t", "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
      {"attribute_type(n, :wrong)",
       "Invalid attribute type name found; type: STR, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
      {"n = n",
       "The first operand must be distinct from the remaining operands for this operator or function; operator: =, "
       "first operand: [n]"},
      {"((n = :five))", "The expression has redundant parentheses;"},
      {"size(n)", "The function is not allowed to be used this way in an expression; function: size"},
      {"attribute_exists(n) = :t",
       "The function is not allowed to be used this way in an expression; function: attribute_exists"},
      {"n BETWEEN :six AND :one",
       "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
       "AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:1}"},
      {"n BETWEEN :one AND :x",
       "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: "
       "{N:1}, upper bound operand: AttributeValue: {S:x}"}};
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(complaint(text), std::string("Invalid ConditionExpression: ") + expected) << text;
  }
}

TEST(Condition, LimitsAreChecked) {
  EXPECT_EQ(
      complaint(std::string(4097, 'a')),
      "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097");
  std::string many = "n=:one";
  for (int i = 0; i < 301; ++i) many += " OR n=:one";
  EXPECT_NE(complaint(many).find("too many operators"), std::string::npos) << complaint(many);
  EXPECT_NE(complaint(std::string(4000, '(')).find("Syntax error"), std::string::npos);
  std::string nots;
  for (int i = 0; i < 900; ++i) nots += "NOT ";
  EXPECT_NE(complaint(nots + "n=:one"), "no error");
}

TablesResult<Item> update(std::string_view text, Item item = kItem) {
  const auto placeholders = given();
  PlaceholderUse use(placeholders);
  LAMBENT_TRY(const auto parsed, parse_update(text, use));
  LAMBENT_TRY_VOID(apply(parsed, item));
  return item;
}

TEST(Update, SetsValuesAndComputesThem) {
  EXPECT_EQ(update("SET n = :six")->at("n"), N("6"));
  EXPECT_EQ(update("SET n = n + :one, id = :x")->at("n"), N("6"));
  EXPECT_EQ(update("set n = n - :six")->at("n"), N("-1"));
  EXPECT_EQ(update("SET n = if_not_exists(n, :one)")->at("n"), N("5"));
  EXPECT_EQ(update("SET absent = if_not_exists(absent, :one) + :six")->at("absent"), N("7"));
  EXPECT_EQ(update("SET #list = list_append(#list, :l)")->at("list").get_if<List>()->back(), S("new"));
  EXPECT_EQ(update("SET #list = list_append(:l, #list)")->at("list").get_if<List>()->front(), S("new"));
  EXPECT_EQ(update("SET m.b.c = :x")->at("m"), M({{"a", N("1")}, {"b", M({{"c", S("x")}})}}));
  EXPECT_EQ(*update("SET #list[1] = :x")->at("list").get_if<List>(), (List{S("a"), S("x"), M({{"deep", S("z")}})}));
  EXPECT_EQ(update("SET #list[9] = :x, #list[8] = :six")->at("list").get_if<List>()->at(3), N("6"));
}

TEST(Update, RightSidesSeeTheItemAsItWasBefore) {
  const auto item = update("SET n = m.a, m.a = n");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->at("n"), N("1"));
  EXPECT_EQ(*find(*item, {{std::string("m"), std::string("a")}}), N("5"));
}

TEST(Update, RemovesAddsAndDeletes) {
  const auto item = update("REMOVE #list[0], #list[1], m.b, absent ADD n :one, tags :set, hits :six");
  ASSERT_TRUE(item) << item.error().message;
  EXPECT_EQ(*item->at("list").get_if<List>(), (List{M({{"deep", S("z")}})}));
  EXPECT_EQ(item->at("m"), M({{"a", N("1")}}));
  EXPECT_EQ(item->at("n"), N("6"));
  EXPECT_EQ(item->at("hits"), N("6"));
  EXPECT_EQ(item->at("tags"), SS({"q", "x", "y"}));
  EXPECT_EQ(update("DELETE tags :set")->at("tags"), SS({"y"}));
  EXPECT_FALSE(update("DELETE tags :set", {{"tags", SS({"x"})}})->contains("tags"));
  EXPECT_FALSE(update("DELETE absent :set")->contains("absent"));
}

TEST(Update, FaultsHaveDynamoDbsTexts) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "Invalid UpdateExpression: The expression can not be empty;"},
      {"SET", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"SET\""},
      {"n = :one", "Invalid UpdateExpression: Syntax error; token: \"n\", near: \"n =\""},
      {"SET n = :one SET id = :x",
       "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;"},
      {"SET n = :one REMOVE n",
       "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these "
       "paths; path one: [n], path two: [n]"},
      {"SET m.a = :one, m = :m",
       "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these "
       "paths; path one: [m, a], path two: [m]"},
      {"SET m.a = :one, m[0] = :m",
       "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these "
       "paths; path one: [m, a], path two: [m, [0]]"},
      {"SET n = id + :one", "An operand in the update expression has an incorrect data type"},
      {"SET n = absent + :one", "The provided expression refers to an attribute that does not exist in the item"},
      {"SET absent.x = :one", "The document path provided in the update expression is invalid for update"},
      {"SET id.x = :one", "The document path provided in the update expression is invalid for update"},
      {"REMOVE absent.x", "The document path provided in the update expression is invalid for update"},
      {"SET n = :x + :one",
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand "
       "type: S"},
      {"SET n = size(id)",
       "Invalid UpdateExpression: The function is not allowed in an update expression; function: size"},
      {"ADD n :x",
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: "
       "STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
      {"ADD id :one", "An operand in the update expression has an incorrect data type"},
      {"SET n = :no",
       "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: "
       ":no"}};
  for (const auto& [text, expected] : cases) {
    const auto result = update(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().message, expected) << text;
  }
}

TEST(Projection, KeepsTheStructureAndDropsTheRest) {
  const auto placeholders = given();
  PlaceholderUse use(placeholders);
  const auto paths = parse_projection("id, m.b.c, #list[2], #list[0], absent.x, m.b.nope, n[1]", use);
  ASSERT_TRUE(paths) << paths.error().message;
  EXPECT_EQ(
      project(kItem, *paths),
      (Item{{"id", S("doc1")}, {"m", M({{"b", M({{"c", S("d")}})}})}, {"list", L({S("a"), M({{"deep", S("z")}})})}}));
  EXPECT_EQ(parse_projection("m, m.b", use).error().message,
            "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of "
            "these paths; path one: [m], path two: [m, b]");
  EXPECT_FALSE(parse_projection("id,", use));
  EXPECT_FALSE(parse_projection("id[x]", use));
  EXPECT_FALSE(parse_projection("id m", use));
}

TEST(Placeholders, UnusedOnesAreRefused) {
  Placeholders placeholders;
  placeholders.values = {{":x", S("a")}, {":y", S("b")}};
  PlaceholderUse use(placeholders);
  ASSERT_TRUE(parse_condition("a = :y", "ConditionExpression", use));
  EXPECT_EQ(use.check_all_used().error().message,
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}");
  EXPECT_EQ(check_placeholders(placeholders, "UpdateExpression and ConditionExpression", false).error().message,
            "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and "
            "ConditionExpression are null");
  placeholders.values = {{"x", S("a")}};
  EXPECT_EQ(check_placeholders(placeholders, "", true).error().message,
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"x\"");
}

}  // namespace
}  // namespace lambent::tables
