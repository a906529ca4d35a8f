// Any bytes from inside a sandbox on its runtime line: whatever comes, the session keeps to its states. An answer is
// taken once for each call that was handed out, within its bounds; a line that is lost is told once, and last.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "net/scope.h"
#include "runtime_api/session.h"
#include "runtime_caller.h"

namespace {

using namespace lambent;

using fuzz::check;

constexpr const char* kRequestId = "id-1";  // short, so that the fuzzer finds it

net::Task<> live(net::Loop& loop, runtime_api::Session& session) {
  co_await fuzz::take_turns(loop);
  co_await session.stopped();
  loop.post([&loop] { loop.stop(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 60'000) return 0;  // what the socket holds
  Limits limits;
  limits.sync_payload_bytes = 1000;
  net::Loop loop;
  fuzz::Caller caller(limits, {.request_id = kRequestId, .may_be_lost = true});
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
