#include "catalog/merge_folders.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/test_folder.h"

namespace lambent::catalog {
namespace {

namespace fs = std::filesystem;

class MergeFolders : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    fs::create_directories((fs::path(folder.path()) / path).parent_path());
    std::ofstream(fs::path(folder.path()) / path) << text;
  }
  std::string get(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(fs::path(folder.path()) / "out" / path).rdbuf();
    return text.str();
  }
  Result<> merge() { return merge_folders({folder.path() + "/one", folder.path() + "/two"}, folder.path() + "/out"); }
  TestFolder folder;
};

TEST_F(MergeFolders, LaterOnesHideEarlierOnes) {
  put("one/python/a.py", "1");
  put("one/python/b.py", "1");
  put("two/python/b.py", "2");
  put("two/lib/c.so", "2");
  const auto merged = merge();
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(get("python/a.py"), "1");
  EXPECT_EQ(get("python/b.py"), "2");
  EXPECT_EQ(get("lib/c.so"), "2");
}

TEST_F(MergeFolders, ReplacesThingsOfAnotherKindAndFollowsNoLink) {
  put("one/x/file", "1");
  put("one/y", "1");
  put("outside/secret", "s");
  fs::create_symlink(folder.path() + "/outside", folder.path() + "/one/link");
  put("two/x", "2");
  put("two/y/file", "2");
  put("two/link/secret", "2");
  fs::create_symlink("x", folder.path() + "/two/also-x");
  ASSERT_TRUE(merge());
  EXPECT_EQ(get("x"), "2");
  EXPECT_EQ(get("y/file"), "2");
  EXPECT_EQ(get("link/secret"), "2");
  EXPECT_TRUE(fs::is_symlink(folder.path() + "/out/also-x"));
  std::stringstream secret;
  secret << std::ifstream(folder.path() + "/outside/secret").rdbuf();
  EXPECT_EQ(secret.str(), "s");
}

TEST_F(MergeFolders, SaysWhatIsMissing) {
  const auto merged = merge();
  ASSERT_FALSE(merged);
  EXPECT_NE(merged.error().message().find("/one"), std::string::npos);
}

}  // namespace
}  // namespace lambent::catalog
