#include "services/lambda/test_service.h"

namespace lambent::services::lambda {
namespace {

class Functions : public ServiceTest {};

TEST_F(Functions, AreCreatedPendingAndThenActive) {
  const auto created = create(new_function());
  ASSERT_TRUE(created) << outcome(created);
  EXPECT_EQ(created->function_arn, kArn);
  EXPECT_EQ(created->state_reason_code, "Creating");
  EXPECT_EQ(created->code_sha256, catalog::code_sha256_base64(store::sha256_hex("PK code")));
  EXPECT_EQ(created->code_size, 7);
  EXPECT_EQ(created->version, "$LATEST");
  EXPECT_EQ(created->timeout, 3);
  EXPECT_EQ(created->memory_size, 128);
  EXPECT_EQ(created->ephemeral_storage->size, 512);
  EXPECT_EQ(created->logging_config->log_group, "/aws/lambda/hello");
  EXPECT_FALSE(created->environment);

  const auto shown = configuration();
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->state, "Active");
  EXPECT_EQ(shown->last_update_status, "Successful");
  EXPECT_FALSE(shown->state_reason_code);
  EXPECT_EQ(shown->revision_id, created->revision_id);
}

TEST_F(Functions, KeepEverySetting) {
  auto request = new_function();
  request.description = "d";
  request.timeout = 900;
  request.memory_size = 10240;
  request.ephemeral_storage.emplace().size = 1024;
  request.environment.emplace().variables = protocol::Map<std::string>{{"B", "2"}, {"A", "1"}};
  request.tags = protocol::Map<std::string>{{"team", "x"}};
  request.tracing_config.emplace().mode = "Active";
  request.vpc_config.emplace().subnet_ids = std::vector<std::string>{"subnet-1"};
  request.dead_letter_config.emplace().target_arn = "arn:aws:sqs:us-east-1:000000000000:q";
  request.kms_key_arn = "arn:aws:kms:us-east-1:000000000000:key/k";
  request.logging_config.emplace().log_format = "JSON";
  request.snap_start.emplace().apply_on = "PublishedVersions";
  ASSERT_TRUE(create(request));
  t.restart();
  const LambdaService after{{*t.catalog, *t.code, *t.layers, *t.documents, invoker, runtimes, event_sources, snapshots,
                             credentials, clock, random},
                            LambdaSettings{}};
  const auto shown = t.run(const_cast<LambdaService&>(after).get_function(call, {.function_name = "hello"}));
  ASSERT_TRUE(shown);
  const auto& configuration = *shown->configuration;
  EXPECT_EQ(configuration.memory_size, 10240);
  EXPECT_EQ(configuration.ephemeral_storage->size, 1024);
  EXPECT_EQ(*configuration.environment->variables->find("A"), "1");
  EXPECT_EQ(configuration.tracing_config->mode, "Active");
  EXPECT_EQ(configuration.vpc_config->subnet_ids, std::vector<std::string>{"subnet-1"});
  EXPECT_EQ(configuration.dead_letter_config->target_arn, "arn:aws:sqs:us-east-1:000000000000:q");
  EXPECT_EQ(configuration.kms_key_arn, "arn:aws:kms:us-east-1:000000000000:key/k");
  EXPECT_EQ(configuration.logging_config->log_format, "JSON");
  EXPECT_EQ(configuration.snap_start->apply_on, "PublishedVersions");
  EXPECT_EQ(*shown->tags->find("team"), "x");
}

TEST_F(Functions, AreRefusedWhereTheNameIsTaken) {
  ASSERT_TRUE(create(new_function()));
  EXPECT_EQ(outcome(create(new_function())), "409 ResourceConflictException: Function already exist: hello");
  EXPECT_EQ(outcome(create(new_function("arn:aws:lambda:us-east-1:000000000000:function:hello"))),
            "409 ResourceConflictException: Function already exist: hello");
}

TEST_F(Functions, AreRefusedWithoutRuntimeHandlerOrCode) {
  const auto mandatory =
      invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  auto request = new_function();
  request.handler.reset();
  EXPECT_EQ(outcome(create(request)), mandatory);
  request = new_function();
  request.runtime.reset();
  EXPECT_EQ(outcome(create(request)), mandatory);
  request = new_function();
  request.code.zip_file.reset();
  EXPECT_EQ(outcome(create(request)), invalid("Please provide a source for function code."));
  EXPECT_EQ(t.catalog->size(), 0U);
}

TEST_F(Functions, NeedNoHandlerOnACustomRuntime) {
  auto request = new_function();
  request.runtime = "provided.al2023";
  request.handler.reset();
  EXPECT_EQ(outcome(create(request)), "ok");
}

TEST_F(Functions, AreRefusedWhereTheHostCannotRunThem) {
  auto request = new_function();
  request.runtime = "ruby3.4";
  EXPECT_EQ(outcome(create(request)),
            invalid("The runtime parameter of ruby3.4 is not supported for creating or updating AWS Lambda functions "
                    "on this host: there are python3.11, provided.al2023"));
  request = new_function();
  request.architectures = std::vector<std::string>{"arm64"};
  EXPECT_EQ(outcome(create(request)),
            invalid("The architecture arm64 is not available: this host runs x86_64 functions."));
}

TEST_F(Functions, AreRefusedWithWhatIsNotThereYet) {
  auto request = new_function();
  request.package_type = "Image";
  EXPECT_EQ(outcome(create(request)), invalid("PackageType Image is not supported by this server: use Zip."));
  request = new_function();
  request.code.zip_file.reset();
  request.code.s3_bucket = "bucket";
  request.code.s3_key = "key";
  EXPECT_EQ(outcome(create(request)), invalid("Code in S3 is not supported by this server: give the code as ZipFile."));
  request = new_function();
  request.file_system_configs.emplace().emplace_back();
  EXPECT_EQ(outcome(create(request)), invalid("FileSystemConfigs is not supported by this server."));
  request.file_system_configs->clear();
  EXPECT_EQ(outcome(create(request)), "ok");
}

TEST_F(Functions, AreRefusedWithABadPackageAndLeaveNothing) {
  const std::pair<std::string, std::string> cases[] = {
      {"garbage", invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")},
      {"EMPTY", invalid("Uploaded file must be a non-empty zip")},
      {"", invalid("Uploaded file must be a non-empty zip")},
      {"LARGE", invalid("Unzipped size must be smaller than 262144000 bytes")},
      {std::string(50 * kMiB + 1, 'x'),
       "413 RequestEntityTooLargeException: Request must be smaller than 70167211 bytes for the CreateFunction "
       "operation"},
      {"FAIL", "500 ServiceException: An error occurred and the request cannot be processed."}};
  for (const auto& [zip, expected] : cases) {
    auto request = new_function();
    request.code.zip_file = zip;
    EXPECT_EQ(outcome(create(request)), expected);
  }
  EXPECT_EQ(t.catalog->size(), 0U);
  EXPECT_TRUE(t.blobs->list()->empty());
  EXPECT_EQ(outcome(create(new_function())), "ok");
}

TEST_F(Functions, AreNotSeenWhereTheDiskFails) {
  t.store.fail_commit(1, ENOSPC);
  EXPECT_EQ(outcome(create(new_function())),
            "500 ServiceException: An error occurred and the request cannot be processed.");
  EXPECT_EQ(outcome(configuration()), kNotFound + kArn);
}

TEST_F(Functions, AreFoundByEveryFormOfTheirName) {
  ASSERT_TRUE(create(new_function()));
  for (const char* name :
       {"hello", "000000000000:function:hello", "hello:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:hello",
        "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST"}) {
    EXPECT_EQ(outcome(configuration(name)), "ok") << name;
  }
  EXPECT_EQ(configuration("hello:$LATEST")->function_arn, kArn + ":$LATEST");
  EXPECT_EQ(outcome(configuration("other")), kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:other");
  EXPECT_EQ(outcome(configuration("hello:7")), kNotFound + kArn + ":7");
  EXPECT_EQ(outcome(configuration("arn:aws:lambda:eu-west-1:000000000000:function:hello")),
            "404 ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region "
            "('us-east-1')");
  EXPECT_TRUE(outcome(configuration("123456789012:function:hello")).starts_with("403 AccessDeniedException: "));
}

TEST_F(Functions, ShowWhereTheirCodeIs) {
  ASSERT_TRUE(create(new_function()));
  const auto shown = t.run(service.get_function(call, {.function_name = "hello"}));
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->code->repository_type, "S3");
  EXPECT_TRUE(shown->code->location->starts_with("http://127.0.0.1:4566/_lambent/code/" + store::sha256_hex("PK code") +
                                                 "?X-Amz-Algorithm="))
      << *shown->code->location;
}

TEST_F(Functions, AreListedInPages) {
  for (const char* name : {"c", "a", "b"}) ASSERT_TRUE(create(new_function(name)));
  const auto first = t.run(service.list_functions(call, {.max_items = 2}));
  ASSERT_TRUE(first);
  ASSERT_EQ(first->functions->size(), 2U);
  EXPECT_EQ(first->functions->at(0).function_name, "a");
  const auto second = t.run(service.list_functions(call, {.marker = first->next_marker}));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->functions->at(0).function_name, "c");
  EXPECT_FALSE(second->next_marker);
  EXPECT_EQ(outcome(t.run(service.list_functions(call, {.marker = "forged"}))), invalid("Invalid Marker"));
  const auto all = t.run(service.list_functions(call, {.function_version = "ALL"}));
  EXPECT_EQ(all->functions->at(0).function_arn, "arn:aws:lambda:us-east-1:000000000000:function:a:$LATEST");
}

TEST_F(Functions, TakeNewCode) {
  const auto created = create(new_function());
  clock.advance(std::chrono::seconds(5));
  const auto updated = t.run(service.update_function_code(call, {.function_name = "hello", .zip_file = "PK two"}));
  ASSERT_TRUE(updated) << outcome(updated);
  EXPECT_EQ(updated->last_update_status, "InProgress");
  EXPECT_NE(updated->revision_id, created->revision_id);
  EXPECT_NE(updated->last_modified, created->last_modified);
  const auto shown = configuration();
  EXPECT_EQ(shown->last_update_status, "Successful");
  EXPECT_EQ(shown->code_sha256, catalog::code_sha256_base64(store::sha256_hex("PK two")));
  EXPECT_EQ(invoker.retired, std::vector<std::string>{"hello:$LATEST"});
  t.run(t.code->close());
  EXPECT_EQ(*t.blobs->list(), std::vector<std::string>{store::sha256_hex("PK two")});
}

TEST_F(Functions, StayAsTheyAreInADryRun) {
  const auto created = create(new_function());
  const auto dry =
      t.run(service.update_function_code(call, {.function_name = "hello", .zip_file = "PK two", .dry_run = true}));
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->code_sha256, catalog::code_sha256_base64(store::sha256_hex("PK two")));
  EXPECT_EQ(configuration()->code_sha256, created->code_sha256);
  EXPECT_EQ(configuration()->revision_id, created->revision_id);
  EXPECT_TRUE(invoker.retired.empty());
}

