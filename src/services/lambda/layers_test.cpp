#include "base/files.h"
#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class LayerOperations : public ServiceTest {
 protected:
  auto publish(std::string name = "lib", std::string zip = "PK layer") {
    api::PublishLayerVersionRequest request;
    request.layer_name = std::move(name);
    request.description = "d";
    request.content.zip_file = std::move(zip);
    request.compatible_runtimes = std::vector<std::string>{"python3.11"};
    return t.run(service.publish_layer_version(call, std::move(request)));
  }
  auto create_with(std::vector<std::string> layers) {
    auto request = new_function();
    request.layers = std::move(layers);
    return create(std::move(request));
  }
  static std::string arn(const std::string& name) { return "arn:aws:lambda:us-east-1:000000000000:layer:" + name; }
  inline static const std::string kNone = "404 ResourceNotFoundException: The resource you requested does not exist.";
};

TEST_F(LayerOperations, ArePublishedShownAndListed) {
  const auto first = publish();
  ASSERT_TRUE(first) << outcome(first);
  EXPECT_EQ(first->layer_arn, arn("lib"));
  EXPECT_EQ(first->layer_version_arn, arn("lib:1"));
  EXPECT_EQ(first->version, 1);
  EXPECT_EQ(first->content->code_size, 8);
  EXPECT_EQ(publish("lib", "PK next")->version, 2);
  ASSERT_TRUE(publish("other"));
  const auto shown = t.run(service.get_layer_version(call, {.layer_name = "lib", .version_number = 1}));
  EXPECT_EQ(shown->content->code_sha256, first->content->code_sha256);
  const auto by_arn = t.run(service.get_layer_version_by_arn(call, {.arn = arn("lib:2")}));
  EXPECT_EQ(by_arn->version, 2);
  const auto listed = t.run(service.list_layers(call, {.max_items = 1}));
  ASSERT_EQ(listed->layers->size(), 1U);
  EXPECT_EQ(listed->layers->at(0).latest_matching_version->version, 2);
  ASSERT_TRUE(listed->next_marker);
  EXPECT_EQ(t.run(service.list_layers(call, {.marker = listed->next_marker}))->layers->at(0).layer_name, "other");
  EXPECT_TRUE(t.run(service.list_layers(call, {.compatible_runtime = "nodejs20.x"}))->layers->empty());
  const auto versions = t.run(service.list_layer_versions(call, {.layer_name = "lib"}));
  ASSERT_EQ(versions->layer_versions->size(), 2U);
  EXPECT_EQ(versions->layer_versions->at(0).version, 2) << "the newest first";
}

TEST_F(LayerOperations, AreDeletedAndNotFoundThen) {
  ASSERT_TRUE(publish());
  const auto erase = [&] {
    return outcome(t.run(service.delete_layer_version(call, {.layer_name = "lib", .version_number = 1})));
  };
  EXPECT_EQ(erase(), "ok");
  EXPECT_EQ(erase(), "ok");
  EXPECT_EQ(outcome(t.run(service.get_layer_version(call, {.layer_name = "lib", .version_number = 1}))), kNone);
  EXPECT_EQ(outcome(t.run(service.get_layer_version(call, {.layer_name = "lib", .version_number = 0}))),
            invalid("Layer Version Cannot be less than 1."));
  EXPECT_EQ(publish()->version, 2);
}

TEST_F(LayerOperations, AreMountedInTheOrderOfTheFunction) {
  ASSERT_TRUE(publish("a", "PK aaa"));
  ASSERT_TRUE(publish("b", "PK bbb"));
  const auto created = create_with({arn("a:1"), arn("b:1")});
  ASSERT_TRUE(created) << outcome(created);
  ASSERT_EQ(created->layers->size(), 2U);
  EXPECT_EQ(created->layers->at(1).arn, arn("b:1"));
  EXPECT_EQ(created->layers->at(1).code_size, 6);
  const auto function = t.catalog->find("hello");
  EXPECT_EQ(read_file(function->layers_code->folder + "/content", 100).value(), "PK bbb");

  const auto swapped = t.run(service.update_function_configuration(
      call, {.function_name = "hello", .layers = std::vector<std::string>{arn("b:1"), arn("a:1")}}));
  ASSERT_TRUE(swapped);
  EXPECT_EQ(read_file(t.catalog->find("hello")->layers_code->folder + "/content", 100).value(), "PK aaa");
  const auto one = t.run(service.update_function_configuration(
      call, {.function_name = "hello", .layers = std::vector<std::string>{arn("b:1")}}));
  EXPECT_EQ(t.catalog->find("hello")->layers_digest, t.layers->find("b", 1)->code_digest) << "mounted as it is";
  const auto none = t.run(
      service.update_function_configuration(call, {.function_name = "hello", .layers = std::vector<std::string>()}));
  EXPECT_FALSE(none->layers);
  EXPECT_FALSE(t.catalog->find("hello")->layers_code);
}

TEST_F(LayerOperations, OfAFunctionAreChecked) {
  ASSERT_TRUE(publish());
  ASSERT_TRUE(publish("lib", "PK next"));
  EXPECT_EQ(outcome(create_with({arn("none:1")})), invalid("Layer version " + arn("none:1") + " does not exist."));
  EXPECT_EQ(outcome(create_with({"arn:aws:lambda:us-east-1:123456789012:layer:lib:1"})),
            invalid("Layer version arn:aws:lambda:us-east-1:123456789012:layer:lib:1 does not exist."));
  EXPECT_EQ(outcome(create_with(std::vector<std::string>(6, arn("lib:1")))),
            invalid("Cannot reference more than 5 layers."));
  EXPECT_EQ(create_with({arn("lib:1"), arn("lib:2")}).error().code, "InvalidParameterValueException");
  EXPECT_EQ(t.catalog->size(), 0U);
}

TEST_F(LayerOperations, HaveAPolicy) {
  ASSERT_TRUE(publish());
  const auto add = [&](std::string sid, std::optional<std::string> revision = {}) {
    return t.run(service.add_layer_version_permission(call, {.layer_name = "lib",
                                                             .version_number = 1,
                                                             .statement_id = std::move(sid),
                                                             .action = "lambda:GetLayerVersion",
                                                             .principal = "*",
                                                             .revision_id = std::move(revision)}));
  };
  const auto policy = [&] {
    return t.run(service.get_layer_version_policy(call, {.layer_name = "lib", .version_number = 1}));
  };
  EXPECT_EQ(outcome(policy()), "404 ResourceNotFoundException: No policy is associated with the given resource.");
  const auto added = add("s1");
  ASSERT_TRUE(added) << outcome(added);
  EXPECT_EQ(add("s1").error().code, "ResourceConflictException");
  EXPECT_EQ(add("s2", "wrong").error().code, "PreconditionFailedException");
  ASSERT_TRUE(add("s2", added->revision_id));
  EXPECT_EQ(*policy()->policy,
            R"({"Version":"2012-10-17","Id":"default","Statement":[)"
            R"({"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":")" +
                arn("lib:1") +
                R"("},{"Sid":"s2","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":")" +
                arn("lib:1") + R"("}]})");
  const auto remove = [&](std::string sid) {
    return outcome(t.run(service.remove_layer_version_permission(
        call, {.layer_name = "lib", .version_number = 1, .statement_id = std::move(sid)})));
  };
  EXPECT_EQ(remove("s1"), "ok");
  EXPECT_EQ(remove("s1"), "404 ResourceNotFoundException: Statement s1 is not found in resource policy.");
}

}  // namespace
}  // namespace lambent::services::lambda
