#include "store/rocksdb_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"

namespace lambent::store {
namespace {

class RocksDbStore : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "rocks-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<KeyValueStore> open() {
    auto opened = open_rocksdb_store(folder_ + "/db");
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }
  static Result<> put(KeyValueStore& store, const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.put(Space::tables, key, value);
    return store.commit(batch, Durability::sync);
  }
  [[nodiscard]] std::string newest_log() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/db")) {
      if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
    }
    return newest;
  }
  std::string folder_;
};

// Runs `work` in a child that ends without any destructor, as kill -9 would end it.
template <class Work>
void in_killed_child(Work work) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(RocksDbStore, KeepsWhatWasCommittedWhenTheProcessIsKilled) {
  in_killed_child([&] {
    auto store = open();
    for (int i = 0; i < 100; ++i) {
      if (!put(*store, "k" + std::to_string(i), "v")) _exit(1);
    }
    WriteBatch batch;
    batch.put(Space::catalog, "unsynced", "v");
    if (!store->commit(batch, Durability::nosync)) _exit(1);
  });
  const auto store = open();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(*store->get(Space::tables, "k" + std::to_string(i))) << i;
  EXPECT_TRUE(*store->get(Space::catalog, "unsynced"));
}

TEST_F(RocksDbStore, ATornEndOfTheLogLosesOnlyTheTornRecord) {
  in_killed_child([&] {
    auto store = open();
    if (!put(*store, "whole", std::string(100, 'a')) || !put(*store, "torn", std::string(100, 'b'))) _exit(1);
  });
  const std::string log = newest_log();
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 10);
  const auto store = open();
  ASSERT_TRUE(store);
  EXPECT_TRUE(*store->get(Space::tables, "whole"));
  EXPECT_FALSE(*store->get(Space::tables, "torn"));
}

TEST_F(RocksDbStore, DamageBeforeTheEndOfTheLogIsRefusedAndNotPassedOver) {
  in_killed_child([&] {
    auto store = open();
    for (int i = 0; i < 50; ++i) {
      if (!put(*store, "k" + std::to_string(i), std::string(100, 'a'))) _exit(1);
    }
  });
  const std::string log = newest_log();
  {
    const UniqueFd fd(::open(log.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(pwrite(fd.get(), "XXXX", 4, 1000), 4);
  }
  const auto refused = open_rocksdb_store(folder_ + "/db");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("Corruption"), std::string::npos) << refused.error().message();

  const auto accepted = open_rocksdb_store(folder_ + "/db", {.accept_damaged_log = true});
  ASSERT_TRUE(accepted) << accepted.error().message();
  EXPECT_TRUE(*(*accepted)->get(Space::tables, "k0"));
  EXPECT_FALSE(*(*accepted)->get(Space::tables, "k49"));
}

TEST_F(RocksDbStore, AMemorySnapshotNeverReadsTheDisk) {
  {
    const auto store = open();
    ASSERT_TRUE(put(*store, "a", "1"));
    EXPECT_EQ(**store->memory_snapshot()->get(Space::tables, "a"), "1");
  }
  const auto store = open();
  const auto from_memory = [&](bool by_cursor) -> Result<std::optional<std::string>> {
    const auto snapshot = store->memory_snapshot();
    if (!by_cursor) return snapshot->get(Space::tables, "a");
    const auto cursor = snapshot->cursor(Space::tables, "", "");
    cursor->seek_first();
    LAMBENT_TRY_VOID(cursor->status());
    return cursor->valid() ? std::optional(std::string(cursor->value())) : std::nullopt;
  };
  for (const bool by_cursor : {false, true}) {
    const auto cold = from_memory(by_cursor);
    ASSERT_FALSE(cold);
    EXPECT_EQ(cold.error().code, EAGAIN);
  }
  EXPECT_EQ(**store->get(Space::tables, "a"), "1");
  for (const bool by_cursor : {false, true}) EXPECT_EQ(**from_memory(by_cursor), "1");
}

TEST_F(RocksDbStore, OpeningAgainAndAgainLeavesFewFiles) {
  ASSERT_TRUE(put(*open(), "k", "v"));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(open());
  EXPECT_EQ(open()->get(Space::tables, "k")->value_or(""), "v");
  const std::filesystem::directory_iterator all(folder_ + "/db");
  EXPECT_LT(std::distance(begin(all), end(all)), 25);
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/db")) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("OPTIONS")) << "nobody reads it";
  }
}

// Of many files RocksDB opens the first few with the store, the others as they are read.
TEST_F(RocksDbStore, AMemorySnapshotTellsNothingOfFilesThatAreNotOpenYet) {
  constexpr int kOpened = 16;  // RocksDB's kInitialLoadLimit
  int files = 0;
  for (int round = 0; round < 3; ++round) {
    const auto store = open();  // writes what the log has into a file for each space
    WriteBatch batch;
    for (std::size_t i = 0; i < kSpaceNames.size(); ++i) {
      batch.put(static_cast<Space>(i), "k" + std::to_string(round), "v");
      batch.put(static_cast<Space>(i), "empty" + std::to_string(round), "");
    }
    ASSERT_TRUE(store->commit(batch, Durability::sync));
  }
  open();  // what this one writes, the next finds
  const auto store = open();
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/db")) {
    files += entry.path().extension() == ".sst" ? 1 : 0;
  }
  ASSERT_GT(files, kOpened);
  for (std::size_t i = 0; i < kSpaceNames.size(); ++i) {
    const auto space = static_cast<Space>(i);
    for (int round = 0; round < 3; ++round) {
      const auto key = "k" + std::to_string(round);
      const auto by_cursor = [&]() -> Result<std::optional<std::string>> {
        const auto snapshot = store->memory_snapshot();
        const auto cursor = snapshot->cursor(space, key, key + "0");
        cursor->seek_first();
        LAMBENT_TRY_VOID(cursor->status());
        return cursor->valid() ? std::optional(std::string(cursor->value())) : std::nullopt;
      };
      for (const auto& found : {store->memory_snapshot()->get(space, key), by_cursor()}) {
        ASSERT_FALSE(found) << kSpaceNames[i] << " " << key << ": " << **found;
        EXPECT_EQ(found.error().code, EAGAIN);
      }
      EXPECT_EQ(*store->get(space, key), "v");
      EXPECT_EQ(**store->memory_snapshot()->get(space, key), "v") << kSpaceNames[i] << " " << key;
      EXPECT_EQ(*store->get(space, "empty" + std::to_string(round)), "");
    }
  }
}

TEST_F(RocksDbStore, RefusesASecondOpener) {
  const auto first = open();
  EXPECT_FALSE(open_rocksdb_store(folder_ + "/db"));
}

TEST_F(RocksDbStore, AFailedWriteIsNotAcknowledgedAndMakesTheStoreReadOnly) {
  const pid_t child = fork();  // the file size limit cannot be taken back, so it is set in a child
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = open();
    if (!put(*store, "before", "v")) _exit(1);
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 64UL << 10, .rlim_max = 64UL << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    if (put(*store, "big", std::string(1 << 20, 'x'))) _exit(2);
    if (!store->failure()) _exit(3);
    const auto later = put(*store, "small", "v");
    if (later || later.error().code != EROFS) _exit(4);
    const auto old = store->get(Space::tables, "before");
    const auto big = store->get(Space::tables, "big");
    if (!old || !*old || !big || *big) _exit(5);
    store.reset();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto store = open();
  EXPECT_TRUE(*store->get(Space::tables, "before"));
  EXPECT_TRUE(put(*store, "after", "v"));
}

}  // namespace
}  // namespace lambent::store
