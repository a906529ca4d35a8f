#include "store/committer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "store/memory_store.h"

namespace lambent::store {
namespace {

WriteBatch one(const std::string& key, const std::string& value) {
  WriteBatch batch;
  batch.put(Space::async_queue, key, value);
  return batch;
}

TEST(Committer, WhatIsHandedInDuringACommitSharesTheNext) {
  MemoryStore store;
  std::latch inside(1), queued(1), all(101);
  Committer committer(store);
  committer.submit(one("first", "v"), Durability::sync, [&](Result<> result) {
    EXPECT_TRUE(result);
    inside.count_down();
    queued.wait();  // the next group gathers meanwhile
    all.count_down();
  });
  inside.wait();
  for (int i = 0; i < 100; ++i) {
    committer.submit(one("k", std::to_string(i)), Durability::sync, [&](Result<> result) {
      EXPECT_TRUE(result);
      all.count_down();
    });
  }
  queued.count_down();
  all.wait();
  EXPECT_EQ(store.synced_commits(), 2U);
  EXPECT_EQ(**store.get(Space::async_queue, "k"), "99");
}

TEST(Committer, AFailedCommitIsReportedToEveryoneInTheGroup) {
  MemoryStore store;
  store.fail_commit(1, EIO);
  std::atomic<int> failed{0};
  {
    Committer committer(store);
    for (int i = 0; i < 10; ++i) {
      committer.submit(one("k" + std::to_string(i), "v"), Durability::sync,
                       [&](const Result<>& result) { failed += !result; });
    }
  }
  EXPECT_EQ(failed, 10);
  EXPECT_FALSE(*store.get(Space::async_queue, "k0"));
}

}  // namespace
}  // namespace lambent::store
