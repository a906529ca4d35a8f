#include "store/blob_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/files.h"

namespace lambent::store {
namespace {

class BlobStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "blobs-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(BlobStoreTest, NamesABlobByItsContent) {
  auto blobs = BlobStore::open(folder_);
  ASSERT_TRUE(blobs);
  const auto digest = blobs->put("abc");
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*read_file(blobs->path_of(*digest)), "abc");
  EXPECT_EQ(*blobs->put("abc"), *digest);
  EXPECT_EQ(blobs->list()->size(), 1U);
  EXPECT_TRUE(blobs->open_blob(*digest)->valid());
  ASSERT_TRUE(blobs->remove(*digest));
  EXPECT_EQ(blobs->open_blob(*digest).error().code, ENOENT);
  EXPECT_TRUE(blobs->remove(*digest));
}

TEST_F(BlobStoreTest, RefusesNamesThatAreNoDigest) {
  auto blobs = BlobStore::open(folder_);
  ASSERT_TRUE(blobs);
  for (const std::string name :
       {"", "../../etc/passwd", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"}) {
    EXPECT_EQ(blobs->open_blob(name).error().code, EINVAL) << name;
    EXPECT_EQ(blobs->remove(name).error().code, EINVAL) << name;
  }
}

TEST_F(BlobStoreTest, RemovesWhatAnInterruptedPutLeft) {
  ASSERT_TRUE(BlobStore::open(folder_));
  ASSERT_TRUE(write_file_durably(folder_ + "/tmp/put-abc", "half"));
  auto blobs = BlobStore::open(folder_);
  ASSERT_TRUE(blobs);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/tmp"));
  EXPECT_TRUE(blobs->list()->empty());
}

TEST_F(BlobStoreTest, AFailedPutLeavesNothing) {
  auto blobs = BlobStore::open(folder_);
  ASSERT_TRUE(blobs);
  ASSERT_TRUE(write_file_durably(folder_ + "/sha256/ba", "a file where the shelf should be"));
  EXPECT_FALSE(blobs->put("abc"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/tmp"));
}

TEST_F(BlobStoreTest, SeveralThreadsMayPutTheSameBytes) {
  auto blobs = BlobStore::open(folder_);
  ASSERT_TRUE(blobs);
  const std::string bytes(100'000, 'x');
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(blobs->put(bytes)); });
    }
  }
  EXPECT_EQ(blobs->list()->size(), 1U);
  EXPECT_EQ(*read_file(blobs->path_of(sha256_hex(bytes))), bytes);
}

}  // namespace
}  // namespace lambent::store
