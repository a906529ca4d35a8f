// What every implementation must do: each test runs on RocksDB and on the fake.
#include "store/key_value_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "store/memory_store.h"
#include "store/rocksdb_store.h"

namespace lambent::store {
namespace {

struct Fixture {
  std::string folder;
  std::unique_ptr<KeyValueStore> store;
};

class StoreTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) {
      store_ = std::make_unique<MemoryStore>();
      return;
    }
    std::string name = testing::TempDir() + "store-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    auto opened = open_rocksdb_store(folder_ + "/db");
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = *std::move(opened);
  }
  void TearDown() override {
    store_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  void put(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.put(Space::tables, key, value);
    ASSERT_TRUE(store_->commit(batch, Durability::nosync));
  }
  std::string folder_;
  std::unique_ptr<KeyValueStore> store_;
};

TEST_P(StoreTest, ReadsWhatABatchWroteInEverySpace) {
  WriteBatch batch;
  for (std::size_t i = 0; i < kSpaceNames.size(); ++i) batch.put(static_cast<Space>(i), "k", kSpaceNames[i]);
  batch.put(Space::catalog, "gone", "x");
  batch.remove(Space::catalog, "gone");
  ASSERT_TRUE(store_->commit(batch, Durability::sync));
  for (std::size_t i = 0; i < kSpaceNames.size(); ++i)
    EXPECT_EQ(**store_->get(static_cast<Space>(i), "k"), kSpaceNames[i]);
  EXPECT_FALSE(*store_->get(Space::catalog, "gone"));
}

TEST_P(StoreTest, SnapshotDoesNotSeeLaterCommits) {
  put("a", "1");
  const auto before = store_->snapshot();
  put("a", "2");
  put("b", "3");
  EXPECT_EQ(**before->get(Space::tables, "a"), "1");
  EXPECT_FALSE(*before->get(Space::tables, "b"));
  EXPECT_EQ(**store_->snapshot()->get(Space::tables, "a"), "2");
}

TEST_P(StoreTest, CursorStaysInItsRangeInBothDirections) {
  for (const auto* key : {"a", "b1", "b2", "b3", "c"}) put(key, key);
  const auto snapshot = store_->snapshot();
  const auto cursor = snapshot->cursor(Space::tables, "b", prefix_end("b"));
  std::string seen;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) seen += cursor->key();
  EXPECT_EQ(seen, "b1b2b3");
  seen.clear();
  for (cursor->seek_last(); cursor->valid(); cursor->previous()) seen += cursor->value();
  EXPECT_EQ(seen, "b3b2b1");
  cursor->seek("b15");
  EXPECT_EQ(cursor->key(), "b2");
  cursor->seek_back("b15");
  EXPECT_EQ(cursor->key(), "b1");
  cursor->seek_back("z");
  EXPECT_EQ(cursor->key(), "b3");
  cursor->seek("a");
  EXPECT_EQ(cursor->key(), "b1");
  cursor->seek_back("a");
  EXPECT_FALSE(cursor->valid());
  EXPECT_TRUE(cursor->status());
}

TEST_P(StoreTest, KeysAreOrderedAsUnsignedBytes) {
  using namespace std::string_literals;
  const std::vector<std::string> ordered = {"\x00"s, "\x00\x00"s, "\x01"s, "\x7f"s, "\x80"s, "\xff"s, "\xff\x00"s};
  for (auto key = ordered.rbegin(); key != ordered.rend(); ++key) put(*key, "v");
  const auto snapshot = store_->snapshot();
  const auto cursor = snapshot->cursor(Space::tables, "", "");
  std::vector<std::string> seen;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) seen.emplace_back(cursor->key());
  EXPECT_EQ(seen, ordered);
}

TEST_P(StoreTest, AgreesWithAMapUnderRandomChanges) {
  std::mt19937 random(7);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 300; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 5; ++i) {
      const std::string key = std::to_string(random() % 60);
      if (random() % 3 == 0) {
        batch.remove(Space::tables, key);
        model.erase(key);
      } else {
        const std::string value = std::to_string(random());
        batch.put(Space::tables, key, value);
        model[key] = value;
      }
    }
    ASSERT_TRUE(store_->commit(batch, Durability::nosync));
  }
  const auto snapshot = store_->snapshot();
  const auto cursor = snapshot->cursor(Space::tables, "", "");
  std::map<std::string, std::string> seen;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) seen.emplace(cursor->key(), cursor->value());
  EXPECT_EQ(seen, model);
}

INSTANTIATE_TEST_SUITE_P(Implementations, StoreTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "RocksDb" : "Memory"; });

TEST(MemoryStore, FailsTheNthCommitAndIsReadOnlyFromThenOn) {
  MemoryStore store;
  store.fail_commit(2, ENOSPC);
  WriteBatch batch;
  batch.put(Space::catalog, "a", "1");
  ASSERT_TRUE(store.commit(batch, Durability::sync));
  batch.clear();
  batch.put(Space::catalog, "b", "2");
  EXPECT_EQ(store.commit(batch, Durability::sync).error().code, ENOSPC);
  EXPECT_EQ(store.commit(batch, Durability::sync).error().code, EROFS);
  EXPECT_FALSE(*store.get(Space::catalog, "b"));
  EXPECT_EQ(**store.get(Space::catalog, "a"), "1");
  ASSERT_TRUE(store.failure());
  store.crash();
  EXPECT_FALSE(store.failure());
  EXPECT_TRUE(store.commit(batch, Durability::sync));
}

TEST(MemoryStore, ACrashLosesExactlyWhatWasNotSynced) {
  MemoryStore store;
  WriteBatch batch;
  batch.put(Space::catalog, "a", "1");
  ASSERT_TRUE(store.commit(batch, Durability::sync));
  batch.clear();
  batch.put(Space::catalog, "a", "2");
  ASSERT_TRUE(store.commit(batch, Durability::nosync));
  store.crash();
  EXPECT_EQ(**store.get(Space::catalog, "a"), "1");
}

TEST(PrefixEnd, IsTheNextPrefix) {
  using namespace std::string_literals;
  EXPECT_EQ(prefix_end("a"), "b");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xff\xff"), "");
  EXPECT_EQ(prefix_end("a\x00"s), "a\x01");
}

}  // namespace
}  // namespace lambent::store
