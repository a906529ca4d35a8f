#include "tables/engine.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "store/memory_store.h"
#include "tables/test_engine.h"

namespace lambent::tables {
namespace {

using Kind = WriteRequest::Kind;

class EngineTest : public testing::Test {
 protected:
  store::MemoryStore store_;
  TestEngine engine_{store_};

  std::vector<std::string> query_sks(PageRequest request) {
    auto page = engine_->query(request);
    EXPECT_TRUE(page) << page.error().message;
    std::vector<std::string> sks;
    if (page) {
      for (const auto& item : page->items) sks.push_back(*item.at("sk").get_if<std::string>());
    }
    return sks;
  }
  std::string query_error(const std::string& condition, Placeholders placeholders) {
    const auto page =
        engine_->query({.table = "docs", .key_condition = condition, .placeholders = std::move(placeholders)});
    return page ? "no error" : page.error().message;
  }
};

Placeholders values(Item map) {
  return {.names = {}, .values = std::move(map)};
}

TEST_F(EngineTest, ATableLivesFromCreateToDelete) {
  const auto created = engine_.create("docs");
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->status, TableStatus::creating);
  EXPECT_EQ(engine_->describe_table("docs")->status, TableStatus::active);
  EXPECT_EQ(engine_.create("docs").error().kind, ErrorKind::table_exists);
  EXPECT_EQ(engine_.create("docs").error().message, "Table already exists: docs");
  EXPECT_EQ(engine_.drop("docs")->status, TableStatus::deleting);
  EXPECT_EQ(engine_->describe_table("docs").error().message, "Requested resource not found: Table: docs not found");
  EXPECT_EQ(engine_.drop("docs").error().kind, ErrorKind::table_not_found);
  EXPECT_EQ(engine_.put("docs", {{"pk", S("a")}, {"sk", S("b")}}).error().message, "Requested resource not found");
}

TEST_F(EngineTest, TablesAreListedInPages) {
  for (const auto* name : {"ccc", "aaa", "bbb"}) ASSERT_TRUE(engine_.create(name));
  const auto first = engine_->list_tables({}, 2);
  EXPECT_EQ(first.names, (std::vector<std::string>{"aaa", "bbb"}));
  EXPECT_EQ(first.last, "bbb");
  const auto second = engine_->list_tables(first.last, 2);
  EXPECT_EQ(second.names, (std::vector<std::string>{"ccc"}));
  EXPECT_FALSE(second.last);
}

TEST_F(EngineTest, ANewTableOfAnOldNameIsEmpty) {
  ASSERT_TRUE(engine_.create("docs"));
  for (int i = 0; i < 2500; ++i) ASSERT_TRUE(engine_.put("docs", {{"pk", S("a")}, {"sk", S(std::to_string(i))}}));
  EXPECT_EQ(engine_->describe_table("docs")->item_count, 2500);
  ASSERT_TRUE(engine_.drop("docs"));
  ASSERT_TRUE(engine_.create("docs"));
  EXPECT_EQ(engine_->scan({.table = "docs"})->count, 0);
  EXPECT_EQ(engine_->describe_table("docs")->item_count, 0);
}

TEST_F(EngineTest, BadTablesAreRefused) {
  const auto error = [&](CreateTableRequest request) {
    const auto result =
        TestEngine::wait<TableDescription>([&](auto done) { engine_->create_table(request, std::move(done)); });
    return result ? "no error" : result.error().message;
  };
  CreateTableRequest good{
      .name = "good", .key = {{"pk", true}}, .attributes = {{"pk", Type::S}}, .indexes = {}, .on_demand = true};
  auto bad = good;
  bad.name = "ab";
  EXPECT_EQ(error(bad), "TableName must be at least 3 characters long and at most 255 characters long");
  bad = good;
  bad.attributes.push_back({"extra", Type::S});
  EXPECT_EQ(
      error(bad),
      "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number "
      "of attributes defined in AttributeDefinitions");
  bad = good;
  bad.on_demand = false;
  EXPECT_EQ(
      error(bad),
      "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified "
      "when BillingMode is PROVISIONED");
  bad = good;
  bad.key[0].hash = false;
  EXPECT_EQ(error(bad), "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  EXPECT_EQ(error(good), "no error");
}

TEST_F(EngineTest, PutGetDelete) {
  ASSERT_TRUE(engine_.create("docs"));
  const Item key = {{"pk", S("a")}, {"sk", S("b")}};
  Item item = key;
  item["n"] = N("1");
  ASSERT_TRUE(engine_.put("docs", item));
  EXPECT_EQ(engine_.get("docs", key), item);
  item["n"] = N("2");
  const auto replaced =
      engine_.write({.kind = Kind::put, .table = "docs", .item = item, .return_values = ReturnValues::all_old});
  EXPECT_EQ(replaced->attributes->at("n"), N("1"));
  const auto removed =
      engine_.write({.kind = Kind::remove, .table = "docs", .key = key, .return_values = ReturnValues::all_old});
  EXPECT_EQ(removed->attributes->at("n"), N("2"));
  EXPECT_FALSE(engine_.get("docs", key));
  EXPECT_TRUE(engine_.remove("docs", key));
  EXPECT_EQ(engine_->describe_table("docs")->item_count, 0);
  EXPECT_EQ(engine_->describe_table("docs")->size_bytes, 0);
}

TEST_F(EngineTest, WrongItemsAndKeysAreRefused) {
  ASSERT_TRUE(engine_.create("docs"));
  const auto put_error = [&](Item item) { return engine_.put("docs", std::move(item)).error().message; };
  EXPECT_EQ(put_error({{"sk", S("b")}}), "One or more parameter values were invalid: Missing the key pk in the item");
  EXPECT_EQ(put_error({{"pk", N("1")}, {"sk", S("b")}}),
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N");
  EXPECT_EQ(
      put_error({{"pk", S("")}, {"sk", S("b")}}),
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
      "string value. Key: pk");
  EXPECT_EQ(engine_->get({.table = "docs", .key = {{"pk", S("a")}}}).error().message,
            "The provided key element does not match the schema");
  EXPECT_EQ(
      put_error({{"pk", S(std::string(2049, 'x'))}, {"sk", S("b")}}),
      "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes");
  AttributeValue deep = S("x");
  for (int i = 0; i < 33; ++i) deep = L({deep});
  EXPECT_EQ(put_error({{"pk", S("a")}, {"sk", S("b")}, {"deep", deep}}),
            "Nesting Levels have exceeded supported limits");
}

TEST_F(EngineTest, AnItemMayHave400KiBToTheByte) {
  ASSERT_TRUE(engine_.create("docs"));
  const std::size_t around = size_of(Item{{"pk", S("a")}, {"sk", S("b")}, {"data", S("")}});
  const auto item = [&](std::size_t bytes) {
    return Item{{"pk", S("a")}, {"sk", S("b")}, {"data", S(std::string(bytes - around, 'x'))}};
  };
  EXPECT_TRUE(engine_.put("docs", item(kMaxItemBytes)));
  EXPECT_EQ(engine_.put("docs", item(kMaxItemBytes + 1)).error().message,
            "Item size has exceeded the maximum allowed size");
  const auto update = engine_.write({.kind = Kind::update,
                                     .table = "docs",
                                     .key = {{"pk", S("a")}, {"sk", S("b")}},
                                     .update = "SET x = :x",
                                     .placeholders = values({{":x", S("y")}})});
  EXPECT_EQ(update.error().message, "Item size to update has exceeded the maximum allowed size");
}

TEST_F(EngineTest, UpdateMakesAndChangesItems) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  const Item key = {{"pk", S("a")}};
  WriteRequest request{.kind = Kind::update,
                       .table = "docs",
                       .key = key,
                       .update = "SET a.b = :v",
                       .placeholders = values({{":v", N("1")}})};
  EXPECT_EQ(engine_.write(request).error().message,
            "The document path provided in the update expression is invalid for update");
  EXPECT_FALSE(engine_.get("docs", key));
  request.update = "SET hits = if_not_exists(hits, :v) + :v, tag = :v";
  request.return_values = ReturnValues::updated_new;
  EXPECT_EQ(engine_.write(request)->attributes, (Item{{"hits", N("2")}, {"tag", N("1")}}));
  request.return_values = ReturnValues::updated_old;
  EXPECT_EQ(engine_.write(request)->attributes, (Item{{"hits", N("2")}, {"tag", N("1")}}));
  request.return_values = ReturnValues::all_new;
  EXPECT_EQ(engine_.write(request)->attributes, (Item{{"pk", S("a")}, {"hits", N("4")}, {"tag", N("1")}}));
  request.update = "SET pk = :v";
  EXPECT_EQ(engine_.write(request).error().message,
            "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key");
  EXPECT_TRUE(engine_.write({.kind = Kind::update, .table = "docs", .key = {{"pk", S("bare")}}}));
  EXPECT_EQ(engine_.get("docs", {{"pk", S("bare")}}), (Item{{"pk", S("bare")}}));
}

TEST_F(EngineTest, ConditionsGuardWrites) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  WriteRequest once{.kind = Kind::put,
                    .table = "docs",
                    .item = {{"pk", S("a")}, {"n", N("1")}},
                    .condition = "attribute_not_exists(pk)"};
  EXPECT_TRUE(engine_.write(once));
  once.item_on_condition_failure = true;
  const auto failed = engine_.write(once);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::condition_failed);
  EXPECT_EQ(failed.error().message, "The conditional request failed");
  EXPECT_EQ(failed.error().item->at("n"), N("1"));
}