TEST_F(Functions, KeepTheirCodeWhereTheNewOneIsBad) {
  const auto created = create(new_function());
  EXPECT_EQ(outcome(t.run(service.update_function_code(call, {.function_name = "hello", .zip_file = "bad"}))),
            invalid("Could not unzip uploaded file. Please check your file, then try to upload again."));
  EXPECT_EQ(outcome(t.run(service.update_function_code(call, {.function_name = "hello"}))),
            invalid("Please provide a source for function code."));
  EXPECT_EQ(configuration()->revision_id, created->revision_id);
}

TEST_F(Functions, AreUpdatedOnlyFromTheRevisionTheCallerSaw) {
  const auto created = create(new_function());
  const auto stale =
      "412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. "
      "Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
  api::UpdateFunctionConfigurationRequest request;
  request.function_name = "hello";
  request.revision_id = "other";
  EXPECT_EQ(outcome(t.run(service.update_function_configuration(call, request))), stale);
  EXPECT_EQ(outcome(t.run(service.update_function_code(
                call, {.function_name = "hello", .zip_file = "PK two", .revision_id = "other"}))),
            stale);
  request.revision_id = created->revision_id;
  EXPECT_EQ(outcome(t.run(service.update_function_configuration(call, request))), "ok");
  EXPECT_EQ(outcome(t.run(service.update_function_configuration(call, request))), stale);
}

