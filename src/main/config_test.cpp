#include "main/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "main/config_table.h"
#include "main/config_values.h"

namespace lambent {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "config-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    environment_["LAMBENT_DATA"] = dir_;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void file(std::string_view content) { ASSERT_TRUE(write_file_durably(path(), content)); }
  [[nodiscard]] std::string path() const { return dir_ + "/lambent.toml"; }
  std::string error() {
    const auto loaded = load_config(flags_, environment_);
    return loaded ? "accepted" : loaded.error().message();
  }

  std::string dir_;
  std::vector<cli::FlagValue> flags_;
  std::map<std::string, std::string> environment_;
};

SettingValue find(const LoadedConfig& loaded, std::string_view key) {
  const auto found = std::ranges::find(loaded.settings, key, &SettingValue::key);
  return found == loaded.settings.end() ? SettingValue{"missing", "", Origin::built_in, ""} : *found;
}

TEST(Config, DefaultsAreTheHeaders) {
  const auto loaded = load_config({{"--data", "/nonexistent"}}, {});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config.bind, "127.0.0.1");
  EXPECT_EQ(loaded->config.port, 4566);
  EXPECT_EQ(loaded->config.account_id, "000000000000");
  EXPECT_EQ(loaded->config.drain_timeout, milliseconds(30'000));
  EXPECT_FALSE(loaded->config.root_keys);
  EXPECT_FALSE(loaded->print_only);
  EXPECT_EQ(find(*loaded, "port").origin, Origin::built_in);
}

TEST_F(ConfigTest, SettingsInTheDataFolderThatSomebodyElseWroteAreRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  file("port = 1\n");
  ASSERT_EQ(chown(path().c_str(), 12345, 12345), 0);
  EXPECT_THAT(error(), HasSubstr("belongs to user 12345"));
  environment_["LAMBENT_CONFIG"] = path();
  EXPECT_EQ(error(), "accepted") << "named by the operator";
}

TEST_F(ConfigTest, FlagsWinOverEnvironmentOverFileOverDefault) {
  file("port = 1\nregion = \"eu-west-1\"\naccount_id = \"111111111111\"\n");
  auto loaded = load_config(flags_, environment_);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config.port, 1);
  EXPECT_EQ(find(*loaded, "port").source, path() + ":1");

  environment_["LAMBENT_PORT"] = "2";
  environment_["LAMBENT_REGION"] = "eu-west-2";
  loaded = load_config(flags_, environment_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.port, 2);

  flags_ = {{"--port", "3"}};
  loaded = load_config(flags_, environment_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.port, 3);
  EXPECT_EQ(loaded->config.region, "eu-west-2");
  EXPECT_EQ(loaded->config.account_id, "111111111111");
  EXPECT_EQ(find(*loaded, "port").origin, Origin::flag);
  EXPECT_EQ(find(*loaded, "region").source, "LAMBENT_REGION");
  EXPECT_EQ(find(*loaded, "account_id").origin, Origin::file);
}

TEST_F(ConfigTest, AFileCanBeNamed) {
  ASSERT_TRUE(write_file_durably(dir_ + "/a.toml", "port = 7\n"));
  ASSERT_TRUE(write_file_durably(dir_ + "/b.toml", "port = 8\n"));
  environment_["LAMBENT_CONFIG"] = dir_ + "/a.toml";
  EXPECT_EQ(load_config(flags_, environment_)->config.port, 7);
  flags_ = {{"--config", dir_ + "/b.toml"}};
  EXPECT_EQ(load_config(flags_, environment_)->config.port, 8);
  flags_ = {{"--config", dir_ + "/missing.toml"}};
  EXPECT_THAT(error(), HasSubstr("missing.toml: No such file"));
}