TEST_F(EngineTest, QueryWalksAPartitionInOrder) {
  ASSERT_TRUE(engine_.create("docs"));
  for (const auto* sk : {"a", "b1", "b2", "b3", "c"}) ASSERT_TRUE(engine_.put("docs", {{"pk", S("p")}, {"sk", S(sk)}}));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S(std::string("p\0", 2))}, {"sk", S("other")}}));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("pp")}, {"sk", S("other")}}));
  using List = std::vector<std::string>;
  const auto run = [&](std::string condition, Item more, bool forward = true) {
    more.emplace(":p", S("p"));
    return query_sks(
        {.table = "docs", .key_condition = condition, .placeholders = values(std::move(more)), .forward = forward});
  };
  EXPECT_EQ(run("pk = :p", {}), (List{"a", "b1", "b2", "b3", "c"}));
  EXPECT_EQ(run("pk = :p", {}, false), (List{"c", "b3", "b2", "b1", "a"}));
  EXPECT_EQ(run("pk = :p AND begins_with(sk, :s)", {{":s", S("b")}}), (List{"b1", "b2", "b3"}));
  EXPECT_EQ(run("pk = :p AND sk BETWEEN :s AND :t", {{":s", S("b1")}, {":t", S("b3")}}), (List{"b1", "b2", "b3"}));
  EXPECT_EQ(run("pk = :p AND sk > :s", {{":s", S("b2")}}), (List{"b3", "c"}));
  EXPECT_EQ(run("pk = :p AND sk >= :s", {{":s", S("b2")}}), (List{"b2", "b3", "c"}));
  EXPECT_EQ(run("pk = :p AND sk < :s", {{":s", S("b1")}}), (List{"a"}));
  EXPECT_EQ(run("sk <= :s AND pk = :p", {{":s", S("b1")}}), (List{"a", "b1"}));
  EXPECT_EQ(run("(pk = :p) AND (sk = :s)", {{":s", S("b1")}}), (List{"b1"}));
  EXPECT_EQ(run(":p = pk AND :s < sk", {{":s", S("b2")}}), (List{"b3", "c"}));
}

