#include "main/function_url_style.h"

#include <gtest/gtest.h>

namespace lambent {
namespace {

TEST(FunctionUrlStyle, ReadsWhoAnswersForLocalhostNames) {
  EXPECT_TRUE(resolves_localhost_names("passwd: files\nhosts: files myhostname dns\n"));
  EXPECT_TRUE(resolves_localhost_names("hosts: files resolve [!UNAVAIL=return] dns"));
  EXPECT_FALSE(resolves_localhost_names("hosts: files dns\n"));
  EXPECT_FALSE(resolves_localhost_names("hosts: files dns # myhostname\n"));
  EXPECT_FALSE(resolves_localhost_names("#hosts: myhostname\nnetworks: files"));
  EXPECT_FALSE(resolves_localhost_names(""));
}

TEST(FunctionUrlStyle, AnOperatorsChoiceHolds) {
  Config config;
  config.function_url_style = FunctionUrlStyle::host;
  EXPECT_EQ(resolve_function_url_style(config), catalog::FunctionUrlAddress::Style::host);
  config.function_url_style = FunctionUrlStyle::path;
  EXPECT_EQ(resolve_function_url_style(config), catalog::FunctionUrlAddress::Style::path);
  config.function_url_style = FunctionUrlStyle::automatic;
  config.url_domain = "functions.example";
  EXPECT_EQ(resolve_function_url_style(config), catalog::FunctionUrlAddress::Style::host);
}

}  // namespace
}  // namespace lambent