TEST_F(ConfigTest, EverySettingCanBeSetEverywhereToWhatItShows) {
  const Config defaults;
  for (const Setting& setting : settings_table()) {
    if (setting.key == "data" || setting.key == "runtimes") continue;
    const std::string value = setting.show(defaults);
    const auto by_flag = load_config({{"--data", dir_}, {setting.flag(), value}}, {});
    ASSERT_TRUE(by_flag) << by_flag.error().message();
    EXPECT_EQ(find(*by_flag, setting.key).value, value);
    EXPECT_EQ(find(*by_flag, setting.key).origin, Origin::flag);
    const auto by_environment = load_config({{"--data", dir_}}, {{setting.environment(), value}});
    ASSERT_TRUE(by_environment) << by_environment.error().message();
    EXPECT_EQ(find(*by_environment, setting.key).origin, Origin::environment);
    EXPECT_FALSE(load_config({{setting.flag(), ""}}, {})) << setting.key;
  }
}

TEST_F(ConfigTest, NamesAreUniqueAndDocumented) {
  std::set<std::string> names;
  for (const cli::FlagSpec& flag : serve_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    EXPECT_FALSE(flag.help.empty()) << flag.name;
  }
  EXPECT_TRUE(names.contains("--limits-sync-payload-bytes"));
  EXPECT_TRUE(names.contains("--idle-timeout"));
  EXPECT_TRUE(names.contains("--print-config"));
}

TEST_F(ConfigTest, WhatIsPrintedIsAFileThatSaysTheSame) {
  flags_ = {{"--port", "9"}, {"--print-config", "true"}, {"--runtime", "python3.11=/opt/py"}};
  environment_["LAMBENT_LIMITS_HEADER_BYTES"] = "32KiB";
  environment_["LAMBENT_ROOT_ACCESS_KEY"] = "root_id";
  environment_["LAMBENT_ROOT_SECRET_KEY"] = "very-secret";
  const auto loaded = load_config(flags_, environment_);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_TRUE(loaded->print_only);
  const std::string printed = print_config(*loaded);
  EXPECT_THAT(printed, testing::ContainsRegex("port = 9 +# flag: --port\n"));
  EXPECT_THAT(printed,
              testing::ContainsRegex("header_bytes = \"32KiB\" +# environment: LAMBENT_LIMITS_HEADER_BYTES\n"));
  EXPECT_THAT(printed, testing::ContainsRegex("region = \"us-east-1\" +# default\n"));
  EXPECT_THAT(printed, testing::ContainsRegex("\"python3.11\" = \"/opt/py\" +# flag: --runtime\n"));
  EXPECT_THAT(printed, HasSubstr("root_id"));
  EXPECT_THAT(printed, testing::Not(HasSubstr("very-secret")));

  ASSERT_TRUE(write_file_durably(dir_ + "/printed.toml", printed));
  const auto again = load_config({{"--config", dir_ + "/printed.toml"}}, {});
  ASSERT_TRUE(again) << again.error().message();
  for (const SettingValue& setting : loaded->settings) {
    if (setting.key != "root_access_key") EXPECT_EQ(find(*again, setting.key).value, setting.value) << setting.key;
  }
}

TEST_F(ConfigTest, UnknownNamesAreErrorsThatNameTheNearest) {
  environment_["LAMBENT_PROT"] = "1";
  EXPECT_EQ(error(), "read setting environment: unknown setting LAMBENT_PROT (did you mean LAMBENT_PORT?)");
  environment_.erase("LAMBENT_PROT");
  environment_["LAMBENT_SOMETHING_ELSE_ENTIRELY"] = "1";
  EXPECT_EQ(error(), "read setting environment: unknown setting LAMBENT_SOMETHING_ELSE_ENTIRELY");
  environment_.erase("LAMBENT_SOMETHING_ELSE_ENTIRELY");
  file("port = 1\n[limits]\nheader_byte = 3\n");
  EXPECT_EQ(error(),
            "read setting " + path() + ":3: unknown setting limits.header_byte (did you mean limits.header_bytes?)");
  file("[nonsense]\nx = 1\n");
  EXPECT_THAT(error(), HasSubstr("unknown setting nonsense.x"));
}