TEST_F(EngineTest, QueryPagesHoldLimitsAndGoOnWhereTheyEnded) {
  ASSERT_TRUE(engine_.create("docs", Type::N));
  for (int i = -10; i < 10; ++i) ASSERT_TRUE(engine_.put("docs", {{"pk", S("p")}, {"sk", N(std::to_string(i))}}));
  for (const bool forward : {true, false}) {
    PageRequest request{.table = "docs",
                        .key_condition = "pk = :p",
                        .placeholders = values({{":p", S("p")}}),
                        .limit = 3,
                        .forward = forward};
    std::vector<Item> seen;
    for (;;) {
      const auto page = engine_->query(request);
      ASSERT_TRUE(page) << page.error().message;
      EXPECT_LE(page->items.size(), 3U);
      seen.insert(seen.end(), page->items.begin(), page->items.end());
      if (!page->last) break;
      request.start_after = page->last;
    }
    ASSERT_EQ(seen.size(), 20U);
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(seen[static_cast<std::size_t>(i)].at("sk"), N(std::to_string(forward ? i - 10 : 9 - i)));
  }
}

TEST_F(EngineTest, APageEndsAtOneMebibyte) {
  ASSERT_TRUE(engine_.create("docs"));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(
        engine_.put("docs", {{"pk", S("p")}, {"sk", S(std::to_string(i))}, {"data", S(std::string(300'000, 'x'))}}));
  }
  const auto page =
      engine_->query({.table = "docs", .key_condition = "pk = :p", .placeholders = values({{":p", S("p")}})});
  EXPECT_EQ(page->count, 3);
  EXPECT_EQ(page->last, (Item{{"pk", S("p")}, {"sk", S("2")}}));
  EXPECT_GT(page->capacity.table_units, 100);
}

TEST_F(EngineTest, FilterProjectionAndCount) {
  ASSERT_TRUE(engine_.create("docs"));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(engine_.put("docs", {{"pk", S("p")}, {"sk", S(std::to_string(i))}, {"n", N(std::to_string(i))}}));
  }
  PageRequest request{.table = "docs",
                      .key_condition = "pk = :p",
                      .filter = "n >= :n",
                      .projection = "n",
                      .placeholders = values({{":p", S("p")}, {":n", N("7")}})};
  const auto page = engine_->query(request);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->scanned, 10);
  EXPECT_EQ(page->items, (std::vector<Item>{{{"n", N("7")}}, {{"n", N("8")}}, {{"n", N("9")}}}));
  request.projection.reset();
  request.select = Select::count;
  const auto counted = engine_->query(request);
  EXPECT_EQ(counted->count, 3);
  EXPECT_TRUE(counted->items.empty());
}

TEST_F(EngineTest, QueryFaultsHaveDynamoDbsTexts) {
  ASSERT_TRUE(engine_.create("docs"));
  const auto p = std::pair<const std::string, AttributeValue>(":p", S("p"));
  EXPECT_EQ(query_error("sk = :p", values({p})), "Query condition missed key schema element: pk");
  EXPECT_EQ(query_error("pk > :p", values({p})), "Query key condition not supported");
  EXPECT_EQ(query_error("pk = :p AND foo = :p", values({p})), "Query condition missed key schema element: sk");
  EXPECT_EQ(query_error("pk = :p AND pk = :p", values({p})),
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key");
  EXPECT_EQ(query_error("pk = :p OR sk = :p", values({p})),
            "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR");
  EXPECT_EQ(query_error("pk = :n", values({{":n", N("1")}})),
            "One or more parameter values were invalid: Condition parameter type does not match schema type");
  EXPECT_EQ(query_error("pk = :p AND size(sk) = :p", values({p})),
            "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: size");
  const auto filtered =
      engine_->query({.table = "docs", .key_condition = "pk = :p", .filter = "sk = :p", .placeholders = values({p})});
  EXPECT_EQ(filtered.error().message,
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk");
}

TEST_F(EngineTest, SegmentsOfAScanCoverTheTableOnce) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(engine_.put("docs", {{"pk", S("p" + std::to_string(i))}}));
  std::set<std::string> seen;
  int used_segments = 0;
  for (int segment = 0; segment < 7; ++segment) {
    PageRequest request{.table = "docs", .limit = 9, .segment = segment, .total_segments = 7};
    std::size_t in_segment = 0;
    for (;;) {
      const auto page = engine_->scan(request);
      ASSERT_TRUE(page);
      for (const auto& item : page->items) EXPECT_TRUE(seen.insert(*item.at("pk").get_if<std::string>()).second);
      in_segment += page->items.size();
      if (!page->last) break;
      request.start_after = page->last;
    }
    used_segments += in_segment > 0 ? 1 : 0;
  }
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_EQ(used_segments, 7);
  EXPECT_FALSE(engine_->scan({.table = "docs", .segment = 7, .total_segments = 7}));
  EXPECT_FALSE(engine_->scan({.table = "docs", .segment = 1}));
}

IndexRequest global_index(const std::string& hash, const std::string& range, IndexDefinition::Projection projection) {
  return {.name = "by-" + hash, .global = true, .key = {{hash, true}, {range, false}}, .projection = projection};
}

TEST_F(EngineTest, AGlobalIndexFollowsItsItems) {
  ASSERT_TRUE(engine_.create("docs", Type::S, {global_index("g", "n", IndexDefinition::Projection::keys_only)},
                             {{"g", Type::S}, {"n", Type::N}}));
  const auto entries = [&](const std::string& g) {
    const auto page = engine_->query(
        {.table = "docs", .index = "by-g", .key_condition = "g = :g", .placeholders = values({{":g", S(g)}})});
    EXPECT_TRUE(page) << page.error().message;
    return page->items;
  };
  const Item key = {{"pk", S("a")}, {"sk", S("b")}};
  Item item = key;
  item["more"] = S("x");
  ASSERT_TRUE(engine_.put("docs", item));
  EXPECT_TRUE(entries("x").empty());
  item["g"] = S("x");
  item["n"] = N("1");
  ASSERT_TRUE(engine_.put("docs", item));
  EXPECT_EQ(entries("x"), (std::vector<Item>{{{"pk", S("a")}, {"sk", S("b")}, {"g", S("x")}, {"n", N("1")}}}));
  ASSERT_TRUE(engine_.write({.kind = Kind::update,
                             .table = "docs",
                             .key = key,
                             .update = "SET g = :y",
                             .placeholders = values({{":y", S("y")}})}));
  EXPECT_TRUE(entries("x").empty());
  EXPECT_EQ(entries("y").size(), 1U);
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("other")}, {"sk", S("b")}, {"g", S("y")}, {"n", N("1")}}));
  PageRequest paged{.table = "docs",
                    .index = "by-g",
                    .key_condition = "g = :g",
                    .placeholders = values({{":g", S("y")}}),
                    .limit = 1};
  const auto first = engine_->query(paged);
  ASSERT_TRUE(first->last);
  EXPECT_EQ(first->last->size(), 4U);
  paged.start_after = first->last;
  const auto second = engine_->query(paged);
  EXPECT_EQ(second->items.size(), 1U);
  EXPECT_NE(second->items[0], first->items[0]);
  ASSERT_TRUE(engine_.remove("docs", key));
  EXPECT_EQ(entries("y").size(), 1U);
  EXPECT_EQ(
      engine_.put("docs", {{"pk", S("a")}, {"sk", S("b")}, {"n", S("no number")}}).error().message,
      "One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S IndexName: by-g");
}

