#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace lambent {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    char pattern[] = "/tmp/lambent-files-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(Files, DurableWritesReplaceTheWholeContentAndLeaveNoTemporary) {
  const std::string path = folder_ + "/x";
  ASSERT_TRUE(write_file_durably(path, "a long first content", 0600));
  ASSERT_TRUE(write_file_durably(path, "short", 0600));
  EXPECT_EQ(read_file(path).value(), "short");
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(Files, AFailedWriteNamesStepPathAndErrno) {
  const auto written = write_file_durably(folder_ + "/none/x", "content");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOENT);
  EXPECT_NE(written.error().message().find("/none/x"), std::string::npos);
}

TEST_F(Files, ReadingStopsAtTheLimit) {
  const std::string path = folder_ + "/big";
  ASSERT_TRUE(write_file_durably(path, std::string(100'000, 'x')));
  EXPECT_FALSE(read_file(path, 99'999));
  EXPECT_TRUE(read_file(path, 100'000));
}

TEST_F(Files, FoldersAreMadeWithTheirParents) {
  ASSERT_TRUE(make_folders(folder_ + "/a/b/c"));
  ASSERT_TRUE(make_folders(folder_ + "/a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/a/b/c"));
}

}  // namespace
}  // namespace lambent
