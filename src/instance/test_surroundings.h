// Everything that instances need around them, on a folder of the test's own and a fake backend.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "instance/fake_backend.h"
#include "instance/fake_egress.h"
#include "instance/instance.h"

namespace lambent::instance {

// The host's clock, whose date can be stepped as an operator or a time server does.
class SteppedClock final : public Clock {
 public:
  [[nodiscard]] Monotonic monotonic() const override { return stands_at.value_or(real_.monotonic()); }
  [[nodiscard]] Wall wall() const override { return real_.wall() + step; }

  std::chrono::hours step{0};
  std::optional<Monotonic> stands_at;  // then nothing takes any time

 private:
  SystemClock real_;
};

class TestSurroundings {
 public:
  TestSurroundings() = default;
  ~TestSurroundings() { std::filesystem::remove_all(folder); }

  static std::string make_folder() {
    char pattern[] = "/tmp/lambent-instance-XXXXXX";
    return mkdtemp(pattern);
  }
  static catalog::FunctionPtr function(std::string name = "f", std::string revision = "r1") {
    catalog::Function made;
    made.name = std::move(name);
    made.configuration_id = std::move(revision);
    made.role = "arn:aws:iam::000000000000:role/any";
    made.runtime = "provided.al2023";
    made.state = "Active";
    auto code = std::make_shared<catalog::CodePackage>();
    code->folder = "/tmp";
    made.code = std::move(code);
    return std::make_shared<const catalog::Function>(std::move(made));
  }

  // Runs `test`, then takes the HTTP server down and ends the loop.
  void run(net::Task<> test) {
    scope.spawn(whole(std::move(test)));
    loop.run();
  }

  std::string folder = make_folder();
  net::Loop loop;
  SteppedClock clock;
  SystemRandom random;
  Limits limits;
  FakeBackend backend{loop};
  edge::HttpServer http{loop, clock};
  identity::CredentialStore credentials{"000000000000", {"AKIAROOT", "secret"}, random};
  telemetry::LogStore logs{folder, clock, {}};
  telemetry::ColdStartHistogram cold_starts;
  FakeEgress egress;
  egress::NetworkRules network;
  Surroundings around{.loop = loop,
                      .clock = clock,
                      .random = random,
                      .backend = backend,
                      .http = http,
                      .platform_handler = [](edge::Exchange&) -> net::Task<> { co_return; },
                      .credentials = credentials,
                      .logs = logs,
                      .cold_starts = cold_starts,
                      .egress = egress,
                      .network = network,
                      .limits = limits,
                      .platform = {.region = "us-east-1", .runtimes_folder = "/nowhere"}};
  net::Scope scope;

 private:
  net::Task<> whole(net::Task<> test) {
    co_await std::move(test);
    co_await http.drain(std::chrono::milliseconds(0));
    co_await backend.join();
    loop.post([this] { loop.stop(); });
  }
};

}  // namespace lambent::instance
