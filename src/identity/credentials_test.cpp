#include "identity/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.h"

namespace lambent::identity {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class Credentials : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "credentials-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void write(std::string_view content, mode_t mode = 0600) {
    ASSERT_TRUE(write_file_durably(credentials_path(dir_), content, mode));
    ASSERT_EQ(chmod(credentials_path(dir_).c_str(), mode), 0);
  }
  Result<CredentialStore> open(const std::optional<KeyPair>& given = {}) {
    return CredentialStore::open(dir_, "000000000000", given, random_);
  }

  std::string dir_;
  FakeRandom random_;
};

TEST_F(Credentials, TheFirstStartMakesAPrivateKeyPairThatStays) {
  const auto first = open();
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_THAT(first->root().access_key_id, MatchesRegex("AKIA[A-Z2-7]{16}"));
  EXPECT_EQ(first->root().secret_access_key.size(), 40U);
  struct stat status{};
  ASSERT_EQ(stat(credentials_path(dir_).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);

  const auto second = open();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->root().access_key_id, first->root().access_key_id);
  EXPECT_EQ(second->root().secret_access_key, first->root().secret_access_key);
}

TEST_F(Credentials, RootIsTheAccountItself) {
  const auto store = open();
  ASSERT_TRUE(store);
  const Credential* root = store->find(store->root().access_key_id);
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->principal, (Principal{PrincipalKind::root, "000000000000", "arn:aws:iam::000000000000:root",
                                        "000000000000", store->root().access_key_id, ""}));
  EXPECT_EQ(store->find("AKIAUNKNOWN"), nullptr);
}

TEST_F(Credentials, AFileThatOthersCanReadIsRefused) {
  for (const mode_t mode : {0644, 0640, 0604}) {
    write("[default]\naws_access_key_id = AKIA1\naws_secret_access_key = secretsecret\n", mode);
    const auto store = open();
    ASSERT_FALSE(store);
    EXPECT_THAT(store.error().message(), HasSubstr("chmod 600 " + credentials_path(dir_)));
  }
}

TEST_F(Credentials, AHandWrittenFileMayHoldCommentsAndOtherProfiles) {
  write(
      "# mine\r\n[other]\naws_access_key_id=NO\naws_secret_access_key=nononononono\n\n[default]\n"
      "  aws_access_key_id =  my_key\r\naws_secret_access_key=a=b+c/d==\n; end\n[last]\naws_access_key_id = NEITHER\n");
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_EQ(store->root().access_key_id, "my_key");
  EXPECT_EQ(store->root().secret_access_key, "a=b+c/d==");
}

TEST_F(Credentials, ABrokenFileIsRefusedAndLeftAlone) {
  for (const char* content :
       {"", "[default]\n", "[default]\naws_access_key_id = AK\naws_secret_access_key = longenough\n",
        "[default]\naws_access_key_id = AKIA\naws_secret_access_key = short\n",
        "aws_access_key_id = AKIA\naws_secret_access_key = longenough\n"}) {
    write(content);
    const auto store = open();
    ASSERT_FALSE(store) << content;
    EXPECT_THAT(store.error().message(), HasSubstr("aws_secret_access_key"));
    EXPECT_EQ(read_file(credentials_path(dir_)), content);
  }
}

TEST_F(Credentials, GivenKeysWinAndNoFileIsMade) {
  const auto store = open(KeyPair{"test", "testtest"});
  ASSERT_TRUE(store);
  EXPECT_NE(store->find("test"), nullptr);
  EXPECT_FALSE(std::filesystem::exists(credentials_path(dir_)));
}

TEST_F(Credentials, GivenKeysThatAreNoKeysAreNamed) {
  const auto message = [&](std::string id, std::string secret) {
    const auto store = open(KeyPair{std::move(id), std::move(secret)});
    return store ? std::string("accepted") : store.error().message();
  };
  EXPECT_THAT(message("ab", "longenough"), HasSubstr("LAMBENT_ROOT_ACCESS_KEY"));
  EXPECT_THAT(message("a b c", "longenough"), HasSubstr("LAMBENT_ROOT_ACCESS_KEY"));
  EXPECT_THAT(message(std::string(129, 'a'), "longenough"), HasSubstr("LAMBENT_ROOT_ACCESS_KEY"));
  EXPECT_THAT(message("abc", "short"), HasSubstr("LAMBENT_ROOT_SECRET_KEY"));
  EXPECT_THAT(message("abc", "with a space"), HasSubstr("LAMBENT_ROOT_SECRET_KEY"));
  EXPECT_EQ(message(std::string(128, 'a'), "longenough"), "accepted");
}

TEST_F(Credentials, AFolderThatCannotBeWrittenIsAnError) {
  const auto store = CredentialStore::open(dir_ + "/missing", "000000000000", {}, random_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), HasSubstr("No such file or directory"));
}

TEST_F(Credentials, AnInstanceGetsKeysOfItsOwnUntilTheyAreRevoked) {
  CredentialStore store("000000000000", {"root", "rootsecret"}, random_);
  const std::string arn = assumed_role_arn("arn:aws:iam::123456789012:role/team/worker", "hello");
  EXPECT_EQ(arn, "arn:aws:sts::123456789012:assumed-role/worker/hello");
  const TemporaryCredentials first = store.issue(arn, "hello");
  const TemporaryCredentials second = store.issue(arn, "hello");
  EXPECT_THAT(first.access_key_id, MatchesRegex("ASIA[A-Z2-7]{16}"));
  EXPECT_NE(first.access_key_id, second.access_key_id);
  EXPECT_NE(first.session_token, second.session_token);
  EXPECT_EQ(store.temporary_count(), 2U);

  const Credential* found = store.find(first.access_key_id);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->session_token, first.session_token);
  EXPECT_EQ(found->principal.kind, PrincipalKind::function_role);
  EXPECT_EQ(found->principal.account_id, "123456789012");
  EXPECT_EQ(found->principal.function_name, "hello");
  EXPECT_THAT(found->principal.user_id, MatchesRegex("AROA[A-Z2-7]{17}:hello"));
  EXPECT_EQ(found->principal.user_id, store.find(second.access_key_id)->principal.user_id);

  store.revoke(first.access_key_id);
  store.revoke("unknown");
  store.revoke("root");
  EXPECT_EQ(store.find(first.access_key_id), nullptr);
  EXPECT_NE(store.find(second.access_key_id), nullptr);
  EXPECT_NE(store.find("root"), nullptr);
}

}  // namespace
}  // namespace lambent::identity
