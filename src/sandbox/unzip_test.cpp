#include "sandbox/unzip.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/fd.h"
#include "base/files.h"

namespace lambent::sandbox {
namespace {

struct Entry {
  std::string name;
  std::string content;
  unsigned mode = 0;  // 0: as an archive made on no Unix
  bool is_encrypted = false;
};

class Unzip : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/unzip-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    ASSERT_TRUE(make_folders(destination()));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string destination() const { return folder_ + "/out"; }
  [[nodiscard]] std::string archive() const { return folder_ + "/a.zip"; }

  // libzip refuses bad names too, so names are written under a stand-in of the same length and patched in the bytes.
  void make_zip(const std::vector<Entry>& entries) const {
    std::filesystem::remove(archive());
    int code = 0;
    zip_t* zip = zip_open(archive().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    ASSERT_NE(zip, nullptr);
    std::vector<std::pair<std::string, std::string>> patches;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto& entry = entries[i];
      std::string stand_in = entry.name;
      if (entries.size() > 1 || entry.name.find("..") != std::string::npos || entry.name[0] == '/') {
        for (char& c : stand_in) c = c == '/' && &c != &stand_in.front() ? '/' : static_cast<char>('A' + i % 26);
        patches.emplace_back(stand_in, entry.name);
      }
      zip_source_t* source = zip_source_buffer(zip, entry.content.data(), entry.content.size(), 0);
      const auto index = zip_file_add(zip, stand_in.c_str(), source, ZIP_FL_ENC_UTF_8);
      ASSERT_GE(index, 0) << zip_strerror(zip) << " " << stand_in;
      const auto at = static_cast<zip_uint64_t>(index);
      if (entry.mode != 0) zip_file_set_external_attributes(zip, at, 0, ZIP_OPSYS_UNIX, entry.mode << 16U);
      if (entry.is_encrypted) zip_file_set_encryption(zip, at, ZIP_EM_AES_256, "password");
    }
    ASSERT_EQ(zip_close(zip), 0) << zip_strerror(zip);
    change_archive([&](std::string& bytes) {
      for (const auto& [from, to] : patches) {
        for (auto found = bytes.find(from); found != std::string::npos; found = bytes.find(from, found + 1)) {
          bytes.replace(found, from.size(), to);
        }
      }
    });
  }

  void change_archive(const std::function<void(std::string&)>& change) const {
    auto bytes = read_file(archive()).value_or("");
    change(bytes);
    ASSERT_TRUE(write_file_durably(archive(), bytes));
  }

