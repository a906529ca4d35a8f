// Keeps which system calls the filters of functions refuse (setting record_denied_calls): counted for each function,
// told once in the server's log, kept in a file of the data folder that `lambent doctor` prints.
//
// The cost is bounded whatever functions do: kMostInRound records in each kRound, the rest is dropped by the kernel and
// the table says so. All members are for the loop's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "instance/backend.h"
#include "net/loop.h"
#include "net/scope.h"
#include "net/task.h"
#include "net/timer.h"
#include "net/work_pool.h"
#include "sandbox/audit_listener.h"
#include "telemetry/denied_calls.h"

namespace lambent {

class DeniedCallRecorder {
 public:
  static constexpr std::chrono::milliseconds kRound{100};
  static constexpr std::size_t kMostInRound = 256;
  static constexpr std::chrono::seconds kBetweenWrites{1};
  static constexpr std::size_t kLinesInASecond = 5;  // of the log

  // What was kept of earlier runs in the data folder goes on. All outlive it.
  DeniedCallRecorder(net::Loop& loop, net::WorkPool& pool, const Clock& clock, sandbox::AuditListener listener,
                     sandbox::Refusals refusals, const std::string& data_folder);

  void start();
  // One last round and one last write, then nothing more.
  net::Task<> stop();

  // Which function a host user id stands for; records of others are dropped. What comes a moment after the end is still
  // counted: the kernel tells a little later.
  void began(std::uint32_t host_uid, std::string function, sandbox::SeccompProfile profile);
  void ended(std::uint32_t host_uid);

 private:
  struct Subject {
    std::string function;
    sandbox::SeccompProfile profile;
  };
  struct Ended {
    std::uint32_t host_uid;
    Monotonic at;
  };

  net::Task<> record();
  net::Task<> write();
  void take_round();
  bool count(const sandbox::DeniedCall& call);
  void forget_ended();
  void tell(const std::string& function, const telemetry::DeniedCalls::Name& name);

  net::Loop& loop_;
  net::WorkPool& pool_;
  const Clock& clock_;
  sandbox::AuditListener listener_;
  sandbox::Refusals refusals_;
  std::string path_;
  telemetry::DeniedCalls calls_;
  bool is_changed_ = false;
  Monotonic written_{};
  std::unordered_map<std::uint32_t, Subject> subjects_;
  std::deque<Ended> ended_;
  std::vector<sandbox::DeniedCall> early_;  // by whom is not known yet: they came before the launch was told
  Monotonic second_{};
  std::size_t lines_ = 0;  // of the log, in this second
  net::Timer timer_;
  net::Scope scope_;
  bool stopping_ = false;
};

// Tells the recorder which sandbox is which function's.
class RecordedBackend final : public instance::Backend {
 public:
  // Both outlive it.
  RecordedBackend(instance::Backend& backend, DeniedCallRecorder& recorder) : backend_(backend), recorder_(recorder) {}

  net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> launch(sandbox::Policy policy,
                                                                        OnExit on_exit) override;
  void keep_ready(std::uint32_t kind, const sandbox::Policy& like, std::uint32_t ready, bool is_template) override {
    backend_.keep_ready(kind, like, ready, is_template);
  }
  net::Task<bool> forkable(sandbox::ChildId id) override { co_return co_await backend_.forkable(id); }
  void set_cpu(sandbox::ChildId id, std::uint32_t millicores) override { backend_.set_cpu(id, millicores); }
  void kill(sandbox::ChildId id) override { backend_.kill(id); }

 private:
  instance::Backend& backend_;
  DeniedCallRecorder& recorder_;
};

}  // namespace lambent
