#include "identity/verifier.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "base/time_format.h"
#include "identity/parsed_signature.h"
#include "identity/presign.h"
#include "identity/sigv4.h"

namespace lambent::identity {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAccess = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kMismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and "
    "signing method. Consult the service documentation for details.";

struct OwnedRequest {
  std::string method = "POST";
  std::string path = "/2015-03-31/functions/hello/invocations";
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers = {{"Host", "127.0.0.1:4566"}};
  std::string body = "{}";

  [[nodiscard]] std::vector<HeaderView> views() const {
    std::vector<HeaderView> out;
    for (const auto& [name, value] : headers) out.push_back({name, value});
    return out;
  }
  void set(const std::string& name, std::string value) {
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    headers.emplace_back(name, std::move(value));
  }
};

class VerifierTest : public testing::Test {
 protected:
  VerifierTest() { clock_.jump_wall(*parse_amz_date("20261123T053400Z") - clock_.wall()); }

  std::expected<Principal, AuthError> verify(const OwnedRequest& request, std::string_view service = "lambda",
                                             ErrorStyle style = ErrorStyle::rest_json) {
    const auto headers = request.views();
    return verifier_.verify({request.method, request.path, request.query, headers, request.body, {}}, {service, style});
  }

  // "status code: message", or "ok".
  std::string outcome(const OwnedRequest& request, std::string_view service = "lambda",
                      ErrorStyle style = ErrorStyle::rest_json) {
    const auto result = verify(request, service, style);
    return result ? "ok" : fmt::format("{} {}: {}", result.error().status, result.error().code, result.error().message);
  }

  // Signs every header there is but User-Agent.
  OwnedRequest sign(OwnedRequest request, std::string_view access = kAccess, std::string_view secret = kSecret,
                    std::string_view service = "lambda", std::string_view region = "eu-central-1") {
    if (std::ranges::none_of(request.headers, [](const auto& header) { return header.first == "X-Amz-Date"; })) {
      request.set("X-Amz-Date", format_amz_date(clock_.wall()));
    }
    std::vector<std::string> names;
    std::string date;
    for (const auto& [name, value] : request.headers) {
      if (name == "User-Agent") continue;
      std::string lower = name;
      std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      if (std::ranges::find(names, lower) == names.end()) names.push_back(lower);
      if (name == "X-Amz-Date") date = value;
    }
    std::ranges::sort(names);
    const std::vector<std::string_view> signed_names(names.begin(), names.end());
    Crypto crypto;
    const Scope scope{std::string_view(date).substr(0, 8), region, service};
    const auto headers = request.views();
    const RequestView view{request.method, request.path, request.query, headers, request.body, {}};
    const std::string canonical =
        canonical_request(view, signed_names, crypto.sha256_hex(request.body), PathRule::normalised);
    const Digest key = signing_key(crypto, secret, scope);
    request.set("Authorization",
                fmt::format("AWS4-HMAC-SHA256 Credential={}/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={}",
                            access, scope.date, region, service, fmt::join(names, ";"),
                            signature(crypto, key, string_to_sign(crypto, date, scope, canonical))));
    return request;
  }

  FakeRandom random_;
  FakeClock clock_;
  CredentialStore store_{"000000000000", {std::string(kAccess), std::string(kSecret)}, random_};
  Verifier verifier_{store_, clock_};
};

struct Vector {
  std::string name, service, token;
  OwnedRequest request;
};

std::vector<Vector> read_vectors() {
  std::ifstream file(LAMBENT_VECTORS);
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key, rest;
    words >> key;
    std::getline(words >> std::ws, rest);
    if (key == "case") {
      vectors.push_back({rest, {}, {}, {}});
      vectors.back().request.headers.clear();
      continue;
    }
    if (vectors.empty()) continue;
    Vector& vector = vectors.back();
    if (key == "service") vector.service = rest;
    if (key == "token" && rest != "-") vector.token = rest;
    if (key == "method") vector.request.method = rest;
    if (key == "path") vector.request.path = rest;
    if (key == "query") vector.request.query = rest;
    if (key == "body") vector.request.body = base64_decode(rest).value_or("broken");
    if (key == "header") {
      const auto space = rest.find(' ');
      vector.request.headers.emplace_back(rest.substr(0, space),
                                          base64_decode(rest.substr(space + 1)).value_or("broken"));
    }
  }
  return vectors;
}