TEST_F(EngineTest, ALocalIndexFetchesWhatItDoesNotHold) {
  IndexRequest local{.name = "by-n",
                     .global = false,
                     .key = {{"pk", true}, {"n", false}},
                     .projection = IndexDefinition::Projection::keys_only};
  ASSERT_TRUE(engine_.create("docs", Type::S, {local}, {{"n", Type::N}}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(engine_.put(
        "docs", {{"pk", S("p")}, {"sk", S(std::to_string(i))}, {"n", N(std::to_string(-i))}, {"t", S("x")}}));
  }
  PageRequest request{
      .table = "docs", .index = "by-n", .key_condition = "pk = :p", .placeholders = values({{":p", S("p")}})};
  EXPECT_EQ(engine_->query(request)->items[0], (Item{{"pk", S("p")}, {"sk", S("2")}, {"n", N("-2")}}));
  request.select = Select::all_attributes;
  EXPECT_EQ(engine_->query(request)->items[0].at("t"), S("x"));
}

TEST_F(EngineTest, ATransactionHappensWhollyOrNotAtAll) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("a")}, {"n", N("10")}}));
  const auto change = [](const std::string& pk, const std::string& by) {
    return WriteRequest{.kind = Kind::update,
                        .table = "docs",
                        .key = {{"pk", S(pk)}},
                        .update = "ADD n :by",
                        .placeholders = values({{":by", N(by)}})};
  };
  WriteRequest check{
      .kind = Kind::check, .table = "docs", .key = {{"pk", S("guard")}}, .condition = "attribute_exists(pk)"};
  const auto cancelled = engine_.transact({change("a", "-3"), change("b", "3"), check});
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().kind, ErrorKind::transaction_cancelled);
  EXPECT_EQ(cancelled.error().message,
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, "
            "ConditionalCheckFailed]");
  EXPECT_EQ(engine_.get("docs", {{"pk", S("a")}})->at("n"), N("10"));
  EXPECT_FALSE(engine_.get("docs", {{"pk", S("b")}}));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("guard")}}));
  ASSERT_TRUE(engine_.transact({change("a", "-3"), change("b", "3"), check}));
  EXPECT_EQ(engine_.get("docs", {{"pk", S("a")}})->at("n"), N("7"));
  EXPECT_EQ(engine_.get("docs", {{"pk", S("b")}})->at("n"), N("3"));
  EXPECT_EQ(engine_.transact({change("a", "1"), change("a", "1")}).error().message,
            "Transaction request cannot include multiple operations on one item");
}

