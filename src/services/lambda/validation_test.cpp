#include "services/lambda/validation.h"

#include <gtest/gtest.h>

namespace lambent::services::lambda {
namespace {

api::Environment environment(protocol::Map<std::string> variables) {
  api::Environment out;
  out.variables = std::move(variables);
  return out;
}

TEST(Environment, NamesEveryReservedKey) {
  const auto checked = check_environment(environment({{"_HANDLER", "x"}, {"AWS_REGION", "y"}, {"FINE", ""}}), 4096);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. Reserved keys used in "
            "this request: AWS_REGION, _HANDLER");
}

TEST(Environment, MayBeFourKilobytesAndNoMore) {
  const std::string frame = R"({"A":""})";
  EXPECT_TRUE(check_environment(environment({{"A", std::string(4096 - frame.size(), 'x')}}), 4096));
  const auto checked = check_environment(environment({{"A", std::string(4097 - frame.size(), 'x')}}), 4096);
  ASSERT_FALSE(checked);
  EXPECT_TRUE(checked.error().message.starts_with(
      "Lambda was unable to configure your environment variables because the environment variables you have provided "
      R"(exceeded the 4KB limit. String measured: {"A":"xxx)"));
}

TEST(Environment, HoldsNoNul) {
  EXPECT_FALSE(check_environment(environment({{"A", std::string("x\0y", 3)}}), 4096));
  EXPECT_TRUE(check_environment({}, 4096));
}

TEST(Sizes, HaveAwsLimits) {
  const Limits limits;
  api::EphemeralStorage storage;
  storage.size = 10240;
  EXPECT_TRUE(check_sizes(900, 10240, storage, limits));
  EXPECT_FALSE(check_sizes(901, {}, {}, limits));
  EXPECT_FALSE(check_sizes({}, 10241, {}, limits));
  storage.size = 10241;
  const auto checked = check_sizes({}, {}, storage, limits);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "1 validation error detected: Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: "
            "Member must have value less than or equal to 10240");
}

TEST(Tags, AreFiftyAtMost) {
  protocol::Map<std::string> tags;
  for (int i = 0; i < 50; ++i) tags["t" + std::to_string(i)] = "v";
  EXPECT_TRUE(check_tags(tags));
  tags["one more"] = "";
  EXPECT_FALSE(check_tags(tags));
  EXPECT_FALSE(check_tags({{"", "x"}}));
  EXPECT_FALSE(check_tags({{std::string(129, 'k'), "x"}}));
  EXPECT_FALSE(check_tags({{"k", std::string(257, 'v')}}));
}

TEST(CodeSource, IsExactlyOneAndInline) {
  EXPECT_TRUE(check_code_source(true, false, false));
  EXPECT_FALSE(check_code_source(false, false, false));
  EXPECT_FALSE(check_code_source(true, true, false));
  EXPECT_FALSE(check_code_source(false, true, false));
  EXPECT_FALSE(check_code_source(false, false, true));
}

TEST(CorsMethods, AreThoseOfHttp) {
  api::Cors cors;
  cors.allow_methods = std::vector<std::string>{"GET", "*"};
  EXPECT_TRUE(check_cors(cors));
  cors.allow_methods->push_back("BREW");
  const auto checked = check_cors(cors);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, "ValidationException");
}

TEST(Strict, RefusesWhatIsOnlyKept) {
  api::CreateFunctionRequest request;
  request.runtime = "python3.11";
  request.tracing_config.emplace().mode = "PassThrough";
  request.vpc_config.emplace();  // no subnets: none
  EXPECT_TRUE(check_strict(request));
  request.tracing_config->mode = "Active";
  EXPECT_FALSE(check_strict(request));
  api::UpdateFunctionConfigurationRequest update;
  update.snap_start.emplace().apply_on = "PublishedVersions";
  EXPECT_TRUE(check_strict(update, "python3.11"));
  EXPECT_EQ(check_strict(update, "nodejs20.x").error().message,
            "nodejs20.x is not supported for SnapStart enabled functions.");
}

TEST(Strict, RefusesTagsOfThisServer) {
  const egress::NetworkRules rules;
  EXPECT_TRUE(check_own_tags({{"lambent:isolation", "request"}}, rules, false));
  EXPECT_FALSE(check_own_tags({{"lambent:isolation", "request"}}, rules, true));
  EXPECT_TRUE(check_own_tags({{"mine", "x"}}, rules, true));
}

}  // namespace
}  // namespace lambent::services::lambda
