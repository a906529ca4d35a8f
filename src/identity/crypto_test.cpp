#include "identity/crypto.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace lambent::identity {
namespace {

TEST(Crypto, HashesTheStandardsExamples) {
  Crypto crypto;
  EXPECT_EQ(crypto.sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(crypto.sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), crypto.sha256_hex("abc"));
}

// RFC 4231, test cases 1 and 2.
TEST(Crypto, AuthenticatesTheStandardsExamplesOneAfterTheOther) {
  Crypto crypto;
  const std::string key(20, '\x0b');
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(hex_encode(crypto.hmac(bytes_of(key), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex_encode(crypto.hmac(bytes_of("Jefe"), "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  }
}

TEST(Crypto, AnEmptyKeyIsNotTheLastKey) {
  Crypto crypto;
  const Digest fresh = crypto.hmac({}, "message");
  (void)crypto.hmac(bytes_of("another key"), "message");
  EXPECT_EQ(crypto.hmac({}, "message"), fresh);
}

TEST(Crypto, ComparesWholeTexts) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("same", "same"));
  EXPECT_FALSE(equal_constant_time("same", "samE"));
  EXPECT_FALSE(equal_constant_time("same", "sam"));
}

}  // namespace
}  // namespace lambent::identity
