// For tests: a real spawner in a process of its own, and its client on a loop that runs only inside the calls below.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "sandbox/spawner_client.h"

namespace lambent::sandbox {

struct Finished {
  std::string output;  // all that the program wrote
  ExitReport report;
};

class SandboxFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A policy that runs a shell script; tests change what they need.
  static Policy shell(const std::string& script);
  static Policy python(const std::string& script);

  Child launch(const Policy& policy);                   // must succeed
  LaunchError launch_that_fails(const Policy& policy);  // must fail
  ExitReport wait_for(ChildId id);                      // of a launched one; fails the test after a minute
  std::string read_log(const Child& child);             // until its end
  Finished run(const Policy& policy);                   // launch, read, wait
  std::string output_of(const Policy& policy) { return run(policy).output; }
  void start_client();
  void stop_client();

  template <class T>
  T await(net::Task<T> task) {
    std::optional<T> out;
    net::Scope scope;
    scope.spawn(store(std::move(task), out, loop_));
    while (!out) loop_.run();  // an exit that is told meanwhile stops the loop too
    return *std::move(out);
  }
  // Runs the loop until `done` holds, a minute at the most.
  void run_until(const std::function<bool()>& done);

  net::Loop loop_;
  std::string folder_;  // of the test's own, removed at the end
  pid_t spawner_ = -1;
  UniqueFd line_;  // the client's end once more: shut down, it looks to the spawner as if the server had died
  std::unique_ptr<SpawnerClient> client_;
  HostReport report_;
  std::optional<std::string> broken_;
  std::vector<std::pair<ChildId, ExitReport>> exits_;
  // Runs in the forked process before the spawner starts; to give rights up, say.
  std::function<void()> before_spawner_;

 private:
  template <class T>
  static net::Task<> store(net::Task<T> task, std::optional<T>& out, net::Loop& loop) {
    out.emplace(co_await std::move(task));
    loop.stop();
  }
};

}  // namespace lambent::sandbox
