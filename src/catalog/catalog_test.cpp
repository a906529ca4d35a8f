#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "catalog/test_catalog.h"

namespace lambent::catalog {
namespace {

namespace fs = std::filesystem;

class CatalogTest : public testing::Test {
 protected:
  TestCatalog t;
};

TEST_F(CatalogTest, FindsWhatWasCommittedAndSyncedIt) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  ASSERT_TRUE(t.catalog->find("hello"));
  EXPECT_EQ(t.catalog->find("hello")->handler, "app.handler");
  EXPECT_EQ(t.catalog->find("other"), nullptr);
  EXPECT_EQ(t.store.synced_commits(), 1U);
}

TEST_F(CatalogTest, KeepsFunctionsOverAPowerCut) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  t.catalog.reset();
  t.store.crash();
  t.catalog = Catalog::open(t.store, *t.code, *t.pool, t.loop, t.random).value();
  ASSERT_TRUE(t.catalog->find("hello"));
  EXPECT_TRUE(t.catalog->find("hello")->code);
}

TEST_F(CatalogTest, ShowsNothingOfAChangeThatDidNotReachTheDisk) {
  t.store.fail_commit(1, ENOSPC);
  EXPECT_EQ(t.put_function(TestCatalog::named("hello")), nullptr);
  EXPECT_EQ(t.catalog->find("hello"), nullptr);
  EXPECT_TRUE(t.catalog->begin_change("hello"));
}

TEST_F(CatalogTest, KeepsTheOldRecordWhereAnUpdateFails) {
  const auto before = t.put_function(TestCatalog::named("hello"));
  t.store.fail_commit(1, EIO);
  auto change = t.catalog->begin_change("hello");
  auto next = *before;
  next.description = "new";
  EXPECT_FALSE(t.run(change->commit(next)));
  EXPECT_EQ(t.catalog->find("hello"), before);
}

TEST_F(CatalogTest, RefusesASecondChangeOfTheSameFunction) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  {
    const auto first = t.catalog->begin_change("hello");
    ASSERT_TRUE(first);
    const auto second = t.catalog->begin_change("hello");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, CatalogError::Kind::busy);
    EXPECT_EQ(second.error().message,
              "The operation cannot be performed at this time. An update is in progress for resource: "
              "arn:aws:lambda:us-east-1:000000000000:function:hello");
    EXPECT_TRUE(t.catalog->begin_change("another"));
  }
  EXPECT_TRUE(t.catalog->begin_change("hello"));
}

TEST_F(CatalogTest, LeavesHandedOutRecordsAsTheyAre) {
  const auto before = t.put_function(TestCatalog::named("hello"));
  auto next = TestCatalog::named("hello");
  next.timeout_seconds = 60;
  ASSERT_TRUE(t.put_function(next));
  EXPECT_EQ(before->timeout_seconds, 3U);
  EXPECT_EQ(t.catalog->find("hello")->timeout_seconds, 60U);
}

TEST_F(CatalogTest, ErasesAFunctionItsUrlAndItsCode) {
  auto function = TestCatalog::named("hello");
  function.url.emplace().url_id = "abc";
  ASSERT_TRUE(t.put_function(function));
  ASSERT_TRUE(t.catalog->find_by_url("abc"));
  const auto folder = t.catalog->find("hello")->code->folder;
  {
    auto change = t.catalog->begin_change("hello");
    ASSERT_TRUE(t.run(change->erase()));
  }
  EXPECT_EQ(t.catalog->find("hello"), nullptr);
  EXPECT_EQ(t.catalog->find_by_url("abc"), nullptr);
  t.run(t.code->close());
  EXPECT_FALSE(fs::exists(folder));
  t.restart();
  EXPECT_EQ(t.catalog->size(), 0U);
}

TEST_F(CatalogTest, KeepsTheCodeOfADeletedFunctionWhileAnInstanceRunsIt) {
  auto instance = t.put_function(TestCatalog::named("hello"));
  const auto folder = instance->code->folder;
  {
    auto change = t.catalog->begin_change("hello");
    ASSERT_TRUE(t.run(change->erase()));
  }
  EXPECT_TRUE(fs::exists(folder));
  instance.reset();
  t.run(t.code->close());
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(CatalogTest, RemovesOldCodeAfterAnUpdateUnlessAnotherFunctionHasIt) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("a"), "PK shared"));
  ASSERT_TRUE(t.put_function(TestCatalog::named("b"), "PK shared"));
  const auto folder = t.catalog->find("a")->code->folder;
  EXPECT_EQ(t.catalog->total_code_bytes(), 9U);
  ASSERT_TRUE(t.put_function(TestCatalog::named("a"), "PK new"));
  EXPECT_TRUE(fs::exists(folder));
  ASSERT_TRUE(t.put_function(TestCatalog::named("b"), "PK new"));
  t.run(t.code->close());
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(CatalogTest, FindsByUrlOnlyTheCurrentId) {
  auto function = TestCatalog::named("hello");
  function.url.emplace().url_id = "old";
  ASSERT_TRUE(t.put_function(function));
  function.url->url_id = "new";
  ASSERT_TRUE(t.put_function(function));
  EXPECT_EQ(t.catalog->find_by_url("old"), nullptr);
  EXPECT_TRUE(t.catalog->find_by_url("new"));
  t.restart();
  EXPECT_TRUE(t.catalog->find_by_url("new"));
}

TEST_F(CatalogTest, ListsByNamePageByPage) {
  for (const char* name : {"d", "a", "c", "b", "e"}) ASSERT_TRUE(t.put_function(TestCatalog::named(name)));
  std::string marker;
  std::string seen;
  int pages = 0;
  do {
    const auto page = t.catalog->list(marker, 2);
    ASSERT_TRUE(page);
    for (const auto& function : page->functions) seen += function->name;
    marker = page->next_marker;
    ++pages;
  } while (!marker.empty());
  EXPECT_EQ(seen, "abcde");
  EXPECT_EQ(pages, 3);
}

TEST_F(CatalogTest, PagesOnWhereTheMarkersFunctionIsGone) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(t.put_function(TestCatalog::named(name)));
  const auto page = t.catalog->list("", 2);
  {
    auto change = t.catalog->begin_change("b");
    ASSERT_TRUE(t.run(change->erase()));
  }
  const auto next = t.catalog->list(page->next_marker, 2);
  ASSERT_TRUE(next);
  ASSERT_EQ(next->functions.size(), 1U);
  EXPECT_EQ(next->functions[0]->name, "c");
}

TEST_F(CatalogTest, RefusesMarkersItDidNotMake) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("a")));
  for (const char* marker : {"x", "YQ==", "MTIzNDU2Nzg5MDEyMzQ1Ni5h", "////"}) {
    const auto page = t.catalog->list(marker, 10);
    ASSERT_FALSE(page) << marker;
    EXPECT_EQ(page.error().kind, CatalogError::Kind::bad_marker);
  }
}

TEST_F(CatalogTest, RefusesToStartOnADamagedRecord) {
  store::WriteBatch batch;
  batch.put(store::Space::catalog, "f/broken/$LATEST", "{\"format\":99}");
  ASSERT_TRUE(t.store.commit(batch, store::Durability::sync));
  const auto opened = Catalog::open(t.store, *t.code, *t.pool, t.loop, t.random);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().target, "f/broken/$LATEST");
}

}  // namespace
}  // namespace lambent::catalog