TEST_F(VerifierTest, AcceptsWhatBotocoreSigns) {
  const auto vectors = read_vectors();
  ASSERT_GE(vectors.size(), 26U);
  for (const Vector& vector : vectors) {
    CredentialStore store("000000000000", {"root", "rootsecret"}, random_);
    store.insert({{std::string(kAccess), std::string(kSecret)}, vector.token, {}});
    Verifier verifier(store, clock_);
    const auto headers = vector.request.views();
    const RequestView view{
        vector.request.method, vector.request.path, vector.request.query, headers, vector.request.body, {}};
    const auto result = verifier.verify(view, {vector.service, ErrorStyle::rest_json});
    EXPECT_TRUE(result) << vector.name << ": " << result.error().message;
    EXPECT_EQ(scope_service(view), vector.service) << vector.name;
    EXPECT_TRUE(is_signed(view)) << vector.name;

    // The same signature over anything else is worth nothing.
    RequestView other = view;
    other.method = "DELETE";
    EXPECT_FALSE(verifier.verify(other, {vector.service, ErrorStyle::rest_json})) << vector.name;
    other = view;
    other.path = "/other";
    EXPECT_FALSE(verifier.verify(other, {vector.service, ErrorStyle::rest_json})) << vector.name;
    other = view;
    const std::string more_query = vector.request.query + "&more=1";
    other.query = more_query;
    EXPECT_FALSE(verifier.verify(other, {vector.service, ErrorStyle::rest_json})) << vector.name;
  }
}

TEST_F(VerifierTest, NamesTheCallerInAnyRegionFreshOrCached) {
  for (const char* region : {"us-east-1", "eu-central-1", "us-east-1", "anywhere"}) {
    const auto who = verify(sign({}, kAccess, kSecret, "lambda", region));
    ASSERT_TRUE(who) << who.error().message;
    EXPECT_EQ(who->kind, PrincipalKind::root);
    EXPECT_EQ(who->arn, "arn:aws:iam::000000000000:root");
    EXPECT_EQ(who->access_key_id, kAccess);
  }
}

TEST_F(VerifierTest, AHashFromElsewhereStandsForTheBody) {
  const OwnedRequest request = sign({});
  const auto headers = request.views();
  const std::string hash = sha256_hex(request.body);
  const std::string wrong = sha256_hex("another body");
  RequestView view{request.method, request.path, request.query, headers, request.body, hash};
  EXPECT_TRUE(verifier_.verify(view, {"lambda"}));
  view.body_sha256 = wrong;
  EXPECT_FALSE(verifier_.verify(view, {"lambda"}));
}

TEST_F(VerifierTest, UnsignedRequestsLackAToken) {
  EXPECT_EQ(outcome({}), "403 MissingAuthenticationTokenException: Missing Authentication Token");
  EXPECT_EQ(outcome({}, "dynamodb", ErrorStyle::aws_json),
            "400 MissingAuthenticationTokenException: Request is missing Authentication Token");
  EXPECT_EQ(outcome({}, "sts", ErrorStyle::query),
            "403 MissingAuthenticationToken: Request is missing Authentication Token");
  EXPECT_FALSE(is_signed({"GET", "/", "X-Amz=1", {}, "", {}}));
}

TEST_F(VerifierTest, AnUnknownKeyIsUnrecognized) {
  const OwnedRequest request = sign({}, "AKIDOTHER");
  EXPECT_EQ(outcome(request),
            "403 UnrecognizedClientException: The security token included in the request is invalid.");
  EXPECT_EQ(outcome(request, "lambda", ErrorStyle::aws_json),
            "400 UnrecognizedClientException: The security token included in the request is invalid.");
  EXPECT_EQ(outcome(request, "lambda", ErrorStyle::query),
            "403 InvalidClientTokenId: The security token included in the request is invalid.");
}

TEST_F(VerifierTest, AWrongSecretDoesNotMatch) {
  const OwnedRequest request = sign({}, kAccess, "another secret");
  EXPECT_EQ(outcome(request), fmt::format("403 InvalidSignatureException: {}", kMismatch));
  EXPECT_EQ(outcome(request, "lambda", ErrorStyle::query), fmt::format("403 SignatureDoesNotMatch: {}", kMismatch));
  EXPECT_EQ(outcome(request, "lambda", ErrorStyle::aws_json),
            fmt::format("400 InvalidSignatureException: {}", kMismatch));
}

