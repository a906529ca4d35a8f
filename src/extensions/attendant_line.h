// The server's end of the line to the attendant (runtimes/attendant): the first program in the sandbox of a function
// that has extensions, which starts them and the runtime and tells how they end.
//
// The attendant greets with one byte on the runtime line, and with it two descriptors: its control line (a seqpacket
// socket) and what the extensions print. Messages on the control line have 8 bytes, little-endian:
//
//     0  u8 kind    1  u8 who: an extension's index, or kTheRuntime    2  u16 port    4  i32 code
//
//     from it: 'X' who has ended, code as of wait(2)    'F' who could not be executed, code is errno
//              'S' with a descriptor: a socket that is being connected to port; without one: code is errno
//     to it:   'R' start the runtime    'T', 'K' SIGTERM, SIGKILL for the runtime    'C' connect to port inside
//
// It runs with the rights of the function's own code, which could speak in its place: nothing that comes is trusted.
// Used on the loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"
#include "net/one_shot.h"
#include "net/scope.h"
#include "net/seqpacket.h"
#include "net/task.h"

namespace lambent::extensions {

inline constexpr std::uint8_t kTheRuntime = 255;
inline constexpr std::size_t kAttendantMessageBytes = 8;

struct AttendantMessage {
  enum class Kind : std::uint8_t { ended = 'X', not_executed = 'F', socket = 'S' };
  Kind kind = Kind::ended;
  std::uint8_t who = 0;
  std::uint16_t port = 0;
  std::int32_t code = 0;
};

// Nothing where the bytes are no message of an attendant that started so many extensions.
std::optional<AttendantMessage> parse_attendant_message(std::span<const std::byte> bytes, std::size_t extensions);

// What the greeting brings.
struct Attendant {
  UniqueFd control;
  UniqueFd output;  // of the extensions; non-blocking
};

class AttendantLine {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // `status` as of wait(2). Each extension, and the runtime, ends once at most.
    virtual void on_ended(std::uint8_t who, int status) = 0;
    virtual void on_not_executed(std::uint8_t who, int error) = 0;
    // The line has come to its end, or to something that is no message: nothing more can come of it.
    virtual void on_attendant_lost() = 0;
  };

  // Waits for the greeting on `runtime_line`, of which not a byte more is read. Nothing: the sandbox has ended.
  static net::Task<std::optional<Attendant>> greeting(net::Loop& loop, const UniqueFd& runtime_line);

  // `observer` must outlive it. Calls to it come from the loop, until stop().
  AttendantLine(net::Loop& loop, UniqueFd control, std::size_t extensions, Observer& observer);
  // stopped() must have been awaited.
  ~AttendantLine() = default;
  AttendantLine(const AttendantLine&) = delete;
  AttendantLine& operator=(const AttendantLine&) = delete;

  void start_runtime() { send('R'); }
  void terminate_runtime() { send('T'); }
  void kill_runtime() { send('K'); }
  // A TCP socket inside, connected or about to be, to 127.0.0.1:port. An error where there is none.
  net::Task<Result<UniqueFd>> connect(std::uint16_t port);

  void stop();
  net::Task<> stopped();

 private:
  struct Asked {
    std::uint16_t port;
    net::OneShot<Result<UniqueFd>> answer;
  };

  net::Task<> listen();
  [[nodiscard]] bool take(const AttendantMessage& message, std::vector<UniqueFd> fds);
  void send(char kind, std::uint16_t port = 0);
  void fail_asked();

  net::Loop& loop_;
  net::Seqpacket control_;
  std::size_t extensions_;
  Observer& observer_;
  net::Scope scope_;
  std::deque<Asked> asked_;  // oldest first
  bool stopping_ = false;
  bool is_lost_ = false;
};

}  // namespace lambent::extensions