TEST_F(Functions, ChangeOnlyTheSettingsThatAreGiven) {
  auto request = new_function();
  request.description = "before";
  request.environment.emplace().variables = protocol::Map<std::string>{{"A", "1"}};
  ASSERT_TRUE(create(request));
  api::UpdateFunctionConfigurationRequest update;
  update.function_name = "hello";
  update.timeout = 30;
  const auto updated = t.run(service.update_function_configuration(call, update));
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->timeout, 30);
  EXPECT_EQ(updated->description, "before");
  EXPECT_EQ(*updated->environment->variables->find("A"), "1");
  update.environment.emplace().variables = protocol::Map<std::string>{};
  EXPECT_FALSE(t.run(service.update_function_configuration(call, update))->environment);
  EXPECT_EQ(invoker.retired, (std::vector<std::string>{"hello:$LATEST", "hello:$LATEST"}));
}

TEST_F(Functions, KeepTheirSettingsWhereANewOneIsWrong) {
  const auto created = create(new_function());
  api::UpdateFunctionConfigurationRequest update;
  update.function_name = "hello";
  update.timeout = 901;
  EXPECT_EQ(outcome(t.run(service.update_function_configuration(call, update))),
            "400 ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy "
            "constraint: Member must have value less than or equal to 900");
  update.timeout.reset();
  update.runtime = "python2.7";
  EXPECT_TRUE(outcome(t.run(service.update_function_configuration(call, update))).contains("python2.7"));
  update.runtime.reset();
  update.environment.emplace().variables = protocol::Map<std::string>{{"AWS_REGION", "x"}};
  EXPECT_TRUE(outcome(t.run(service.update_function_configuration(call, update))).contains("reserved keys"));
  EXPECT_EQ(configuration()->revision_id, created->revision_id);
  update.function_name = "other";
  EXPECT_EQ(outcome(t.run(service.update_function_configuration(call, update))),
            kNotFound + "arn:aws:lambda:us-east-1:000000000000:function:other");
}

