// What the engine promises about crashes, on the real store.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "store/rocksdb_store.h"
#include "tables/test_engine.h"

namespace lambent::tables {
namespace {

using Kind = WriteRequest::Kind;

class DurabilityTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tables-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<store::KeyValueStore> open() {
    auto opened = store::open_rocksdb_store(folder_ + "/db");
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }
  std::string folder_;
};

Item key_of(int pk, int sk) {
  return {{"pk", S(std::to_string(pk))}, {"sk", N(std::to_string(sk))}};
}

TEST_F(DurabilityTest, ALoopReadsAtOnceWhatIsInMemoryAndShort) {
  const auto query = [](int pk) {
    return PageRequest{.table = "docs",
                       .key_condition = "pk = :p",
                       .placeholders = {.names = {}, .values = {{{":p", S(std::to_string(pk))}}}}};
  };
  const GetRequest get{.table = "docs", .key = key_of(0, 0)};
  {
    const auto store = open();
    TestEngine engine(*store);
    ASSERT_TRUE(engine.create("docs", Type::N));
    for (int sk = 0; sk < 40; ++sk) {
      for (const int pk : {0, 1}) {
        Item item = key_of(pk, sk);
        item["text"] = S(std::string(pk == 0 ? 10 : 1000, 'x'));
        ASSERT_TRUE(engine.put("docs", item));
      }
    }
    EXPECT_TRUE(engine->query_at_once(query(0)));
    EXPECT_FALSE(engine->query_at_once(query(1))) << "40 kB are a long page";
    EXPECT_EQ(engine->query(query(1))->count, 40);
    // Refusals are answers too.
    EXPECT_EQ(engine->get_at_once({.table = "none", .key = key_of(0, 0)})->error().kind, ErrorKind::table_not_found);
  }
  const auto store = open();
  TestEngine engine(*store);
  EXPECT_FALSE(engine->get_at_once(get));
  EXPECT_FALSE(engine->query_at_once(query(0)));
  EXPECT_EQ(engine->get(get)->item->size(), 3U);
  EXPECT_EQ((*engine->get_at_once(get))->item->size(), 3U);
  EXPECT_EQ(engine->query(query(0))->count, 40);
  EXPECT_EQ((*engine->query_at_once(query(0)))->count, 40);
}

// Random puts, updates and deletes against a plain map, with the store closed and opened in between.
TEST_F(DurabilityTest, AgreesWithAMapOverReopens) {
  std::mt19937 random(17);
  std::map<std::pair<int, int>, std::int64_t> model;
  for (int round = 0; round < 4; ++round) {
    const auto store = open();
    ASSERT_TRUE(store);
    TestEngine engine(*store);
    if (round == 0) ASSERT_TRUE(engine.create("docs", Type::N));
    for (int i = 0; i < 150; ++i) {
      const std::pair<int, int> at(static_cast<int>(random() % 4), static_cast<int>(random() % 12) - 6);
      const auto key = key_of(at.first, at.second);
      const auto number = static_cast<std::int64_t>(random() % 1000);
      switch (random() % 3) {
        case 0: {
          Item item = key;
          item["n"] = AttributeValue(Number38(number));
          ASSERT_TRUE(engine.put("docs", item));
          model[at] = number;
          break;
        }
        case 1: {
          Placeholders by{.names = {}, .values = {{{":by", AttributeValue(Number38(number))}}}};
          ASSERT_TRUE(engine.write(
              {.kind = Kind::update, .table = "docs", .key = key, .update = "ADD n :by", .placeholders = by}));
          model[at] += number;
          break;
        }
        default:
          ASSERT_TRUE(engine.remove("docs", key));
          model.erase(at);
      }
    }
    EXPECT_EQ(engine->describe_table("docs")->item_count, std::ssize(model));
    std::map<std::pair<int, int>, std::int64_t> seen;
    for (int pk = 0; pk < 4; ++pk) {
      Placeholders p{.names = {}, .values = {{{":p", S(std::to_string(pk))}}}};
      const auto page = engine->query({.table = "docs", .key_condition = "pk = :p", .placeholders = p});
      ASSERT_TRUE(page);
      int previous = -100;
      for (const auto& item : page->items) {
        const auto sk = static_cast<int>(*item.at("sk").get_if<Number38>()->as_int64());
        EXPECT_GT(sk, previous);
        previous = sk;
        seen[{pk, sk}] = *item.at("n").get_if<Number38>()->as_int64();
      }
    }
    EXPECT_EQ(seen, model);
  }
}

// Writes numbered items until it is killed; every number it acknowledged goes down the pipe.
[[noreturn]] void write_until_killed(const std::string& folder, int pipe, int from) {
  auto store = store::open_rocksdb_store(folder + "/db");
  if (!store) _exit(1);
  TestEngine engine(**store);
  if (from == 0 && !engine.create("docs", std::nullopt)) _exit(2);
  for (int i = from;; ++i) {
    engine->write({.kind = Kind::put,
                   .table = "docs",
                   .item = {{"pk", S(std::to_string(i))}, {"data", S(std::string(500, 'x'))}}},
                  [pipe, i](const TablesResult<WriteResult>& result) {
                    if (!result || write(pipe, &i, sizeof i) != sizeof i) _exit(3);
                  });
    if (i % 50 == 49)
      TestEngine::wait<WriteResult>([&](auto done) {
        engine->write({.kind = Kind::update, .table = "docs", .key = {{"pk", S("pace")}}}, std::move(done));
      });
  }
}

TEST_F(DurabilityTest, EveryAcknowledgedWriteIsThereAfterKill9) {
  int next = 0;
  std::vector<int> acknowledged;
  for (int round = 0; round < 4; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      write_until_killed(folder_, ends[1], next);
    }
    close(ends[1]);
    const int enough = 100 + 137 * round;
    int number = 0;
    int seen = 0;
    while (read(ends[0], &number, sizeof number) == sizeof number) {
      acknowledged.push_back(number);
      if (++seen == enough) kill(child, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    ASSERT_GE(seen, enough);
    next = *std::ranges::max_element(acknowledged) + 1;

    const auto store = open();
    ASSERT_TRUE(store);
    TestEngine engine(*store);
    for (const int i : acknowledged) ASSERT_TRUE(engine.get("docs", {{"pk", S(std::to_string(i))}})) << i;
    std::int64_t counted = 0;
    PageRequest request{.table = "docs", .select = Select::count};
    for (;;) {
      const auto page = engine->scan(request);
      ASSERT_TRUE(page);
      counted += page->count;
      if (!page->last) break;
      request.start_after = page->last;
    }
    EXPECT_EQ(engine->describe_table("docs")->item_count, counted);
  }
}

TEST_F(DurabilityTest, ItemsOfADeletedTableAreRemovedEvenAfterARestart) {
  {
    const auto store = open();
    TestEngine engine(*store);
    ASSERT_TRUE(engine.create("docs", std::nullopt));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(engine.put("docs", {{"pk", S(std::to_string(i))}}));
    ASSERT_TRUE(engine.drop("docs"));
  }
  const auto store = open();
  TestEngine engine(*store);
  ASSERT_TRUE(engine.create("other"));
  // The writer does background work when nobody waits; a write after it shows that it came to rest.
  const auto left = [&] {
    const auto snapshot = store->snapshot();
    const auto cursor = snapshot->cursor(store::Space::tables, "", "");
    cursor->seek_first();
    return cursor->valid();
  };
  for (int i = 0; i < 1000 && left(); ++i)
    ASSERT_TRUE(engine.put("other", {{"pk", S("x")}, {"sk", S("y")}}) &&
                engine.remove("other", {{"pk", S("x")}, {"sk", S("y")}}));
  EXPECT_FALSE(left());
}

}  // namespace
}  // namespace lambent::tables
