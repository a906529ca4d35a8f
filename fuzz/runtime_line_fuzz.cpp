// Any bytes from inside a sandbox on its runtime line: whatever comes, the session keeps to its states. An answer is
// taken once for each call that was handed out, within its bounds; a line that is lost is told once, and last.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fd.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "runtime_api/session.h"

namespace {

using namespace lambent;

constexpr int kTurns = 60;
constexpr const char* kRequestId = "id-1";  // short, so that the fuzzer finds it

void check(bool holds) {
  if (!holds) std::abort();
}

class Caller final : public runtime_api::Observer {
 public:
  explicit Caller(const Limits& limits) : limits_(limits) {}

  void on_waiting() override {
    check(!is_lost_ && session->state() == runtime_api::Session::State::waiting && answers_ == calls_);
    calls_++;
    session->deliver({.request_id = kRequestId,
                      .payload = "{}",
                      .client_context = {},
                      .trace_header = "Root=1-x",
                      .invoked_arn = "arn",
                      .deadline = Wall(std::chrono::milliseconds(1'800'000'000'000))});
  }
  void on_answer(runtime_api::Answer answer) override {
    check(!is_lost_ && ++answers_ == calls_);
    check_error(answer);
  }
  void on_init_error(runtime_api::Answer error) override {
    check(!is_lost_ && error.is_error && ++init_errors_ == 1 && calls_ == 0);
    check_error(error);
  }
  void on_lost() override { check(!std::exchange(is_lost_, true)); }

  runtime_api::Session* session = nullptr;

 private:
  void check_error(const runtime_api::Answer& answer) const {
    check(answer.body.size() <= limits_.sync_payload_bytes);
    for (const char c : answer.error_type + answer.content_type) check(c >= ' ' && c <= '~');
  }

  const Limits& limits_;
  int calls_ = 0;
  int answers_ = 0;
  int init_errors_ = 0;
  bool is_lost_ = false;
};

net::Task<> live(net::Loop& loop, runtime_api::Session& session) {
  for (int i = 0; i < kTurns; i++) {
    const net::OneShot<bool> turn;
    loop.post([turn] { turn.set(true); });
    co_await turn;
  }
  co_await session.stopped();
  loop.post([&loop] { loop.stop(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 60'000) return 0;  // what the socket holds
  Limits limits;
  limits.sync_payload_bytes = 1000;
  net::Loop loop;
  Caller caller(limits);
  std::array<int, 2> ends{};
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd theirs(ends[1]);
  check(write(theirs.get(), data, size) == static_cast<ssize_t>(size));
  shutdown(theirs.get(), SHUT_WR);

  const auto session = runtime_api::make_line_session(loop, net::Stream(loop, UniqueFd(ends[0])), caller, limits);
  caller.session = session.get();
  net::Scope scope;
  scope.spawn(live(loop, *session));
  loop.run();
  return 0;
}
