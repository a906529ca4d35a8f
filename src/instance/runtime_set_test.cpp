#include "instance/runtime_set.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace lambent::instance {
namespace {

class RuntimeSetTest : public testing::Test {
 protected:
  RuntimeSetTest() {
    char pattern[] = "/tmp/lambent-runtimes-XXXXXX";
    folder_ = mkdtemp(pattern);
    std::filesystem::create_directories(folder_ + "/bin");
  }
  ~RuntimeSetTest() override { std::filesystem::remove_all(folder_); }

  void put_program(const std::string& name) { std::filesystem::copy_file("/bin/true", folder_ + "/bin/" + name); }
  void put_script(const std::string& name) {
    const std::string path = folder_ + "/bin/" + name;
    std::ofstream(path) << "#!/bin/sh\nexec true\n";
    chmod(path.c_str(), 0755);
  }
  std::string folder_;
};

TEST_F(RuntimeSetTest, FindsPythonByNameAndItsPrefixOutsideUsr) {
  put_program("python3.12");
  const auto set = RuntimeSet::discover({}, folder_ + "/bin");
  ASSERT_TRUE(set);
  const auto python = set->find("python3.12");
  ASSERT_TRUE(python);
  EXPECT_EQ(python->interpreter, folder_ + "/bin/python3.12");
  EXPECT_EQ(python->prefix, folder_);
}

TEST_F(RuntimeSetTest, FindsRubyByNameAndJavaByTheReleaseOfItsInstallation) {
  put_program("ruby3.3");
  put_program("java");
  std::ofstream(folder_ + "/release") << "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"21.0.2\"\n";
  const auto set = RuntimeSet::discover({}, folder_ + "/bin");
  ASSERT_TRUE(set);
  ASSERT_TRUE(set->find("ruby3.3"));
  EXPECT_EQ(set->find("ruby3.3")->family, RuntimeFamily::ruby);
  ASSERT_TRUE(set->find("java21"));
  EXPECT_EQ(set->find("java21")->interpreter, folder_ + "/bin/java");
}

TEST_F(RuntimeSetTest, PassesOverAJavaThatIsTooOld) {
  put_program("java");
  std::ofstream(folder_ + "/release") << "JAVA_VERSION=\"11.0.2\"\n";
  EXPECT_FALSE(RuntimeSet::discover({}, folder_ + "/bin")->find("java11"));
}

TEST_F(RuntimeSetTest, PassesOverShimsThatAreScripts) {
  put_script("python3.12");
  EXPECT_FALSE(RuntimeSet::discover({}, folder_ + "/bin")->find("python3.12"));
}

TEST_F(RuntimeSetTest, AMissingRuntimeIsNamedWithThoseThatAreThere) {
  put_program("python3.12");
  const auto missing = RuntimeSet::discover({}, folder_ + "/bin")->find("python3.13");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("python3.13"), std::string::npos);
  EXPECT_NE(missing.error().find("provided, provided.al2, provided.al2023, python3.12"), std::string::npos);
}

TEST_F(RuntimeSetTest, TheConfigurationWinsOverTheSearch) {
  put_program("python3.12");
  put_program("my-python");
  const auto set = RuntimeSet::discover({{"python3.12", folder_ + "/bin/my-python"}}, folder_ + "/bin");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->find("python3.12")->interpreter, folder_ + "/bin/my-python");
}

TEST_F(RuntimeSetTest, AConfiguredInterpreterThatIsNoProgramIsAnError) {
  EXPECT_FALSE(RuntimeSet::discover({{"python3.12", "/nowhere"}}, ""));
  EXPECT_FALSE(RuntimeSet::discover({{"cobol", "/bin/true"}}, ""));
}

// /bin/true, which says no version of Node.js, stands in for node: where one is known it was not asked.
TEST_F(RuntimeSetTest, ARememberedVersionHoldsAsLongAsTheFileIsTheSame) {
  put_program("node");
  const std::string node = folder_ + "/bin/node";
  const auto ids = [&](const std::string& remembered) {
    const auto set = RuntimeSet::discover({}, folder_ + "/bin", remembered);
    return set->find("nodejs22.x") ? set->versions() : "";
  };
  const std::string known = "/other 1:2 3 4.5 6.7\tv18.0.0\n" + identity_of(node) + "\tv22.1.0\n";
  EXPECT_EQ(ids(known), identity_of(node) + "\tv22.1.0\n") << "and is remembered on, without what is gone";
  EXPECT_EQ(ids(""), "");
  EXPECT_EQ(ids(identity_of(node) + "\tv../22.1\n"), "");
  std::ofstream(node, std::ios::app) << "more";
  EXPECT_EQ(ids(known), "");
}

TEST(RuntimeSetOnThisHost, FindsTheNodeInPathUnderItsOwnVersion) {
  const auto set = RuntimeSet::discover({}, "/usr/local/bin:/usr/bin:/bin");
  ASSERT_TRUE(set);
  bool found = false;
  for (const Runtime& runtime : set->all()) found |= runtime.family == RuntimeFamily::nodejs;
  EXPECT_TRUE(found) << "Node.js is a package that the build installs (tools/packages.sh)";
}

}  // namespace
}  // namespace lambent::instance
