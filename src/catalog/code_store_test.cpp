#include "catalog/code_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "catalog/test_catalog.h"

namespace lambent::catalog {
namespace {

namespace fs = std::filesystem;

std::size_t entries_in(const std::string& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

class CodeStoreTest : public testing::Test {
 protected:
  std::string code_folder() const { return t.folder.path() + "/code"; }
  // Lets removals that were started come to their end.
  void settle() { t.run(t.code->put("EMPTY")); }
  TestCatalog t;
};

TEST_F(CodeStoreTest, UnpacksAPackageAndKeepsItsZip) {
  const auto package = t.run(t.code->put("PK one"));
  ASSERT_TRUE(package);
  EXPECT_EQ((*package)->digest, store::sha256_hex("PK one"));
  EXPECT_EQ((*package)->zip_bytes, 6U);
  EXPECT_TRUE(fs::exists((*package)->folder + "/content"));
  EXPECT_EQ(t.run(t.code->read_zip((*package)->digest)), "PK one");
}

TEST_F(CodeStoreTest, SharesOnePackageBetweenEqualZips) {
  const auto one = t.run(t.code->put("PK same"));
  const auto two = t.run(t.code->put("PK same"));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->get(), two->get());
  EXPECT_EQ(t.unpacker.calls, 1);
}

TEST_F(CodeStoreTest, SharesOnePackageBetweenTwoUploadsAtTheSameTime) {
  net::Scope scope;
  std::vector<CodePackagePtr> packages;
  const auto upload = [](CodeStore& code, std::vector<CodePackagePtr>& out, net::Loop& loop) -> net::Task<> {
    auto package = co_await code.put("PK twice");
    out.push_back(package.value_or(nullptr));
    if (out.size() == 2) loop.stop();
  };
  scope.spawn(upload(*t.code, packages, t.loop));
  scope.spawn(upload(*t.code, packages, t.loop));
  t.loop.run();
  ASSERT_TRUE(packages.at(0));
  EXPECT_EQ(packages.at(0), packages.at(1));
  EXPECT_EQ(t.unpacker.calls, 1);
}

TEST_F(CodeStoreTest, LeavesNothingOfARefusedPackage) {
  const std::pair<const char*, CodeError::Kind> cases[] = {{"garbage", CodeError::Kind::not_a_zip},
                                                           {"EMPTY", CodeError::Kind::empty},
                                                           {"LARGE", CodeError::Kind::too_large},
                                                           {"FAIL", CodeError::Kind::storage}};
  for (const auto& [zip, kind] : cases) {
    const auto package = t.run(t.code->put(zip));
    ASSERT_FALSE(package) << zip;
    EXPECT_EQ(package.error().kind, kind) << zip;
  }
  EXPECT_EQ(entries_in(code_folder()), 0U);
  EXPECT_TRUE(t.blobs->list()->empty());
}

TEST_F(CodeStoreTest, RemovesAPackageThatNoRecordAndNoInstanceHolds) {
  auto package = *t.run(t.code->put("PK gone"));
  const auto digest = package->digest;
  package.reset();
  t.run(t.code->close());
  EXPECT_EQ(entries_in(code_folder()), 0U);
  EXPECT_FALSE(*t.blobs->contains(digest));
}

TEST_F(CodeStoreTest, KeepsAPackageThatIsUploadedAgainWhileItIsRemoved) {
  auto package = *t.run(t.code->put("PK back"));
  package.reset();
  const auto again = t.run(t.code->put("PK back"));
  ASSERT_TRUE(again);
  settle();
  EXPECT_TRUE(fs::exists((*again)->folder + "/content"));
  EXPECT_TRUE(*t.blobs->contains((*again)->digest));
}

TEST_F(CodeStoreTest, SweepsAtStartWhatNoFunctionNames) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("kept"), "PK kept"));
  const auto kept = t.catalog->find("kept")->code_digest;
  fs::create_directories(code_folder() + "/tmp-0011");
  std::ofstream(code_folder() + "/tmp-0011/half") << "half";
  fs::create_directories(code_folder() + "/" + std::string(64, 'a'));
  ASSERT_TRUE(t.blobs->put("PK orphan"));
  t.restart(false);
  EXPECT_EQ(entries_in(code_folder()), 1U);
  EXPECT_TRUE(fs::exists(code_folder() + "/" + kept + "/content"));
  EXPECT_EQ(*t.blobs->list(), std::vector<std::string>{kept});
}

TEST_F(CodeStoreTest, UnpacksAgainAtStartWhatIsMissing) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("f"), "PK f"));
  const auto folder = t.catalog->find("f")->code->folder;
  fs::remove_all(folder);
  t.restart();
  EXPECT_TRUE(fs::exists(folder + "/content"));
  EXPECT_FALSE(t.start_failure);
}

TEST_F(CodeStoreTest, SaysWhichPackageIsLost) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("f"), "PK f"));
  const auto digest = t.catalog->find("f")->code_digest;
  fs::remove_all(t.catalog->find("f")->code->folder);
  ASSERT_TRUE(t.blobs->remove(digest));
  t.restart();
  ASSERT_TRUE(t.start_failure);
  EXPECT_EQ(t.start_failure->target, digest);
}

TEST_F(CodeStoreTest, KeepsPackagesWhenTheServerEnds) {
  ASSERT_TRUE(t.put_function(TestCatalog::named("f"), "PK f"));
  const auto folder = t.catalog->find("f")->code->folder;
  t.restart(false);
  EXPECT_EQ(t.unpacker.calls, 1);
  EXPECT_TRUE(fs::exists(folder + "/content"));
}

TEST(CodeSha256, IsTheDigestInBase64) {
  EXPECT_EQ(code_sha256_base64(store::sha256_hex("")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

}  // namespace
}  // namespace lambent::catalog
