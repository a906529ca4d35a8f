#include "sandbox/sandbox_fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "net/seqpacket.h"
#include "net/timer.h"
#include "sandbox/spawner.h"

namespace lambent::sandbox {
namespace {

constexpr std::chrono::seconds kPatience{60};

net::Task<bool> close_client(SpawnerClient& client) {
  co_await client.close();
  co_return true;
}

net::Task<std::expected<Child, LaunchError>> launch_and_note(SpawnerClient& client, const Policy& policy,
                                                             std::vector<std::pair<ChildId, ExitReport>>& exits,
                                                             net::Loop& loop) {
  auto id = std::make_shared<ChildId>(0);
  auto child = co_await client.launch(policy, [id, &exits, &loop](const ExitReport& report) {
    exits.emplace_back(*id, report);
    loop.stop();
  });
  if (child) *id = child->id;
  co_return child;
}

}  // namespace

void SandboxFixture::SetUp() {
  char name[] = "/tmp/sandbox-test-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  folder_ = name;
  ASSERT_EQ(chmod(name, 0755), 0);
  start_client();
}

void SandboxFixture::TearDown() {
  stop_client();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

void SandboxFixture::start_client() {
  auto ends = net::Seqpacket::make_pair();
  ASSERT_TRUE(ends);
  spawner_ = fork();
  ASSERT_GE(spawner_, 0);
  if (spawner_ == 0) {
    ends->first.reset();
    if (before_spawner_) before_spawner_();
    _exit(run_spawner(ends->second.release()));
  }
  ends->second.reset();
  line_.reset(dup(ends->first.get()));
  client_ = std::make_unique<SpawnerClient>(loop_, SpawnerProcess{std::move(ends->first), spawner_});
  ASSERT_TRUE(client_->configure({.data_folder = folder_}));
  auto report = await(client_->start([this](const std::string& why) {
    broken_ = why;
    loop_.stop();
  }));
  ASSERT_TRUE(report) << report.error().message();
  report_ = *report;
  ASSERT_TRUE(report_.can_launch) << report_.text();
}

void SandboxFixture::stop_client() {
  if (!client_) return;
  EXPECT_TRUE(await(close_client(*client_)));
  client_.reset();
  loop_.run_until_idle();
}

Policy SandboxFixture::shell(const std::string& script) {
  Policy policy;
  policy.argv = {"/bin/sh", "-c", script};
  policy.environment = {"PATH=/usr/bin:/bin"};
  policy.working_folder = "/";
  policy.cpu_millicores = 2000;
  return policy;
}

Policy SandboxFixture::python(const std::string& script) {
  Policy policy = shell("");
  policy.argv = {"/usr/bin/python3", "-c", script};
  return policy;
}

Child SandboxFixture::launch(const Policy& policy) {
  auto child = await(launch_and_note(*client_, policy, exits_, loop_));
  if (!child) {
    ADD_FAILURE() << child.error().message();
    return {};
  }
  return *std::move(child);
}

LaunchError SandboxFixture::launch_that_fails(const Policy& policy) {
  auto child = await(launch_and_note(*client_, policy, exits_, loop_));
  EXPECT_FALSE(child);
  return child ? LaunchError{} : child.error();
}

void SandboxFixture::run_until(const std::function<bool()>& done) {
  bool is_late = false;
  net::Timer patience(loop_);
  patience.arm(kPatience, [&] {
    is_late = true;
    loop_.stop();
  });
  while (!done() && !is_late) loop_.run();
  EXPECT_FALSE(is_late) << "waited a minute in vain";
}

ExitReport SandboxFixture::wait_for(ChildId id) {
  const auto is_it = [id](const auto& exit) { return exit.first == id; };
  run_until([&] { return std::ranges::any_of(exits_, is_it); });
  const auto found = std::ranges::find_if(exits_, is_it);
  return found == exits_.end() ? ExitReport{} : found->second;
}

std::string SandboxFixture::read_log(const Child& child) {
  std::string text;
  char chunk[4096];
  for (;;) {
    pollfd ready{child.log.get(), POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) <= 0) {
      ADD_FAILURE() << "no end of output within a minute, so far: " << text;
      return text;
    }
    const ssize_t length = read(child.log.get(), chunk, sizeof chunk);
    if (length <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(length));
  }
}

Finished SandboxFixture::run(const Policy& policy) {
  const Child child = launch(policy);
  if (child.id == 0) return {};
  Finished finished;
  finished.output = read_log(child);
  finished.report = wait_for(child.id);
  return finished;
}

}  // namespace lambent::sandbox
