#include "identity/sigv4.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/encoding.h"

namespace lambent::identity {
namespace {

// AWS's published SigV4 test suite: key AKIDEXAMPLE, us-east-1, service "service", 30 August 2015, 12:36:00 UTC.
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kDate = "20150830T123600Z";
const Scope kScope{"20150830", "us-east-1", "service"};

struct SuiteCase {
  const char* name;
  const char* method;
  const char* path;
  const char* query;
  std::vector<HeaderView> headers;  // signed all, with Host and X-Amz-Date added
  std::vector<std::string_view> signed_names;
  const char* body;
  const char* signature;
};

std::vector<SuiteCase> suite() {
  const std::vector<std::string_view> plain = {"host", "x-amz-date"};
  const std::vector<std::string_view> one = {"host", "my-header1", "x-amz-date"};
  return {
      {"get-vanilla",
       "GET",
       "/",
       "",
       {},
       plain,
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative",
       "GET",
       "/example/..",
       "",
       {},
       plain,
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative-relative",
       "GET",
       "/example1/example2/../..",
       "",
       {},
       plain,
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash", "GET", "//", "", {}, plain, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-dot-slash",
       "GET",
       "/./",
       "",
       {},
       plain,
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slashes",
       "GET",
       "//example//",
       "",
       {},
       plain,
       "",
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-slash-pointless-dot",
       "GET",
       "/./example",
       "",
       {},
       plain,
       "",
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-space",
       "GET",
       "/example space/",
       "",
       {},
       plain,
       "",
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-unreserved",
       "GET",
       "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
       "",
       {},
       plain,
       "",
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8",
       "GET",
       "/\xe1\x88\xb4",
       "",
       {},
       plain,
       "",
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/",
       "Param1=value1",
       {},
       plain,
       "",
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/",
       "Param2=value2&Param1=value1",
       {},
       plain,
       "",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-order-value",
       "GET",
       "/",
       "Param1=value2&Param1=value1",
       {},
       plain,
       "",
       "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
      {"get-vanilla-utf8-query",
       "GET",
       "/",
       "\xe1\x88\xb4=bar",
       {},
       plain,
       "",
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-header-key-duplicate",
       "GET",
       "/",
       "",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       one,
       "",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       "",
       {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
       one,
       "",
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       "",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       {"host", "my-header1", "my-header2", "x-amz-date"},
       "",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla",
       "POST",
       "/",
       "",
       {},
       plain,
       "",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-header-key-sort",
       "POST",
       "/",
       "",
       {{"My-Header1", "value1"}},
       one,
       "",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       "",
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       {"content-type", "host", "x-amz-date"},
       "Param1=value1",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
  };
}

TEST(SigV4, AgreesWithAwsTestSuite) {
  Crypto crypto;
  const Digest key = signing_key(crypto, kSecret, kScope);
  for (SuiteCase test : suite()) {
    test.headers.push_back({"Host", "example.amazonaws.com"});
    test.headers.push_back({"X-Amz-Date", kDate});
    const RequestView view{test.method, test.path, test.query, test.headers, test.body, {}};
    const std::string canonical =
        canonical_request(view, test.signed_names, crypto.sha256_hex(test.body), PathRule::normalised);
    EXPECT_EQ(signature(crypto, key, string_to_sign(crypto, kDate, kScope, canonical)), test.signature)
        << test.name << '\n'
        << canonical;
  }
}

// "Examples of how to derive a signing key for Signature Version 4", AWS General Reference.
TEST(SigV4, DerivesAwsExampleSigningKey) {
  Crypto crypto;
  EXPECT_EQ(hex_encode(signing_key(crypto, kSecret, {"20150830", "us-east-1", "iam"})),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigV4, PathsAreNormalisedAndEncodedTwiceExceptForS3) {
  const auto normalised = [](const char* path) { return canonical_path(path, PathRule::normalised); };
  EXPECT_EQ(normalised(""), "/");
  EXPECT_EQ(normalised("/a/../../b/"), "/b/");
  EXPECT_EQ(normalised("/a%2Fb/%2E%2E/c"), "/a%252Fb/%252E%252E/c");
  EXPECT_EQ(normalised("/arn%3Aaws"), "/arn%253Aaws");
  const auto verbatim = [](const char* path) { return canonical_path(path, path_rule("s3")); };
  EXPECT_EQ(verbatim(""), "/");
  EXPECT_EQ(verbatim("/a//b/../c"), "/a//b/../c");
  EXPECT_EQ(verbatim("/a%20b%2fc"), "/a%20b/c");
}

TEST(SigV4, QueriesAreSortedAfterEncoding) {
  EXPECT_EQ(canonical_query(""), "");
  EXPECT_EQ(canonical_query("b&a=2&a=1&a"), "a=&a=1&a=2&b=");
  EXPECT_EQ(canonical_query("&&a=1&"), "a=1");
  EXPECT_EQ(canonical_query("a=%7e&A=%2f"), "A=%2F&a=~");
  EXPECT_EQ(canonical_query("a=b=c+d"), "a=b%3Dc%2Bd");
  EXPECT_EQ(canonical_query("a=%zz"), "a=%25zz");
  EXPECT_EQ(canonical_query("a-=1&a=2"), "a=2&a-=1");
  EXPECT_EQ(canonical_query("x=1&X-Amz-Signature=abc&X-Amz-Signatures=2", "X-Amz-Signature"), "X-Amz-Signatures=2&x=1");
}

TEST(SigV4, HeaderValuesAreTrimmedCollapsedAndJoined) {
  const std::vector<HeaderView> headers = {{"A", " \t x \t  y "}, {"b", "no"}, {"a", ""}, {"A", "z"}};
  std::string out;
  append_canonical_value(out, headers, "a");
  EXPECT_EQ(out, "x y,,z");
}

}  // namespace
}  // namespace lambent::identity