TEST_F(Functions, AreChangedByOneClientAtATime) {
  ASSERT_TRUE(create(new_function()));
  const auto held = t.catalog->begin_change("hello");
  ASSERT_TRUE(held);
  const auto busy =
      "409 ResourceConflictException: The operation cannot be performed at this time. An update is in "
      "progress for resource: " +
      kArn;
  EXPECT_EQ(outcome(t.run(service.update_function_code(call, {.function_name = "hello", .zip_file = "PK two"}))), busy);
  EXPECT_EQ(outcome(t.run(service.delete_function(call, {.function_name = "hello"}))), busy);
}

TEST_F(Functions, AreGoneOnceDeleted) {
  ASSERT_TRUE(create(new_function()));
  EXPECT_EQ(outcome(t.run(service.delete_function(call, {.function_name = "hello", .qualifier = "$LATEST"}))),
            invalid("$LATEST version cannot be deleted without deleting the function."));
  const auto deleted = t.run(service.delete_function(call, {.function_name = "hello"}));
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->status_code, 204);
  EXPECT_EQ(outcome(configuration()), kNotFound + kArn);
  EXPECT_EQ(outcome(t.run(service.delete_function(call, {.function_name = "hello"}))), kNotFound + kArn);
  EXPECT_EQ(invoker.retired, std::vector<std::string>{"hello:$LATEST"});
  EXPECT_EQ(outcome(create(new_function())), "ok");
}

