// Tables that change while they live: indexes, expiry, streams, backups; with the engine ended in between.
#include <gtest/gtest.h>

#include "store/memory_store.h"
#include "tables/expiry.h"
#include "tables/test_engine.h"

namespace lambent::tables {
namespace {

using Kind = WriteRequest::Kind;

IndexRequest by_colour() {
  return {.name = "by_colour",
          .global = true,
          .key = {{"colour", true}},
          .projection = IndexDefinition::Projection::all,
          .included = {},
          .throughput = {}};
}

UpdateTableRequest add_by_colour() {
  UpdateTableRequest request{.name = "docs"};
  request.attributes = {{"colour", Type::S}};
  request.new_indexes = {by_colour()};
  return request;
}

UpdateTableRequest stream_of(const std::string& table, std::optional<StreamView> view) {
  UpdateTableRequest request{.name = table};
  request.stream = {view.has_value(), view};
  return request;
}

Item item(const std::string& pk, const std::string& colour) {
  return {{"pk", S(pk)}, {"colour", S(colour)}};
}

std::int64_t count_of(Engine& engine, const std::string& colour) {
  PageRequest request{.table = "docs", .index = "by_colour", .key_condition = "colour = :c"};
  request.placeholders.values = {{":c", S(colour)}};
  std::int64_t count = 0;
  for (;;) {
    const auto page = engine.query(request);
    if (!page) return -1;
    count += page->count;
    if (!page->last) return count;
    request.start_after = page->last;
  }
}

bool is_active(Engine& engine) {
  const auto table = engine.describe_table("docs");
  if (!table) return false;
  for (const auto& index : table->definition->indexes) {
    if (index.state != ViewState::active) return false;
  }
  return true;
}

TEST(LiveIndex, IsFilledFromItemsThatAreThereAndFromWritesThatGoOn) {
  store::MemoryStore store;
  TestEngine engine(store);
  ASSERT_TRUE(engine.create("docs", std::nullopt));
  for (int i = 0; i < 1200; ++i) ASSERT_TRUE(engine.put("docs", item(std::to_string(i), i % 2 ? "red" : "blue")));
  ASSERT_TRUE(engine.put("docs", {{"pk", S("odd one")}, {"colour", N("7")}}))
      << "no index says of which type it is yet";

  const auto answered = engine.update(add_by_colour());
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->definition->index("by_colour")->state, ViewState::creating);
  ASSERT_TRUE(engine.put("docs", item("new", "red")));
  ASSERT_TRUE(engine.put("docs", item("0", "red")));
  ASSERT_TRUE(engine.remove("docs", {{"pk", S("1")}}));
  ASSERT_TRUE(engine.eventually([&] { return is_active(*engine); }));
  EXPECT_EQ(count_of(*engine, "red"), 601);
  EXPECT_EQ(count_of(*engine, "blue"), 599);
  EXPECT_FALSE(engine.put("docs", {{"pk", S("x")}, {"colour", N("7")}})) << "now the index says";
}

TEST(LiveIndex, GoesOnWhereTheEngineEnded) {
  store::MemoryStore store;
  {
    TestEngine engine(store);
    ASSERT_TRUE(engine.create("docs", std::nullopt));
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(engine.put("docs", item(std::to_string(i), "red")));
    ASSERT_TRUE(engine.update(add_by_colour()));
  }
  TestEngine engine(store);
  ASSERT_TRUE(engine.eventually([&] { return is_active(*engine); }));
  EXPECT_EQ(count_of(*engine, "red"), 3000);
}

TEST(LiveIndex, IsRemovedAndMayComeBack) {
  store::MemoryStore store;
  TestEngine engine(store);
  ASSERT_TRUE(engine.create("docs", std::nullopt));
  ASSERT_TRUE(engine.put("docs", item("a", "red")));
  ASSERT_TRUE(engine.update(add_by_colour()));
  ASSERT_TRUE(engine.eventually([&] { return is_active(*engine); }));
  UpdateTableRequest drop{.name = "docs"};
  drop.dropped_indexes = {"by_colour"};
  ASSERT_TRUE(engine.update(drop));
  EXPECT_EQ(count_of(*engine, "red"), -1);
  ASSERT_TRUE(engine.eventually([&] { return engine->describe_table("docs")->definition->indexes.empty(); }));
  EXPECT_EQ(engine->describe_table("docs")->definition->attributes.size(), 1) << "colour is no key any more";
  ASSERT_TRUE(engine.update(add_by_colour()));
  ASSERT_TRUE(engine.eventually([&] { return is_active(*engine); }));
  EXPECT_EQ(count_of(*engine, "red"), 1);
}

TEST(LiveIndex, OneAtATime) {
  store::MemoryStore store;
  TestEngine engine(store);
  ASSERT_TRUE(engine.create("docs", std::nullopt));
  auto two = add_by_colour();
  two.new_indexes.push_back(by_colour());
  two.new_indexes[1].name = "other";
  const auto refused = engine.update(two);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::limit_exceeded);
}

