#include "tables/partiql.h"

#include <gtest/gtest.h>

#include "tables/test_items.h"

namespace lambent::tables {
namespace {

TableDefinition table() {
  TableDefinition result{.name = "docs"};
  result.key = {.hash = {"pk", Type::S}, .range = KeyAttribute{"sk", Type::N}};
  return result;
}

Statement parsed(std::string_view text, const std::vector<AttributeValue>& parameters = {}) {
  auto statement = parse_statement(text, parameters);
  EXPECT_TRUE(statement) << text << ": " << statement.error().message;
  return statement ? *std::move(statement) : Statement{};
}

TEST(PartiQl, ASelectByItsKeyIsAQuery) {
  for (const auto* text : {R"(SELECT * FROM "docs" WHERE pk = 'a' AND sk = 1)",
                           R"(select * from docs where "sk" between 1 and 3 and 'a' = pk and (x = 1 or y = 2))"}) {
    const auto pages = pages_of(parsed(text), table());
    ASSERT_TRUE(pages);
    ASSERT_EQ(pages->size(), 1) << text;
    EXPECT_TRUE(pages->at(0).key_condition) << text;
  }
  const auto pages =
      pages_of(parsed("SELECT pk, a.b[2] FROM docs WHERE pk IN ['a', 'b', 'a'] AND sk > ?", {N("1")}), table());
  ASSERT_TRUE(pages);
  EXPECT_EQ(pages->size(), 2);
  EXPECT_FALSE(pages->at(1).filter) << "the range key's condition is in the key condition";
}

TEST(PartiQl, ASelectWithoutTheHashKeyIsAScan) {
  for (const auto* text :
       {"SELECT * FROM docs", "SELECT * FROM docs WHERE sk = 1", "SELECT * FROM docs WHERE pk <> 'a'",
        "SELECT * FROM docs WHERE pk = 'a' OR pk = 'b'", "SELECT * FROM docs WHERE NOT pk = 'a'"}) {
    const auto pages = pages_of(parsed(text), table());
    ASSERT_TRUE(pages);
    ASSERT_EQ(pages->size(), 1) << text;
    EXPECT_FALSE(pages->at(0).key_condition) << text;
  }
}

TEST(PartiQl, WritesTakeTheWholeKeyOutOfTheirConditions) {
  const auto update = write_of(
      parsed("UPDATE docs SET a = a + 1 SET b.c = list_append(b.c, [?]) REMOVE d WHERE pk = 'x' AND sk = 2 AND a < 5 "
             "RETURNING ALL NEW *",
             {S("p")}),
      table().key);
  ASSERT_TRUE(update) << update.error().message;
  EXPECT_EQ(update->key, (Item{{"pk", S("x")}, {"sk", N("2")}}));
  EXPECT_EQ(update->return_values, ReturnValues::all_new);
  EXPECT_TRUE(update->condition);
  const auto insert = write_of(
      parsed("INSERT INTO docs VALUE {'pk': 'it''s', 'sk': -1.5e2, 't': <<'a', 'b'>>, 'm': {'x': [true, null]}}"),
      table().key);
  ASSERT_TRUE(insert);
  EXPECT_EQ(insert->item.at("pk"), S("it's"));
  EXPECT_EQ(insert->item.at("sk"), N("-150"));
  EXPECT_EQ(insert->item.at("t"), SS({"a", "b"}));
  for (const auto* text : {"DELETE FROM docs WHERE pk = 'a'", "UPDATE docs SET a = 1 WHERE pk = 'a' AND sk > 1",
                           "DELETE FROM docs WHERE pk = 'a' OR sk = 1", "DELETE FROM docs"}) {
    const auto refused = write_of(parsed(text), table().key);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().message, "Where clause does not contain a mandatory equality on all key attributes");
  }
}

TEST(PartiQl, WhatIsNotWellFormedIsRefused) {
  for (const auto* text :
       {"", "SELECT", "SELECT * docs", "SELECT * FROM docs WHERE", "SELECT * FROM docs WHERE a =", "DROP TABLE docs",
        "SELECT * FROM docs WHERE a = 'open", "INSERT INTO docs VALUE 5", "UPDATE docs SET WHERE pk = 'a'",
        "SELECT a, a FROM docs", "SELECT * FROM docs x y", "INSERT INTO docs VALUE {'a': 1, 'a': 2}",
        "INSERT INTO docs VALUE {'a': <<1, 'x'>>}", "DELETE FROM docs WHERE pk = 'a' RETURNING ALL NEW *"}) {
    EXPECT_FALSE(parse_statement(text, {})) << text;
  }
  EXPECT_FALSE(parse_statement("SELECT * FROM docs WHERE a = ?", {}));
  EXPECT_FALSE(parse_statement("SELECT * FROM docs", {S("a")}));
  EXPECT_FALSE(parse_statement("SELECT * FROM docs WHERE a = " + std::string(5000, '['), {}));
  EXPECT_FALSE(parse_statement("SELECT * FROM docs WHERE " + std::string(5000, '('), {}));
  std::string nots;
  for (int i = 0; i < 2000; ++i) nots += "NOT ";
  EXPECT_FALSE(parse_statement("SELECT * FROM docs WHERE " + nots + "a = 1", {}));
}

}  // namespace
}  // namespace lambent::tables