TEST_F(EngineTest, ATransactionSentAgainWithItsTokenIsNotDoneAgain) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  const auto change = [](const std::string& by) {
    return std::vector<WriteRequest>{{.kind = Kind::update,
                                      .table = "docs",
                                      .key = {{"pk", S("a")}},
                                      .update = "ADD n :by",
                                      .placeholders = values({{":by", N(by)}})}};
  };
  ASSERT_TRUE(engine_.transact(change("1"), "token"));
  ASSERT_TRUE(engine_.transact(change("1"), "token"));
  EXPECT_EQ(engine_.get("docs", {{"pk", S("a")}})->at("n"), N("1"));
  EXPECT_EQ(engine_.transact(change("2"), "token").error().kind, ErrorKind::idempotent_mismatch);
  TestEngine reopened(store_);
  ASSERT_TRUE(reopened.transact(change("1"), "token"));
  EXPECT_EQ(reopened.get("docs", {{"pk", S("a")}})->at("n"), N("1"));
  ASSERT_TRUE(reopened.transact(change("1"), "another"));
  EXPECT_EQ(reopened.get("docs", {{"pk", S("a")}})->at("n"), N("2"));
}

TEST_F(EngineTest, WritersThatWaitShareOneCommit) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  const auto before = store_.synced_commits();
  std::atomic<int> done{0};
  std::promise<void> all;
  for (int i = 0; i < 500; ++i) {
    engine_->write({.kind = Kind::update,
                    .table = "docs",
                    .key = {{"pk", S("counter")}},
                    .update = "ADD n :one",
                    .placeholders = values({{":one", N("1")}})},
                   [&](const TablesResult<WriteResult>& result) {
                     EXPECT_TRUE(result);
                     if (++done == 500) all.set_value();
                   });
  }
  all.get_future().wait();
  EXPECT_EQ(engine_.get("docs", {{"pk", S("counter")}})->at("n"), N("500"));
  EXPECT_LT(store_.synced_commits() - before, 500U);
}

