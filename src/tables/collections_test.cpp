#include "tables/collections.h"

#include <gtest/gtest.h>

#include <random>

#include "store/memory_store.h"
#include "tables/item_rules.h"
#include "tables/test_engine.h"

namespace lambent::tables {
namespace {

using Kind = WriteRequest::Kind;
using store::Space;

// Tables with hash key "pk" of type S, range key "sk" and a local index by "at"; those without are plain.
class Collections : public testing::Test {
 protected:
  static IndexRequest local(std::optional<IndexDefinition::Projection> projection) {
    return {.name = "by_at",
            .global = false,
            .key = {{"pk", true}, {"at", false}},
            .projection = projection,
            .included = {},
            .throughput = {}};
  }
  static void create(TestEngine& engine, IndexDefinition::Projection projection = IndexDefinition::Projection::all) {
    ASSERT_TRUE(engine.create("docs", Type::S, {local(projection)}, {{"at", Type::S}}));
  }
  static Item item(const std::string& pk, const std::string& sk, std::size_t data, bool indexed = true) {
    Item item{{"pk", S(pk)}, {"sk", S(sk)}, {"data", S(std::string(data, 'x'))}};
    if (indexed) item.emplace("at", S(sk));
    return item;
  }
  static Item key(const std::string& pk, const std::string& sk) { return {{"pk", S(pk)}, {"sk", S(sk)}}; }
  static WriteRequest put(Item item) { return {.kind = Kind::put, .table = "docs", .item = std::move(item)}; }
  static WriteRequest remove(Item key) { return {.kind = Kind::remove, .table = "docs", .key = std::move(key)}; }

  // Keys of the view of sizes.
  [[nodiscard]] std::vector<std::string> size_keys(std::uint64_t table) const {
    std::vector<std::string> keys;
    const auto prefix = view_prefix(table, kCollectionsView);
    const auto snapshot = store_.snapshot();
    const auto cursor = snapshot->cursor(Space::tables, prefix, store::prefix_end(prefix));
    for (cursor->seek_first(); cursor->valid(); cursor->next()) keys.emplace_back(cursor->key());
    return keys;
  }
  static std::uint64_t id_of(TestEngine& engine) { return engine->describe_table("docs")->definition->id; }

