#include "telemetry/denied_calls.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.h"

namespace lambent::telemetry {
namespace {

const DeniedCalls::Name kMount{"python", "mount", "EPERM"};

TEST(DeniedCalls, CountEachCallOfEachFunction) {
  DeniedCalls calls;
  EXPECT_TRUE(calls.add("f", kMount, 2, 1000));
  EXPECT_FALSE(calls.add("f", kMount, 3, 3000));
  EXPECT_FALSE(calls.add("f", kMount, 1, 2000)) << "a clock that was set back";
  EXPECT_TRUE(calls.add("g", kMount, 1, 4000));
  EXPECT_EQ(calls.functions().at("f").calls.at(kMount), (DeniedCalls::Seen{6, 3000}));
  EXPECT_EQ(calls.functions().at("g").last_ms, 4000);
}

TEST(DeniedCalls, AreBoundedInCallsAndInFunctions) {
  DeniedCalls calls;
  for (int i = 0; i < 5000; ++i) calls.add("f", {"python", fmt::format("call {}", i), "ENOSYS"}, 1, i);
  const auto& one = calls.functions().at("f").calls;
  EXPECT_EQ(one.size(), DeniedCalls::kCallsOfFunction + 1);
  EXPECT_EQ(one.at({"python", std::string(DeniedCalls::kOthers), "refused"}).count,
            5000 - DeniedCalls::kCallsOfFunction);
  for (int i = 0; i < 1000; ++i) calls.add(fmt::format("g{}", i), kMount, 1, 10'000 + i);
  EXPECT_EQ(calls.functions().size(), DeniedCalls::kFunctions);
  EXPECT_FALSE(calls.functions().contains("f")) << "the one that was quiet longest goes";
  EXPECT_TRUE(calls.functions().contains("g999"));
}

TEST(DeniedCalls, AreReadAsTheyWereWritten) {
  DeniedCalls calls;
  EXPECT_EQ(DeniedCalls::parse(calls.text()), calls);
  calls.add("f", kMount, 2, 1000);
  calls.add("f", {"ruby", "32-bit call 20", "killed"}, 1, 1001);
  calls.note_lost(77);
  EXPECT_EQ(DeniedCalls::parse(calls.text()), calls);
}

TEST(DeniedCalls, TheFullTableFitsTheFile) {
  DeniedCalls calls;
  const std::string name(64, 'n');
  for (std::size_t i = 0; i < DeniedCalls::kFunctions; ++i) {
    for (int call = 0; call < 100; ++call) {
      calls.add(fmt::format("{}{}", name, i),
                {"provided", fmt::format("call {}", 1'000'000'000 + call), "EPERM or ENOSYS"}, UINT64_MAX, INT64_MAX);
    }
  }
  EXPECT_LT(calls.text().size(), DeniedCalls::kFileBytes);
  EXPECT_TRUE(DeniedCalls::parse(calls.text()));
}

TEST(DeniedCalls, ANotQuiteRightTextIsNoTable) {
  const std::string head = "lambent denied calls 1\t0\n";
  EXPECT_TRUE(DeniedCalls::parse(head));
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("lambent denied calls 1\t0"),
        std::string("lambent denied calls 2\t0\n"), std::string("lambent denied calls 1\t-1\n"), head + "\n",
        head + "f\tpython\tmount\tEPERM\t1\n", head + "f\tpython\tmount\tEPERM\t01\t1\n",
        head + "f\tpython\tmount\tEPERM\t-1\t1\n", head + "f\tpython\t\x1b[2J\tEPERM\t1\t1\n",
        head + "f\t\tmount\tEPERM\t1\t1\n", head + std::string(141, 'f') + "\tpython\tmount\tEPERM\t1\t1\n"}) {
    EXPECT_FALSE(DeniedCalls::parse(text)) << text;
  }
}

TEST(DeniedCalls, TheFileMayBeAbsentAndIsNothingButAFile) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("lambent-denied-{}", getpid());
  std::filesystem::create_directory(folder);
  const std::string path = DeniedCalls::path_in(folder);
  EXPECT_EQ(DeniedCalls::load(path), DeniedCalls());
  DeniedCalls calls;
  calls.add("f", kMount, 2, 1000);
  ASSERT_TRUE(write_file_durably(path, calls.text()));
  EXPECT_EQ(DeniedCalls::load(path), calls);
  std::filesystem::rename(path, path + ".other");
  std::filesystem::create_symlink(path + ".other", path);
  EXPECT_FALSE(DeniedCalls::load(path));
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(DeniedCalls::load(path));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lambent::telemetry
