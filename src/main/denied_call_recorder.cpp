#include "main/denied_call_recorder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "sandbox/seccomp.h"

namespace lambent {
namespace {

constexpr std::chrono::seconds kGrace{2};  // after the end of a sandbox; its user id is used again much later

}  // namespace

DeniedCallRecorder::DeniedCallRecorder(net::Loop& loop, net::WorkPool& pool, const Clock& clock,
                                       sandbox::AuditListener listener, sandbox::Refusals refusals,
                                       const std::string& data_folder)
    : loop_(loop),
      pool_(pool),
      clock_(clock),
      listener_(std::move(listener)),
      refusals_(std::move(refusals)),
      path_(telemetry::DeniedCalls::path_in(data_folder)),
      timer_(loop) {
  auto kept = telemetry::DeniedCalls::load(path_);
  if (kept) {
    calls_ = *std::move(kept);
  } else {
    log::warning("refused system calls of earlier runs are forgotten: {}", kept.error().message());
  }
}

void DeniedCallRecorder::start() {
  scope_.spawn(record());
}

net::Task<> DeniedCallRecorder::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await scope_.join();
  take_round();
  if (is_changed_) co_await write();
}

net::Task<> DeniedCallRecorder::record() {
  while (!stopping_ && co_await timer_.sleep(kRound)) {
    take_round();
    if (is_changed_ && clock_.monotonic() - written_ >= kBetweenWrites) co_await write();
  }
}

net::Task<> DeniedCallRecorder::write() {
  is_changed_ = false;
  written_ = clock_.monotonic();
  const auto written =
      co_await pool_.run(loop_, [path = path_, text = calls_.text()] { return write_file_durably(path, text, 0600); });
  if (!written) log::warning("refused system calls are not kept: {}", written.error().message());
}

void DeniedCallRecorder::take_round() {
  for (const auto& call : std::exchange(early_, {})) count(call);
  bool lost = false;
  for (const auto& call : listener_.take(kMostInRound, lost)) {
    if (!count(call)) early_.push_back(call);
  }
  if (lost) {
    calls_.note_lost(clock_.wall_ms());
    is_changed_ = true;
  }
  forget_ended();
}

// False where nobody is known to have that user id.
bool DeniedCallRecorder::count(const sandbox::DeniedCall& call) {
  const auto found = subjects_.find(call.host_uid);
  if (found == subjects_.end()) return false;
  const auto& [function, profile] = found->second;
  const auto text = refusals_.describe(call, profile);
  const telemetry::DeniedCalls::Name name{std::string(sandbox::seccomp_policy_name(profile)), text.call, text.answer};
  if (calls_.add(function, name, 1, clock_.wall_ms())) tell(function, name);
  is_changed_ = true;
  return true;
}

void DeniedCallRecorder::tell(const std::string& function, const telemetry::DeniedCalls::Name& name) {
  const auto now = clock_.monotonic();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    lines_ = 0;
  }
  if (++lines_ > kLinesInASecond) return;
  log::info("function {}: the system call {} was refused ({}) by the policy {}; lambent doctor lists all", function,
            name.call, name.answer, name.policy);
}

void DeniedCallRecorder::began(std::uint32_t host_uid, std::string function, sandbox::SeccompProfile profile) {
  std::erase_if(ended_, [&](const Ended& one) { return one.host_uid == host_uid; });
  subjects_.insert_or_assign(host_uid, Subject{std::move(function), profile});
}

void DeniedCallRecorder::ended(std::uint32_t host_uid) {
  ended_.push_back({host_uid, clock_.monotonic()});
}

void DeniedCallRecorder::forget_ended() {
  const auto now = clock_.monotonic();
  while (!ended_.empty() && now - ended_.front().at >= kGrace) {
    subjects_.erase(ended_.front().host_uid);
    ended_.pop_front();
  }
}

net::Task<std::expected<sandbox::Child, sandbox::LaunchError>> RecordedBackend::launch(sandbox::Policy policy,
                                                                                       OnExit on_exit) {
  const std::string function = policy.owner;
  const auto profile = policy.seccomp;
  const auto host_uid = std::make_shared<std::uint32_t>(0);
  auto child = co_await backend_.launch(
      std::move(policy), [this, host_uid, on_exit = std::move(on_exit)](const sandbox::ExitReport& report) {
        if (*host_uid != 0) recorder_.ended(*host_uid);
        on_exit(report);
      });
  if (child && child->host_uid != 0) {
    *host_uid = child->host_uid;
    recorder_.began(*host_uid, function, profile);
  }
  co_return child;
}

}  // namespace lambent