TEST_F(Functions, CarryTags) {
  ASSERT_TRUE(create(new_function()));
  const auto revision = configuration()->revision_id;
  ASSERT_TRUE(t.run(service.tag_resource(call, {.resource = kArn, .tags = {{"a", "1"}, {"b", "2"}}})));
  ASSERT_TRUE(t.run(service.untag_resource(call, {.resource = kArn, .tag_keys = {"a", "zz"}})));
  const auto tags = t.run(service.list_tags(call, {.resource = kArn}));
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->tags->size(), 1U);
  EXPECT_EQ(*tags->tags->find("b"), "2");
  EXPECT_EQ(configuration()->revision_id, revision);
  EXPECT_EQ(outcome(t.run(service.tag_resource(call, {.resource = kArn, .tags = {{"aws:x", "1"}}}))),
            invalid("System tags cannot be added or updated by requester"));
  EXPECT_TRUE(outcome(t.run(service.list_tags(call, {.resource = kArn + ":1"}))).starts_with("400 "));
  EXPECT_EQ(outcome(t.run(service.list_tags(call, {.resource = kArn + "x"}))), kNotFound + kArn + "x");
}

TEST_F(Functions, TakeTheirNetworkPolicyFromATag) {
  constexpr auto kTag = "lambent:network";
  auto request = new_function();
  request.tags = protocol::Map<std::string>{{kTag, "http://a.com"}};
  EXPECT_TRUE(outcome(create(request)).starts_with("400 InvalidParameterValueException"));
  request = new_function();
  request.tags = protocol::Map<std::string>{{kTag, "internet"}};
  ASSERT_TRUE(create(request));
  const auto first = t.catalog->find("hello");
  EXPECT_EQ(first->network, "internet");
  ASSERT_TRUE(t.run(service.tag_resource(call, {.resource = kArn, .tags = {{"team", "x"}}})));
  EXPECT_EQ(t.catalog->find("hello")->configuration_id, first->configuration_id);
  EXPECT_TRUE(invoker.retired.empty());
  ASSERT_TRUE(t.run(service.tag_resource(call, {.resource = kArn, .tags = {{kTag, "a.com"}}})));
  EXPECT_EQ(t.catalog->find("hello")->network, "a.com");
  EXPECT_NE(t.catalog->find("hello")->configuration_id, first->configuration_id);
  EXPECT_EQ(invoker.retired.size(), 1U);
  for (const char* beyond : {"10.0.0.0/8", "127.0.0.1", ""}) {
    EXPECT_TRUE(outcome(t.run(service.tag_resource(call, {.resource = kArn, .tags = {{kTag, beyond}}})))
                    .starts_with("400 InvalidParameterValueException"))
        << beyond;
  }
  ASSERT_TRUE(t.run(service.untag_resource(call, {.resource = kArn, .tag_keys = {kTag}})));
  EXPECT_EQ(t.catalog->find("hello")->network, "");
  EXPECT_EQ(invoker.retired.size(), 2U);
}

TEST_F(Functions, TakeTheirIsolationFromATag) {
  auto request = new_function();
  request.tags = protocol::Map<std::string>{{catalog::kIsolationTag, "none"}};
  EXPECT_TRUE(outcome(create(request)).starts_with("400 InvalidParameterValueException"));
  request.tags = protocol::Map<std::string>{{catalog::kIsolationTag, "request"}};
  ASSERT_TRUE(create(request));
  EXPECT_EQ(t.catalog->find("hello")->isolation, "request");
  ASSERT_TRUE(t.run(service.untag_resource(call, {.resource = kArn, .tag_keys = {catalog::kIsolationTag}})));
  EXPECT_EQ(t.catalog->find("hello")->isolation, "");
  EXPECT_EQ(invoker.retired.size(), 1U);
}

TEST_F(Functions, AreCountedForTheAccount) {
  ASSERT_TRUE(create(new_function("a")));
  ASSERT_TRUE(create(new_function("b")));
  const auto settings = t.run(service.get_account_settings(call, {}));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->account_limit->concurrent_executions, 1000);
  EXPECT_EQ(settings->account_limit->code_size_zipped, 52'428'800);
  EXPECT_EQ(settings->account_usage->function_count, 2);
  EXPECT_EQ(settings->account_usage->total_code_size, 7);
}

}  // namespace
}  // namespace lambent::services::lambda
