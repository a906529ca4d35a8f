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
  EXPECT_FALSE(t.run(change->commit({.latest = next})));
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
  EXPECT_FALSE(t.catalog->find_by_url("abc"));
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
  EXPECT_FALSE(t.catalog->find_by_url("old"));
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

TEST_F(CatalogTest, KeepsVersionsAliasesAndSettingsOverAPowerCut) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello"), "PK one"));
  const auto first = t.publish("hello", 1, "live");
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello"), "PK two"));
  ASSERT_TRUE(t.publish("hello", 2));
  t.store.crash();
  t.restart(false);
  const auto* entry = t.catalog->entry("hello");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->settings->last_version, 2U);
  ASSERT_EQ(entry->versions.size(), 2U);
  EXPECT_EQ(entry->version("1")->code_digest, first->code_digest);
  EXPECT_EQ(entry->show("live")->version, "1");
  EXPECT_EQ(entry->show("live")->code->digest, first->code_digest);
  EXPECT_EQ(entry->show("$LATEST"), entry->latest);
  EXPECT_EQ(entry->show("3"), nullptr);
  EXPECT_EQ(entry->show("dead"), nullptr);
  EXPECT_FALSE(t.start_failure);
}

TEST_F(CatalogTest, RemovesCodeWhenItsLastVersionIsGone) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello"), "PK one"));
  const auto folder = t.publish("hello", 1)->code->folder;
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello"), "PK two"));
  t.restart();
  EXPECT_TRUE(fs::exists(folder));
  {
    auto change = t.catalog->begin_change("hello");
    ASSERT_TRUE(t.run(change->commit({.erased_version = 1})));
  }
  t.run(t.code->close());
  EXPECT_FALSE(fs::exists(folder));
  t.restart();
  EXPECT_TRUE(t.catalog->entry("hello")->versions.empty());
}

TEST_F(CatalogTest, ErasesVersionsAliasesAndTheirUrlsWithTheFunction) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  ASSERT_TRUE(t.publish("hello", 1, "live"));
  {
    auto change = t.catalog->begin_change("hello");
    auto alias = *change->entry()->alias("live");
    alias.url.emplace().url_id = "xyz";
    ASSERT_TRUE(t.run(change->commit({.alias = alias})));
    ASSERT_TRUE(t.catalog->find_by_url("xyz"));
    EXPECT_EQ(t.catalog->find_by_url("xyz")->qualifier, "live");
    ASSERT_TRUE(t.run(change->erase()));
  }
  EXPECT_FALSE(t.catalog->find_by_url("xyz"));
  t.restart();
  EXPECT_EQ(t.catalog->size(), 0U);
  EXPECT_EQ(t.catalog->total_code_bytes(), 0U);
}

TEST_F(CatalogTest, GivesChangesTheirTurn) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  std::string order;
  net::Scope scope;
  const auto change = [](TestCatalog& t, std::string& order, char mark) -> net::Task<> {
    auto turn = co_await t.catalog->begin_change_in_turn("hello");
    auto next = *turn.current();
    next.description += mark;
    EXPECT_TRUE(co_await turn.commit({.latest = std::move(next)}));
    order += mark;
    if (order.size() == 3) t.loop.stop();
  };
  for (const char mark : {'a', 'b', 'c'}) scope.spawn(change(t, order, mark));
  EXPECT_FALSE(t.catalog->begin_change("hello"));
  t.loop.run();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(t.catalog->find("hello")->description, "abc");
  EXPECT_TRUE(t.catalog->begin_change("hello"));
}

TEST_F(CatalogTest, ListsVersionsByNumberPageByPage) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  for (const int number : {1, 2, 9, 10, 11}) ASSERT_TRUE(t.publish("hello", static_cast<std::uint64_t>(number)));
  std::string marker;
  std::string seen;
  do {
    const auto page = t.catalog->list_versions(*t.catalog->entry("hello"), marker, 2);
    ASSERT_TRUE(page);
    for (const auto& function : page->functions) seen += function->version + " ";
    marker = page->next_marker;
  } while (!marker.empty());
  EXPECT_EQ(seen, "$LATEST 1 2 9 10 11 ");
  const auto foreign = t.catalog->list("", 1, true)->next_marker;
  EXPECT_FALSE(t.catalog->list_versions(*t.catalog->entry("hello"), foreign, 2));
}

TEST_F(CatalogTest, ListsEveryVersionOfEveryFunction) {
  for (const char* name : {"b", "a"}) {
    ASSERT_TRUE(t.put_function(TestCatalog::named(name)));
    for (const int number : {1, 2}) ASSERT_TRUE(t.publish(name, static_cast<std::uint64_t>(number)));
  }
  for (const std::size_t size : {1U, 2U, 3U, 7U}) {
    std::string marker;
    std::string seen;
    do {
      const auto page = t.catalog->list(marker, size, true);
      ASSERT_TRUE(page);
      for (const auto& function : page->functions) seen += function->name + function->version + " ";
      marker = page->next_marker;
    } while (!marker.empty());
    EXPECT_EQ(seen, "a$LATEST a1 a2 b$LATEST b1 b2 ") << size;
  }
}

TEST_F(CatalogTest, ListsAliasesByNameAndByVersion) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  ASSERT_TRUE(t.publish("hello", 1, "c"));
  ASSERT_TRUE(t.publish("hello", 2, "a"));
  {
    auto change = t.catalog->begin_change("hello");
    ASSERT_TRUE(t.run(change->commit({.alias = Alias{.name = "b", .version = "2", .additional = {{"1", 0.5}}}})));
  }
  const auto names = [&](std::string_view version) {
    std::string seen;
    std::string marker;
    do {
      const auto page = t.catalog->list_aliases(*t.catalog->entry("hello"), version, marker, 1);
      for (const auto& alias : page->aliases) seen += alias->name;
      marker = page->next_marker;
    } while (!marker.empty());
    return seen;
  };
  EXPECT_EQ(names(""), "abc");
  EXPECT_EQ(names("1"), "bc");
  EXPECT_EQ(names("2"), "ab");
  EXPECT_EQ(names("3"), "");
}

TEST_F(CatalogTest, RoutesByWeight) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("hello")));
  ASSERT_TRUE(t.publish("hello", 1));
  ASSERT_TRUE(t.publish("hello", 2));
  {
    auto change = t.catalog->begin_change("hello");
    ASSERT_TRUE(t.run(change->commit({.alias = Alias{.name = "a", .version = "1", .additional = {{"2", 0.1}}}})));
    ASSERT_TRUE(t.run(change->commit({.alias = Alias{.name = "all", .version = "1", .additional = {{"2", 1.0}}}})));
    ASSERT_TRUE(t.run(change->commit({.alias = Alias{.name = "none", .version = "1", .additional = {{"2", 0.0}}}})));
  }
  const auto* entry = t.catalog->entry("hello");
  FakeRandom random;
  int second = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (entry->route("a", random)->version == "2") ++second;
    ASSERT_EQ(entry->route("all", random)->version, "2");
    ASSERT_EQ(entry->route("none", random)->version, "1");
  }
  EXPECT_NEAR(second, 1000, 150);  // five standard deviations
  EXPECT_EQ(entry->show("a")->version, "1");
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