TEST_F(EngineTest, AFailedCommitIsNeverAcknowledgedAndLeavesNothing) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  ASSERT_TRUE(engine_.put("docs", {{"pk", S("kept")}}));
  store_.fail_commit(1, ENOSPC);
  const auto failed = engine_.put("docs", {{"pk", S("lost")}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(engine_.put("docs", {{"pk", S("later")}}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(engine_.create("more").error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(engine_->describe_table("more"));
  EXPECT_FALSE(engine_.get("docs", {{"pk", S("lost")}}));
  EXPECT_TRUE(engine_.get("docs", {{"pk", S("kept")}}));
  EXPECT_EQ(engine_->describe_table("docs")->item_count, 1);
}

TEST_F(EngineTest, CapacityIsCountedAsDynamoDbDoes) {
  ASSERT_TRUE(engine_.create("docs", std::nullopt));
  EXPECT_EQ(engine_.put("docs", {{"pk", S("a")}, {"d", S(std::string(1500, 'x'))}})->capacity.total(), 2);
  EXPECT_EQ(engine_.put("docs", {{"pk", S("a")}})->capacity.total(), 2);  // the larger of old and new
  EXPECT_EQ(engine_->get({.table = "docs", .key = {{"pk", S("a")}}})->capacity.total(), 0.5);
  EXPECT_EQ(engine_->get({.table = "docs", .key = {{"pk", S("a")}}, .consistent = true})->capacity.total(), 1);
}

}  // namespace
}  // namespace lambent::tables