TEST_F(VerifierTest, ASignatureHoldsForItsBodyHeadersAndHostOnly) {
  OwnedRequest good;
  good.set("X-Amz-Invocation-Type", "DryRun");
  good = sign(good);
  ASSERT_EQ(outcome(good), "ok");
  const auto changed = [&](auto change) {
    OwnedRequest request = good;
    change(request);
    return outcome(request);
  };
  const std::string mismatch = fmt::format("403 InvalidSignatureException: {}", kMismatch);
  EXPECT_EQ(changed([](auto& r) { r.body = "{} "; }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.set("X-Amz-Invocation-Type", "Event"); }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers.emplace_back("x-amz-invocation-type", "Event"); }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.set("Host", "evil.example"); }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers.back().second.back() ^= 1; }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers.back().second.pop_back(); }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.set("User-Agent", "anything"); }), "ok");
  EXPECT_THAT(changed([](auto& r) { r.set("X-Amz-Log-Type", "Tail"); }),
              HasSubstr("headers present in the request which were not signed: x-amz-log-type"));
}

TEST_F(VerifierTest, ThePayloadHashHeaderMustBeTheBodys) {
  const auto with_hash = [&](std::string hash) {
    OwnedRequest request;
    request.set("X-Amz-Content-Sha256", std::move(hash));
    return outcome(sign(request));
  };
  EXPECT_EQ(with_hash(sha256_hex("{}")), "ok");
  EXPECT_THAT(with_hash(sha256_hex("other")), HasSubstr("InvalidSignatureException"));
  EXPECT_THAT(with_hash("UNSIGNED-PAYLOAD"), HasSubstr("InvalidSignatureException"));
  EXPECT_THAT(with_hash("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), HasSubstr("InvalidSignatureException"));
}

TEST_F(VerifierTest, HostMustBeSigned) {
  OwnedRequest request = sign({});
  std::string& authorization = request.headers.back().second;
  authorization.replace(authorization.find("host;"), 5, "");
  EXPECT_EQ(outcome(request),
            "403 InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
}

TEST_F(VerifierTest, FifteenMinutesOfSkewAreAllowedEitherWay) {
  const OwnedRequest request = sign({});
  clock_.jump_wall(std::chrono::minutes(15));
  EXPECT_EQ(outcome(request), "ok");
  clock_.jump_wall(std::chrono::seconds(1));
  EXPECT_EQ(outcome(request),
            "403 InvalidSignatureException: Signature expired: 20261123T053400Z is now earlier than 20261123T053401Z "
            "(20261123T054901Z - 15 min.)");
  clock_.jump_wall(-std::chrono::seconds(1) - std::chrono::minutes(30));
  EXPECT_EQ(outcome(request), "ok");
  clock_.jump_wall(-std::chrono::seconds(1));
  EXPECT_EQ(outcome(request, "lambda", ErrorStyle::query),
            "403 SignatureDoesNotMatch: Signature not yet current: 20261123T053400Z is still later than "
            "20261123T053359Z (20261123T051859Z + 15 min.)");
}

TEST_F(VerifierTest, TheScopeMustFitDateAndService) {
  EXPECT_EQ(outcome(sign({}, kAccess, kSecret, "dynamodb")),
            "403 InvalidSignatureException: Credential should be scoped to correct service: 'lambda'. ");
  OwnedRequest request = sign({});
  std::string& authorization = request.headers.back().second;
  authorization.replace(authorization.find("/20261123/"), 10, "/20261122/");
  EXPECT_EQ(outcome(request),
            "403 InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
            "date from HTTP: '20261122' != '20261123', from '20261123T053400Z'.");
}

TEST_F(VerifierTest, TheDateHeaderServesWhereXAmzDateIsMissing) {
  OwnedRequest request;
  request.set("Date", "Mon, 23 Nov 2026 05:34:00 GMT");
  request = sign(request);  // signs X-Amz-Date too, with the same time
  std::erase_if(request.headers, [](const auto& header) { return header.first == "X-Amz-Date"; });
  EXPECT_EQ(outcome(request), fmt::format("403 InvalidSignatureException: {}", kMismatch));  // read, then not matching
  request.set("Date", "yesterday");
  EXPECT_THAT(outcome(request), HasSubstr("Date must be in ISO-8601 'basic format'. Got 'yesterday'."));
}

TEST_F(VerifierTest, MalformedSignaturesAreIncomplete) {
  const auto with = [&](std::string authorization, bool dated = true) {
    OwnedRequest request;
    if (dated) request.set("X-Amz-Date", "20261123T053400Z");
    request.set("Authorization", std::move(authorization));
    return outcome(request);
  };
  constexpr std::string_view kIncomplete = "403 IncompleteSignatureException: ";
  EXPECT_THAT(with("AWS4-HMAC-SHA256", false),
              HasSubstr(fmt::format("{}Authorization header requires 'Credential' parameter. Authorization header "
                                    "requires 'Signature' parameter. Authorization header requires 'SignedHeaders' "
                                    "parameter. Authorization header requires existence of either a 'X-Amz-Date' or a "
                                    "'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=",
                                    kIncomplete)));
  EXPECT_THAT(with("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=f"),
              HasSubstr("Authorization header requires 'SignedHeaders' parameter. (Hashed"));
  EXPECT_THAT(with("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=f"),
              HasSubstr("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                        "got 'a'"));
  EXPECT_THAT(with("AWS4-HMAC-SHA256 Credential=a/20261123/r/lambda/aws5, SignedHeaders=host, Signature=f"),
              HasSubstr("valid terminator: 'aws4_request', not 'aws5'."));
  EXPECT_THAT(with("AWS4-HMAC-SHA256 Credential=a, Credential=b"), HasSubstr("more than one 'Credential'"));
  EXPECT_THAT(with("AWS4-ECDSA-P256-SHA256 Credential=a"),
              HasSubstr("Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."));
  EXPECT_THAT(with("Bearer abc"), HasSubstr("Invalid key=value pair (missing equal-sign) in Authorization header"));
  EXPECT_THAT(with("Basic"), HasSubstr("requires 'Credential'"));
  EXPECT_THAT(with("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=" + std::string(200, ';') +
                   ", Signature=f"),
              HasSubstr("Too many SignedHeaders."));
}

TEST_F(VerifierTest, PartsThatMustBeUniqueAreRefusedTwice) {
  for (const char* name : {"Authorization", "X-Amz-Date", "X-Amz-Security-Token"}) {
    OwnedRequest request = sign({});
    request.headers.emplace_back(name, "again");
    request.headers.emplace_back(name, "again");
    EXPECT_THAT(outcome(request), HasSubstr("IncompleteSignatureException")) << name;
  }
}

TEST_F(VerifierTest, TemporaryKeysNeedTheirTokenAndEndWithTheirInstance) {
  const auto keys = store_.issue("arn:aws:sts::000000000000:assumed-role/any/hello", "hello");
  const auto with_token = [&](const std::string& token) {
    OwnedRequest request;
    if (!token.empty()) request.set("X-Amz-Security-Token", token);
    return sign(request, keys.access_key_id, keys.secret_access_key);
  };
  const auto who = verify(with_token(keys.session_token));
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->kind, PrincipalKind::function_role);
  EXPECT_EQ(who->function_name, "hello");

  constexpr std::string_view kUnknown =
      "403 UnrecognizedClientException: The security token included in the request is invalid.";
  EXPECT_EQ(outcome(with_token("")), kUnknown);
  EXPECT_EQ(outcome(with_token(keys.session_token + "x")), kUnknown);
  store_.revoke(keys.access_key_id);
  EXPECT_EQ(outcome(with_token(keys.session_token)), kUnknown);
}

TEST_F(VerifierTest, ANewSecretOfTheSameKeyIsTheOnlyOneThatSigns) {
  const auto insert = [&](const std::string& secret) {
    Credential credential{{"ASIASAME", secret}, "token", {}};
    credential.principal.kind = PrincipalKind::function_role;
    store_.insert(std::move(credential));
  };
  const auto signed_by = [&](const std::string& secret) {
    OwnedRequest request;
    request.set("X-Amz-Security-Token", "token");
    return sign(request, "ASIASAME", secret);
  };
  insert("first-secret");
  EXPECT_EQ(outcome(signed_by("first-secret")), "ok");
  store_.revoke("ASIASAME");
  insert("second-secret");
  EXPECT_EQ(outcome(signed_by("first-secret")), fmt::format("403 InvalidSignatureException: {}", kMismatch));
  EXPECT_EQ(outcome(signed_by("second-secret")), "ok");
}

TEST_F(VerifierTest, OnlyRightSignaturesLeaveASigningKey) {
  const auto& kept = store_.find(kAccess)->signing_keys;
  std::ignore = outcome(sign({}, kAccess, "another secret"));
  OwnedRequest other_body = sign({});
  other_body.body = "{ }";
  std::ignore = outcome(other_body);
  EXPECT_EQ(kept.size(), 0U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(sign({})), "ok");
  EXPECT_EQ(kept.size(), 1U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(outcome(sign({}, kAccess, kSecret, "lambda", "region-" + std::to_string(i))), "ok");
  }
  EXPECT_EQ(kept.size(), SigningKeys::kMax);
}

TEST_F(VerifierTest, PermanentKeysTakeNoToken) {
  OwnedRequest request;
  request.set("X-Amz-Security-Token", "made-up");
  EXPECT_THAT(outcome(sign(request)), HasSubstr("UnrecognizedClientException"));
}

class Presigned : public VerifierTest {
 protected:
  OwnedRequest presigned(std::string_view service = "lambda") {
    const std::string url = presign(
        *store_.find(kAccess),
        {.host = "127.0.0.1:4566", .path = "/code/abc%20d", .query = "v=1", .service = service, .region = "us-east-1"},
        clock_.wall());
    OwnedRequest request;
    request.method = "GET";
    request.path = url.substr(0, url.find('?'));
    request.query = url.substr(url.find('?') + 1);
    request.body.clear();
    return request;
  }
  static void replace(std::string& text, std::string_view from, std::string_view to) {
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
  }
};

TEST_F(Presigned, OurUrlsAreGoodForTenMinutes) {
  for (const char* service : {"lambda", "s3"}) {
    const OwnedRequest request = presigned(service);
    EXPECT_EQ(outcome(request, service), "ok");
    clock_.advance(std::chrono::minutes(10));
    EXPECT_EQ(outcome(request, service), "ok");
    clock_.advance(std::chrono::seconds(1));
    EXPECT_THAT(outcome(request, service), HasSubstr("Signature expired"));
  }
}

TEST_F(Presigned, NothingOfTheUrlCanBeChanged) {
  const auto changed = [&](auto change) {
    OwnedRequest request = presigned();
    change(request);
    return outcome(request);
  };
  const std::string mismatch = fmt::format("403 InvalidSignatureException: {}", kMismatch);
  EXPECT_EQ(changed([](auto& r) { r.method = "PUT"; }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.path = "/code/abcd"; }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.set("Host", "elsewhere"); }), mismatch);
  EXPECT_EQ(changed([](auto& r) { r.body = "x"; }), mismatch);
  EXPECT_EQ(changed([](auto& r) { replace(r.query, "Expires=600", "Expires=604800"); }), mismatch);
  EXPECT_EQ(changed([](auto& r) { replace(r.query, "v=1", "v=2"); }), mismatch);
}

TEST_F(Presigned, MalformedQueriesAreIncomplete) {
  const auto changed = [&](std::string_view from, std::string_view to) {
    OwnedRequest request = presigned();
    replace(request.query, from, to);
    return outcome(request);
  };
  EXPECT_THAT(changed("Expires=600", "Expires=604801"), HasSubstr("X-Amz-Expires must be less than a week"));
  EXPECT_THAT(changed("Expires=600", "Expires=-1"), HasSubstr("X-Amz-Expires must be non-negative"));
  EXPECT_THAT(changed("Expires=600", "Expires=6e2"), HasSubstr("X-Amz-Expires should be a number"));
  EXPECT_THAT(changed("X-Amz-Date=", "X-Amz-Datum="), HasSubstr("AWS query-string parameters must include"));
  EXPECT_THAT(changed("X-Amz-Date=", "X-Amz-Date=1&X-Amz-Date="), HasSubstr("each once"));
  EXPECT_THAT(changed("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), HasSubstr("Unsupported AWS 'algorithm'"));
}

TEST_F(Presigned, TemporaryKeysCarryTheirTokenInTheUrl) {
  const auto keys = store_.issue("arn:aws:sts::000000000000:assumed-role/any/hello", "hello");
  const std::string url =
      presign(*store_.find(keys.access_key_id),
              {.host = "127.0.0.1:4566", .path = "/x", .service = "lambda", .region = "r"}, clock_.wall());
  OwnedRequest request;
  request.method = "GET";
  request.path = "/x";
  request.query = url.substr(url.find('?') + 1);
  request.body.clear();
  EXPECT_EQ(outcome(request), "ok");
}

TEST(ScopeService, IsOnlyReadFromAWellFormedCredential) {
  const auto scope = [](std::string_view authorization, std::string_view query = "") {
    const std::vector<HeaderView> headers = {{"authorization", authorization}};
    return scope_service({"GET", "/", query, headers, "", {}}).value_or("nothing");
  };
  EXPECT_EQ(scope("AWS4-HMAC-SHA256 Credential=a/b/c/dynamodb/aws4_request,SignedHeaders=x,Signature=y"), "dynamodb");
  EXPECT_EQ(scope("AWS4-HMAC-SHA256 Credential=a/b/dynamodb"), "nothing");
  EXPECT_EQ(scope("Bearer x"), "nothing");
  EXPECT_EQ(scope("", "X-Amz-Credential=a%2Fb%2Fc%2Fs3%2Faws4_request"), "s3");
  EXPECT_EQ(scope("", ""), "nothing");
}

}  // namespace
}  // namespace lambent::identity