TEST_F(ConfigTest, WrongValuesSayWhatTheyMustBeAndWhere) {
  const auto wrong = [&](const char* flag, const char* value) {
    flags_ = {{flag, value}};
    return error();
  };
  EXPECT_EQ(wrong("--port", "65536"),
            "read setting command line: --port must be a number from 0 to 65535, not \"65536\"");
  EXPECT_THAT(wrong("--port", "-1"), HasSubstr("must be a number"));
  EXPECT_THAT(wrong("--port", "80x"), HasSubstr("must be a number"));
  EXPECT_THAT(wrong("--account-id", "12345678901"), HasSubstr("must be 12 digits"));
  EXPECT_THAT(wrong("--region", "Us East"), HasSubstr("must be a region"));
  EXPECT_THAT(wrong("--bind", "localhost"), HasSubstr("must be an IPv4 or IPv6 address"));
  EXPECT_THAT(wrong("--function-url-style", "maybe"), HasSubstr("must be one of auto, host, path"));
  EXPECT_THAT(wrong("--idle-timeout", "5 fortnights"), HasSubstr("must be a duration"));
  EXPECT_THAT(wrong("--limits-body-bytes", "0"), HasSubstr("must not be 0"));
  EXPECT_THAT(wrong("--limits-body-bytes", "lots"), HasSubstr("must be a size"));
  EXPECT_THAT(wrong("--limits-signature-skew", "90s"), HasSubstr("must be whole minutes"));
  EXPECT_THAT(wrong("--runtime", "python3.11=python3"), HasSubstr("must be RUNTIME=/absolute/path"));
  EXPECT_THAT(wrong("--url-domain", "EXAMPLE"), HasSubstr("must be a lower-case domain"));
}

TEST_F(ConfigTest, ABrokenFileIsNamedWithItsLine) {
  file("port = 1\nregion = \n");
  EXPECT_THAT(error(), HasSubstr(path() + ":2"));
  file("port = [1]\n");
  EXPECT_THAT(error(), HasSubstr("port must be a text or a whole number"));
  file("port = 1.5\n");
  EXPECT_THAT(error(), HasSubstr("port must be a text or a whole number"));
}

TEST_F(ConfigTest, RuntimesAddUp) {
  file("[runtimes]\n\"python3.11\" = \"/file/python\"\n\"nodejs20.x\" = \"/file/node\"\n");
  environment_["LAMBENT_RUNTIMES"] = "python3.12=/environment/python,nodejs20.x=/environment/node";
  flags_ = {{"--runtime", "python3.11=/flag/python"}, {"--runtime", "ruby3.3=/flag/ruby"}};
  const auto loaded = load_config(flags_, environment_);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config.runtimes, (std::map<std::string, std::string>{{"python3.11", "/flag/python"},
                                                                         {"python3.12", "/environment/python"},
                                                                         {"nodejs20.x", "/environment/node"},
                                                                         {"ruby3.3", "/flag/ruby"}}));
}

TEST_F(ConfigTest, RootKeysComeInPairs) {
  environment_["LAMBENT_ROOT_ACCESS_KEY"] = "id";
  EXPECT_THAT(error(), HasSubstr("must be given together"));
  environment_["LAMBENT_ROOT_SECRET_KEY"] = "secret";
  const auto loaded = load_config(flags_, environment_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.root_keys->secret_access_key, "secret");
}

TEST(ConfigValues, SizesAndDurationsRoundTrip) {
  EXPECT_EQ(parse_size("6MiB"), 6U << 20U);
  EXPECT_EQ(parse_size("6 MiB"), 6U << 20U);
  EXPECT_EQ(parse_size("1000"), 1000U);
  EXPECT_EQ(parse_size("1024GiB"), 1ULL << 40U);
  for (const char* bad : {"", "MiB", "6MB", "-1", "1.5MiB", "1025GiB", "99999999999999999999"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
  EXPECT_EQ(show_size(6U << 20U), "6MiB");
  EXPECT_EQ(show_size(1000), "1000B");
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("30"), milliseconds(30'000));
  EXPECT_EQ(parse_duration("0ms"), milliseconds(0));
  for (const char* bad : {"", "s", "1d", "-1s", "9999999h"}) EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(show_duration(milliseconds(300'000)), "5m");
  EXPECT_EQ(show_duration(milliseconds(1500)), "1500ms");
  EXPECT_EQ(show_duration(milliseconds(0)), "0s");
}

}  // namespace
}  // namespace lambent