TEST(Expiry, RemovesWhatIsOverdueAndNothingElse) {
  store::MemoryStore store;
  TestEngine engine(store);
  ASSERT_TRUE(engine.create("docs", std::nullopt));
  const auto now = engine.clock().wall_ms() / 1000;
  const auto with_time = [&](const std::string& pk, std::int64_t seconds) {
    return Item{{"pk", S(pk)}, {"ends", AttributeValue(Number38(seconds))}};
  };
  ASSERT_TRUE(engine.put("docs", with_time("before", now - 10)));
  ASSERT_TRUE(engine.put("docs", with_time("ancient", now - kOldestExpiry_s - 10)));
  ASSERT_TRUE(engine.put("docs", {{"pk", S("text")}, {"ends", S("1")}}));
  ASSERT_TRUE(engine.expire("docs", "ends"));
  ASSERT_TRUE(engine.update(stream_of("docs", StreamView::new_and_old_images)));
  ASSERT_TRUE(engine.put("docs", with_time("later", now + 100)));
  ASSERT_TRUE(engine.put("docs", with_time("moved", now + 100)));
  ASSERT_TRUE(engine.put("docs", with_time("moved", now + 5000)));
  ASSERT_TRUE(engine.eventually([&] { return !engine.get("docs", {{"pk", S("before")}}); }));
  EXPECT_TRUE(engine.get("docs", {{"pk", S("later")}}));

  engine.clock().advance(std::chrono::seconds(101));
  ASSERT_TRUE(engine.eventually([&] { return !engine.get("docs", {{"pk", S("later")}}); }));
  for (const auto* kept : {"moved", "ancient", "text"}) EXPECT_TRUE(engine.get("docs", {{"pk", S(kept)}})) << kept;
  EXPECT_EQ(engine->describe_table("docs")->item_count, 3);

  const auto records = engine->read_stream(*engine->streams("docs").at(0), 1, 100);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->back().keys, (Item{{"pk", S("later")}}));
  EXPECT_EQ(records->back().kind, StreamRecord::Kind::remove);
  EXPECT_TRUE(records->back().by_service);
  EXPECT_TRUE(records->back().old_image);
}

TEST(Expiry, IsSwitchedOnAndOff) {
  store::MemoryStore store;
  TestEngine engine(store);
  ASSERT_TRUE(engine.create("docs", std::nullopt));
  EXPECT_FALSE(engine.expire("docs", "ends", false)) << "it is off already";
  ASSERT_TRUE(engine.expire("docs", "ends"));
  ASSERT_TRUE(
      engine.eventually([&] { return engine->describe_table("docs")->definition->ttl->state == ViewState::active; }));
  EXPECT_FALSE(engine.expire("docs", "other", false)) << "another attribute";
  ASSERT_TRUE(engine.expire("docs", "ends", false));
  ASSERT_TRUE(engine.eventually([&] { return !engine->describe_table("docs")->definition->ttl; }));
  const auto now = engine.clock().wall_ms() / 1000;
  ASSERT_TRUE(engine.put("docs", {{"pk", S("a")}, {"ends", AttributeValue(Number38(now - 5))}}));
  for (int i = 0; i < 5; ++i) engine->tick();
  ASSERT_TRUE(engine.put("docs", {{"pk", S("b")}}));
  EXPECT_TRUE(engine.get("docs", {{"pk", S("a")}}));
}

TEST(Streams, TellEveryChangeInOrderWithItsImages) {
  store::MemoryStore store;
  TestEngine engine(store);
  ASSERT_TRUE(engine.create("docs", std::nullopt));
  std::vector<std::uint64_t> told;
  ASSERT_TRUE(engine.put("docs", item("before", "red"))) << "not recorded";
  ASSERT_TRUE(engine.update(stream_of("docs", StreamView::new_and_old_images)));
  ASSERT_TRUE(engine.put("docs", item("a", "red")));
  ASSERT_TRUE(engine.put("docs", item("a", "red"))) << "no change, no record";
  ASSERT_TRUE(engine.put("docs", item("a", "blue")));
  ASSERT_TRUE(engine.remove("docs", {{"pk", S("a")}}));
  ASSERT_TRUE(engine.remove("docs", {{"pk", S("a")}})) << "nothing there, no record";
  const auto stream = engine->streams("docs").at(0);
  const auto records = engine->read_stream(*stream, 1, 100);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 3);
  EXPECT_EQ(records->at(0).kind, StreamRecord::Kind::insert);
  EXPECT_FALSE(records->at(0).old_image);
  EXPECT_EQ(records->at(0).new_image, item("a", "red"));
  EXPECT_EQ(records->at(1).kind, StreamRecord::Kind::modify);
  EXPECT_EQ(records->at(1).old_image, item("a", "red"));
  EXPECT_EQ(records->at(1).new_image, item("a", "blue"));
  EXPECT_EQ(records->at(2).kind, StreamRecord::Kind::remove);
  EXPECT_EQ(records->at(2).sequence, 3);
  EXPECT_EQ(engine->read_stream(*stream, 2, 1)->at(0).sequence, 2);
  EXPECT_FALSE(engine.update(stream_of("docs", StreamView::keys_only))) << "it has one";
  ASSERT_TRUE(engine.update(stream_of("docs", std::nullopt)));
  ASSERT_TRUE(engine.put("docs", item("after", "red")));
  EXPECT_EQ(engine->read_stream(*stream, 1, 100)->size(), 3);
  EXPECT_NE(stream->closed_ms.load(), 0);
}