  store::MemoryStore store_;
};

TEST_F(Collections, WhatGrowsBeyondTheLimitIsRefused) {
  const auto one = size_of(item("a", "1", 100));
  TestEngine engine(store_, {.item_collection_bytes = 4 * one});  // each item is there, and in the index
  create(engine);
  ASSERT_TRUE(engine.put("docs", item("a", "1", 100)));
  const auto full = engine.put("docs", item("a", "2", 100));
  ASSERT_TRUE(full) << "exactly the limit";
  EXPECT_EQ(full->collection->key, (Item{{"pk", S("a")}}));
  EXPECT_EQ(full->collection->bytes, 4 * one);

  const auto refused = engine.put("docs", item("a", "3", 0, false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::item_collection_limit);
  EXPECT_EQ(refused.error().message, "Collection size exceeded.");
  EXPECT_FALSE(engine.get("docs", key("a", "3")));
  EXPECT_FALSE(engine.put("docs", item("a", "2", 101))) << "an item that grows";
  EXPECT_TRUE(engine.put("docs", item("a", "2", 100))) << "nothing changes";
  EXPECT_TRUE(engine.put("docs", item("b", "1", 100))) << "another collection";

  EXPECT_TRUE(engine.put("docs", item("a", "2", 99))) << "an item that shrinks";
  EXPECT_TRUE(engine.put("docs", item("a", "2", 100)));
  ASSERT_TRUE(engine.remove("docs", key("a", "1")));
  EXPECT_TRUE(engine.put("docs", item("a", "3", 100)));
}

TEST_F(Collections, TheLimitIsForTablesWithLocalIndexes) {
  TestEngine engine(store_, {.item_collection_bytes = 100});
  ASSERT_TRUE(engine.create("docs"));
  const auto put = engine.put("docs", item("a", "1", 1000));
  ASSERT_TRUE(put);
  EXPECT_FALSE(put->collection);
  EXPECT_TRUE(size_keys(id_of(engine)).empty());
}

TEST_F(Collections, AnItemIsBoundedTogetherWithItsLocalEntries) {
  TestEngine engine(store_);
  create(engine);
  const auto names = size_of(item("a", "1", 0));
  EXPECT_TRUE(engine.put("docs", item("a", "1", kMaxItemBytes / 2 - names)));
  EXPECT_EQ(engine.put("docs", item("a", "1", kMaxItemBytes / 2 - names + 1)).error().message,
            "Item size has exceeded the maximum allowed size");
  EXPECT_TRUE(engine.put("docs", item("a", "1", kMaxItemBytes / 2 + 1, false))) << "it is not in the index";
}

TEST_F(Collections, TransactionsAndBatchesAreRefusedAsAWhole) {
  TestEngine engine(store_, {.item_collection_bytes = 5 * size_of(item("a", "1", 100))});
  create(engine);
  const auto cancelled = engine.transact(
      {put(item("a", "1", 100)), put(item("b", "1", 100)), put(item("a", "2", 100)), put(item("a", "3", 100))});
  ASSERT_FALSE(cancelled);
  ASSERT_EQ(cancelled.error().reasons.size(), 4);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cancelled.error().reasons[i].code, "None") << i;
  EXPECT_EQ(cancelled.error().reasons[3].code, "ItemCollectionSizeLimitExceeded");
  EXPECT_EQ(cancelled.error().reasons[3].message, "Collection size exceeded.");
  EXPECT_FALSE(engine.get("docs", key("a", "1")));

  const auto batch = [&](std::vector<WriteRequest> requests) {
    return TestEngine::wait<BatchWriteResult>(
        [&](auto done) { engine->batch_write(std::move(requests), std::move(done)); });
  };
  EXPECT_EQ(batch({put(item("a", "1", 100)), put(item("a", "2", 100)), put(item("a", "3", 100))}).error().kind,
            ErrorKind::item_collection_limit);
  EXPECT_FALSE(engine.get("docs", key("a", "1")));
  const auto done = batch({put(item("a", "1", 100)), put(item("a", "2", 100)), put(item("b", "1", 100))});
  ASSERT_TRUE(done);
  ASSERT_EQ(done->collections.at("docs").size(), 2);
  EXPECT_EQ(done->collections.at("docs")[0].bytes, 4 * size_of(item("a", "1", 100)));
  EXPECT_TRUE(engine.transact({remove(key("a", "1")), put(item("a", "3", 100))})) << "one goes, one comes";
}

TEST_F(Collections, EmptyOnesLeaveNothing) {
  TestEngine engine(store_);
  create(engine);
  ASSERT_TRUE(engine.put("docs", item("a", "1", 10)));
  ASSERT_TRUE(engine.put("docs", item("b", "1", 10)));
  EXPECT_EQ(size_keys(id_of(engine)).size(), 2);
  ASSERT_TRUE(engine.remove("docs", key("a", "1")));
  EXPECT_EQ(size_keys(id_of(engine)).size(), 1);
  EXPECT_EQ(engine.remove("docs", key("a", "1"))->collection->bytes, 0);
}

TEST_F(Collections, OnesWithoutASizeAreMeasured) {
  TestEngine engine(store_);
  create(engine);
  ASSERT_TRUE(engine.put("docs", item("a", "1", 10)));
  const auto before = engine.put("docs", item("a", "2", 10))->collection->bytes;
  store::WriteBatch batch;
  for (const auto& size : size_keys(id_of(engine))) batch.remove(Space::tables, size);
  ASSERT_TRUE(store_.commit(batch, store::Durability::sync));
  EXPECT_EQ(engine.put("docs", item("a", "3", 10))->collection->bytes, before / 2 * 3);
}

TEST_F(Collections, ItemsThatExpireAndTablesThatAreRestoredCount) {
  TestEngine engine(store_);
  create(engine);
  Item ending = item("a", "1", 100);
  ending.emplace("ends", AttributeValue(Number38(engine.clock().wall_ms() / 1000 + 10)));
  ASSERT_TRUE(engine.put("docs", ending));
  ASSERT_TRUE(engine.put("docs", item("a", "2", 100)));
  const auto backup = engine.back_up("docs");
  ASSERT_TRUE(backup);
  ASSERT_TRUE(engine.eventually([&] { return (*engine->describe_backup((*backup)->id))->available; }));
  ASSERT_TRUE(engine.restore((*backup)->id, "copy"));
  ASSERT_TRUE(engine.eventually([&] { return engine->describe_table("copy")->status == TableStatus::active; }));
  EXPECT_EQ(engine.remove("copy", key("a", "2"))->collection->bytes, 2 * size_of(ending));

  ASSERT_TRUE(engine.expire("docs", "ends"));
  engine.clock().advance(std::chrono::seconds(11));
  ASSERT_TRUE(engine.eventually([&] { return !engine.get("docs", key("a", "1")); }));
  EXPECT_EQ(engine.put("docs", item("a", "2", 100))->collection->bytes, 2 * size_of(item("a", "2", 100)));
}

// Random changes, several of a collection in one transaction, beside a plain sum over what is there.
TEST_F(Collections, SizesAreExactWhateverHappens) {
  constexpr int kRounds = 2000;
  std::mt19937 random(20261123);  // NOLINT(cert-msc51-cpp): the same each time
  const auto any = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  TestEngine engine(store_);
  create(engine, IndexDefinition::Projection::keys_only);
  std::map<std::pair<std::string, std::string>, Item> there;
  const auto index = engine->describe_table("docs")->definition->indexes.at(0);
  const auto sum = [&](const std::string& pk) {
    std::uint64_t bytes = 0;
    for (const auto& [at, item] : there) {
      if (at.first != pk) continue;
      bytes += size_of(item);
      if (item.contains("at"))
        bytes += size_of(projected(index, engine->describe_table("docs")->definition->key, item));
    }
    return bytes;
  };
  for (int round = 0; round < kRounds; ++round) {
    std::vector<WriteRequest> requests;
    std::set<std::pair<std::string, std::string>> taken;
    auto after = there;
    for (int i = any(4); i >= 0; --i) {
      const std::pair at(std::string(1, static_cast<char>('a' + any(3))), std::to_string(any(4)));
      if (!taken.insert(at).second) continue;
      if (any(2) == 0) {
        requests.push_back(remove(key(at.first, at.second)));
        after.erase(at);
      } else {
        requests.push_back(put(item(at.first, at.second, static_cast<std::size_t>(any(300)), any(3) != 0)));
        after[at] = requests.back().item;
      }
    }
    const auto done = engine.transact(requests);
    ASSERT_TRUE(done) << done.error().message;
    there = std::move(after);
    for (const auto& collection : done->collections.at("docs")) {
      ASSERT_EQ(collection.bytes, sum(*collection.key.at("pk").get_if<std::string>())) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace lambent::tables