  std::expected<UnpackReport, UnpackError> run(const UnpackLimits& limits = {}) const {
    const UniqueFd zip(open(archive().c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd folder(open(destination().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return unzip(zip.get(), folder.get(), limits);
  }

  // The failure, after a check that nothing stayed in the destination.
  UnpackFailure failure(const UnpackLimits& limits = {}) const {
    const auto outcome = run(limits);
    if (outcome) return UnpackFailure::none;
    EXPECT_TRUE(std::filesystem::is_empty(destination())) << outcome.error().detail;
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/evil"));
    return outcome.error().failure;
  }

  [[nodiscard]] unsigned mode_of(const std::string& name) const {
    struct stat info{};
    EXPECT_EQ(lstat((destination() + "/" + name).c_str(), &info), 0) << name;
    return info.st_mode;
  }

  std::string folder_;
};

TEST_F(Unzip, WritesFilesFoldersAndLinksWithTheirModes) {
  make_zip({{"app.py", "print(1)"},
            {"bin/run", "#!/bin/sh", S_IFREG | 0750},
            {"setuid", "x", S_IFREG | 06755},
            {"empty/", "", S_IFDIR | 0700},
            {"node_modules/.bin/x", "../pkg/x.js", S_IFLNK | 0777},
            {"node_modules/pkg/x.js", "js", S_IFREG | 0600}});
  const auto outcome = run();
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->entries, 6U);
  EXPECT_EQ(mode_of("app.py"), S_IFREG | 0644U);
  EXPECT_EQ(mode_of("bin/run"), S_IFREG | 0755U);
  EXPECT_EQ(mode_of("setuid"), S_IFREG | 0755U);
  EXPECT_EQ(mode_of("empty"), S_IFDIR | 0755U);
  EXPECT_EQ(mode_of("bin"), S_IFDIR | 0755U);
  EXPECT_EQ(read_file(destination() + "/node_modules/.bin/x").value_or(""), "js");
}

TEST_F(Unzip, RefusesNamesThatLeaveTheFolder) {
  for (const char* name : {"../evil", "a/../../evil", "/tmp/evil", "a\\..\\evil", "C:\\evil", "C:/evil", "./evil",
                           "a//b", "a/./b", "..", "a/.."}) {
    make_zip({{name, "x"}});
    EXPECT_EQ(failure(), UnpackFailure::unsafe_path) << name;
  }
}

TEST_F(Unzip, RefusesNamesWithControlCharacters) {
  make_zip({{"a\nb", "x"}});
  EXPECT_EQ(failure(), UnpackFailure::unsafe_path);
}

TEST_F(Unzip, RefusesNamesThatAreTooLong) {
  make_zip({{std::string(256, 'n'), "x"}});
  EXPECT_EQ(failure(), UnpackFailure::name_too_long);
  std::string deep;
  for (int i = 0; i < 50; ++i) deep += std::string(99, 'd') + "/";
  make_zip({{deep + "f", "x"}});
  EXPECT_EQ(failure(), UnpackFailure::name_too_long);
}

TEST_F(Unzip, RefusesLinksThatLeaveTheFolder) {
  for (const char* target : {"/etc/passwd", "..", "../x", "a/../../x", "", "a/.."}) {
    make_zip({{"link", target, S_IFLNK | 0777}});
    EXPECT_EQ(failure(), UnpackFailure::unsafe_link) << target;
  }
}

TEST_F(Unzip, NeverWritesThroughALinkOfTheArchive) {
  make_zip({{"d", ".", S_IFLNK | 0777}, {"d/evil", "x"}});
  EXPECT_EQ(failure(), UnpackFailure::duplicate);
  make_zip({{"d/file", "x"}, {"d", "other", S_IFLNK | 0777}});
  EXPECT_EQ(failure(), UnpackFailure::duplicate);
}

TEST_F(Unzip, RefusesDevicesPipesAndSockets) {
  for (const unsigned kind : {S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK}) {
    make_zip({{"node", "", kind | 0666}});
    EXPECT_EQ(failure(), UnpackFailure::unsafe_kind) << kind;
  }
}

TEST_F(Unzip, RefusesNamesWithANul) {
  make_zip({{"aXb", "x"}});
  change_archive([](std::string& bytes) {
    for (auto at = bytes.find("aXb"); at != std::string::npos; at = bytes.find("aXb", at)) bytes[at + 1] = '\0';
  });
  EXPECT_EQ(failure(), UnpackFailure::unsafe_path);
}

TEST_F(Unzip, RefusesAnArchiveWithTwoReadings) {
  make_zip({{"first", "x"}, {"another", "y"}});
  const auto first = read_file(archive()).value_or("");
  make_zip({{"second", "x"}, {"other", "y"}});
  const auto second = read_file(archive()).value_or("");
  const auto try_with = [&](const std::string& bytes) {
    change_archive([&](std::string& all) { all = bytes; });
    return failure();
  };
  EXPECT_EQ(try_with(second), UnpackFailure::none);
  EXPECT_EQ(try_with(first + second), UnpackFailure::corrupt)
      << "the last directory's place is counted from its own start";
  EXPECT_EQ(try_with(second + "more"), UnpackFailure::not_a_zip);
  // The first archive as the second's comment: both ends end with the file.
  std::string with_comment = second;
  with_comment[second.size() - 2] = static_cast<char>(first.size() & 0xFFU);
  with_comment[second.size() - 1] = static_cast<char>(first.size() >> 8U);
  EXPECT_EQ(try_with(with_comment + first), UnpackFailure::corrupt);
}

TEST_F(Unzip, RefusesTwoEntriesOfOneName) {
  make_zip({{"same", "1"}, {"same", "2"}});
  EXPECT_NE(failure(), UnpackFailure::none);
  make_zip({{"file", "1"}, {"file/below", "2"}});
  EXPECT_EQ(failure(), UnpackFailure::duplicate);
}

TEST_F(Unzip, RefusesEncryptedEntries) {
  make_zip({{"secret", "content", 0, true}});
  EXPECT_EQ(failure(), UnpackFailure::encrypted);
}

TEST_F(Unzip, CountsTheBytesThatComeOut) {
  make_zip({{"zeros", std::string(3'000'000, '\0')}, {"more", std::string(3'000'000, '\0')}});
  EXPECT_EQ(failure({.unzipped_bytes = 5'999'999}), UnpackFailure::too_many_bytes);
  EXPECT_EQ(failure({.unzipped_bytes = 6'000'000}), UnpackFailure::none);
}

TEST_F(Unzip, RefusesTooManyEntries) {
  make_zip({{"aaaa", ""}, {"bbbb", ""}, {"cccc", ""}});
  EXPECT_EQ(failure({.entries = 2}), UnpackFailure::too_many_entries);
  EXPECT_EQ(failure({.entries = 3}), UnpackFailure::none);
}

TEST_F(Unzip, RefusesWhatIsNoZip) {
  ASSERT_TRUE(write_file_durably(archive(), ""));
  EXPECT_EQ(failure(), UnpackFailure::not_a_zip);
  ASSERT_TRUE(write_file_durably(archive(), std::string(100'000, 'x')));
  EXPECT_EQ(failure(), UnpackFailure::not_a_zip);
}

TEST_F(Unzip, RefusesATruncatedArchiveAtEveryLength) {
  make_zip({{"app.py", std::string(500, 'a') + "tail"}});
  const std::string whole = read_file(archive()).value_or("");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    ASSERT_TRUE(write_file_durably(archive(), whole.substr(0, length)));
    const auto outcome = failure();
    EXPECT_TRUE(outcome == UnpackFailure::not_a_zip || outcome == UnpackFailure::corrupt) << length;
  }
}

TEST_F(Unzip, RefusesContentThatDoesNotMatchItsChecksum) {
  make_zip({{"app.py", "some content that is stored"}});
  change_archive([](std::string& bytes) {
    const auto at = bytes.find("app.py") + 8;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
  });
  EXPECT_EQ(failure(), UnpackFailure::corrupt);
}

TEST_F(Unzip, AnEmptyArchiveIsReportedAsSuch) {
  const std::string end = std::string("PK\5\6", 4) + std::string(18, '\0');
  ASSERT_TRUE(write_file_durably(archive(), end));
  const auto outcome = run();
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->entries, 0U);
}

TEST(LinkInside, AllowsOnlyLeadingStepsUpWithinTheFolder) {
  EXPECT_TRUE(is_link_inside("a", "b"));
  EXPECT_TRUE(is_link_inside("a", "b/c/./d"));
  EXPECT_TRUE(is_link_inside("x/y/a", "../../b"));
  EXPECT_FALSE(is_link_inside("x/y/a", "../../../b"));
  EXPECT_FALSE(is_link_inside("a", "b/../c"));
  EXPECT_FALSE(is_link_inside("x/a", "d/d/d/../../../../.."));
  EXPECT_FALSE(is_link_inside("a", "/b"));
  EXPECT_FALSE(is_link_inside("a", std::string_view("b\0c", 3)));
}

}  // namespace
}  // namespace lambent::sandbox