TEST(Streams, GoOnAfterARestartAndAreTrimmedAfterADay) {
  store::MemoryStore store;
  {
    TestEngine engine(store);
    ASSERT_TRUE(engine.create("docs", std::nullopt));
    ASSERT_TRUE(engine.update(stream_of("docs", StreamView::keys_only)));
    ASSERT_TRUE(engine.put("docs", item("a", "red")));
  }
  TestEngine engine(store);
  const auto stream = engine->streams("docs").at(0);
  ASSERT_TRUE(engine.put("docs", item("b", "red")));
  auto records = engine->read_stream(*stream, 1, 100);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2);
  EXPECT_EQ(records->at(1).sequence, 2);
  EXPECT_FALSE(records->at(1).new_image) << "keys only";

  engine.clock().advance(std::chrono::hours(20));
  ASSERT_TRUE(engine.put("docs", item("c", "red")));
  engine.clock().advance(std::chrono::hours(5));
  ASSERT_TRUE(engine.eventually([&] { return stream->first == 3; }));
  EXPECT_EQ(engine->read_stream(*stream, 3, 100)->size(), 1);
  const auto trimmed = engine->read_stream(*stream, 1, 100);
  ASSERT_FALSE(trimmed);
  EXPECT_EQ(trimmed.error().kind, ErrorKind::trimmed_data);

  ASSERT_TRUE(engine.drop("docs"));
  ASSERT_EQ(engine->streams("docs").size(), 1) << "it outlives its table";
  engine.clock().advance(std::chrono::hours(25));
  EXPECT_TRUE(engine.eventually([&] { return engine->streams("docs").empty(); }));
}

TEST(Backups, HoldTheTableAsItWasAndBringItBack) {
  store::MemoryStore store;
  std::string id;
  {
    TestEngine engine(store);
    ASSERT_TRUE(engine.create("docs", std::nullopt, {by_colour()}, {{"colour", Type::S}}));
    for (int i = 0; i < 1100; ++i) ASSERT_TRUE(engine.put("docs", item(std::to_string(i), "red")));
    const auto made = engine.back_up("docs");
    ASSERT_TRUE(made) << made.error().message;
    id = (*made)->id;
    ASSERT_TRUE(engine.put("docs", item("too late", "red")));
    ASSERT_TRUE(engine.eventually([&] { return (*engine->describe_backup(id))->available; }));
    EXPECT_EQ((*engine->describe_backup(id))->items, 1100);
    ASSERT_TRUE(engine.drop("docs"));
    const auto restored = engine.restore(id, "docs");
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->status, TableStatus::creating);
  }
  TestEngine engine(store);
  ASSERT_TRUE(engine.eventually([&] { return engine->describe_table("docs")->status == TableStatus::active; }));
  EXPECT_EQ(count_of(*engine, "red"), 1100);
  EXPECT_EQ(engine->describe_table("docs")->item_count, 1100);
  EXPECT_FALSE(engine.get("docs", {{"pk", S("too late")}}));
  const auto again = engine.restore(id, "docs");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::target_exists);
  const auto deleted = TestEngine::wait<BackupPtr>([&](auto done) { engine->delete_backup(id, std::move(done)); });
  EXPECT_TRUE(deleted);
  EXPECT_FALSE(engine->describe_backup(id));
}

TEST(Backups, ThatWereNotDoneAreMadeAnew) {
  store::MemoryStore store;
  std::string id;
  {
    TestEngine engine(store);
    ASSERT_TRUE(engine.create("docs", std::nullopt));
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(engine.put("docs", item(std::to_string(i), "red")));
    id = (*engine.back_up("docs"))->id;
  }
  TestEngine engine(store);
  ASSERT_TRUE(engine.eventually([&] { return (*engine->describe_backup(id))->available; }));
  EXPECT_EQ((*engine->describe_backup(id))->items, 3000);
}

}  // namespace
}  // namespace lambent::tables
