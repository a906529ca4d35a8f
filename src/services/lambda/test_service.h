// The service with everything around it faked, for its tests.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "catalog/test_catalog.h"
#include "net/one_shot.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/snapshot_publisher.h"

namespace lambent::services::lambda {

class FakeInvoker final : public invoke::Invoker {
 public:
  net::Task<invoke::InvokeResult<invoke::Answer>> invoke(invoke::Call call) override {
    calls.push_back(std::move(call));
    co_return answer;
  }
  net::Task<invoke::InvokeResult<std::string>> enqueue(invoke::Call call) override {
    events.push_back(std::move(call));
    co_return enqueued;
  }
  invoke::InvokeResult<void> check(const invoke::Call&) override { return checked; }
  void retire(const catalog::Function& former) override { retired.push_back(former.name + ":" + former.version); }

  void follow(const catalog::Entry& entry) override { followed.push_back(entry.latest->name); }
  void forget(const std::string& name) override { forgotten.push_back(name); }
  net::Task<instance::SnapshotOutcome> make_snapshot(catalog::FunctionPtr version) override {
    made_snapshots.push_back(version->name + ":" + version->version);
    if (holds_snapshots) {
      const net::OneShot<bool> released;
      held_snapshots.push_back(released);
      std::ignore = co_await released;
    }
    co_return snapshot;
  }
  [[nodiscard]] scheduler::Readiness readiness(const catalog::Function&) const override { return ready; }

  std::vector<std::string> followed;
  std::vector<std::string> forgotten;
  scheduler::Readiness ready;
  std::vector<std::string> made_snapshots;
  bool holds_snapshots = false;  // make_snapshot() waits until it is released
  std::deque<net::OneShot<bool>> held_snapshots;
  instance::SnapshotOutcome snapshot{instance::SnapshotOutcome::Kind::made};
  std::vector<invoke::Call> calls;
  std::vector<invoke::Call> events;
  std::vector<std::string> retired;
  invoke::InvokeResult<invoke::Answer> answer = invoke::Answer{};
  invoke::InvokeResult<std::string> enqueued = "id";
  invoke::InvokeResult<void> checked;
};

class FakeRuntimes final : public invoke::RuntimeCatalog {
 public:
  [[nodiscard]] std::expected<void, std::string> can_run(const std::string& runtime) const override {
    if (runtime == "python3.11" || runtime == "provided.al2023") return {};
    return std::unexpected("there are python3.11, provided.al2023");
  }
  void expect(const std::string& runtime) override { expected.push_back(runtime); }

  std::vector<std::string> expected;
};

// Knows the stream "arn:aws:dynamodb:...:stream/here".
class FakeEventSources final : public invoke::EventSources {
 public:
  [[nodiscard]] bool takes(std::string_view arn) const override { return arn.contains("dynamodb"); }
  net::Task<bool> exists(std::string arn) override { co_return arn.ends_with("/stream/here"); }
  void follow(const catalog::EventSourceMapping& mapping) override { followed.push_back(mapping); }
  void forget(const std::string& id) override { forgotten.push_back(id); }
  [[nodiscard]] std::string last_result(const std::string&) const override { return "No records processed"; }

  std::vector<catalog::EventSourceMapping> followed;
  std::vector<std::string> forgotten;
};

class ServiceTest : public testing::Test {
 protected:
  void TearDown() override { t.run(snapshots.stop()); }

  static api::CreateFunctionRequest new_function(std::string name = "hello") {
    api::CreateFunctionRequest request;
    request.function_name = std::move(name);
    request.runtime = "python3.11";
    request.role = "arn:aws:iam::000000000000:role/any";
    request.handler = "app.handler";
    request.code.zip_file = "PK code";
    return request;
  }
  auto create(api::CreateFunctionRequest request) {
    auto answer = t.run(service.create_function(call, std::move(request)));
    if (answer) EXPECT_EQ(answer->state, "Pending");
    return answer;
  }
  auto configuration(std::string name = "hello") {
    return t.run(service.get_function_configuration(call, {.function_name = std::move(name)}));
  }

  // "<status> <code>: <message>", or "ok".
  template <class Answer>
  static std::string outcome(const Answer& answer) {
    if (answer) return "ok";
    return std::to_string(answer.error().status) + " " + answer.error().code + ": " + answer.error().message;
  }
  static std::string invalid(std::string_view message) {
    return "400 InvalidParameterValueException: " + std::string(message);
  }

  inline static const std::string kArn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
  inline static const std::string kNotFound = "404 ResourceNotFoundException: Function not found: ";

  catalog::TestCatalog t;
  FakeInvoker invoker;
  FakeRuntimes runtimes;
  FakeEventSources event_sources;
  FakeClock clock;
  FakeRandom random;
  identity::CredentialStore credentials{"000000000000", {"AKIAROOT", "secretsecret"}, random};
  SnapshotPublisher snapshots{*t.catalog, invoker, random};
  LambdaService service{{*t.catalog, *t.code, *t.layers, *t.documents, invoker, runtimes, event_sources, snapshots,
                         credentials, clock, random},
                        LambdaSettings{}};
  protocol::CallContext call{.request_id = "request-1", .account_id = "000000000000", .region = "us-east-1"};
};

}  // namespace lambent::services::lambda
