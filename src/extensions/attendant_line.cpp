#include "extensions/attendant_line.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace lambent::extensions {
namespace {

// The descriptor may be anything that a function can open.
bool is_tcp_socket(const UniqueFd& fd) {
  int domain = 0;
  int protocol = 0;
  socklen_t length = sizeof domain;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_INET) return false;
  length = sizeof protocol;
  return getsockopt(fd.get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 && protocol == IPPROTO_TCP;
}

}  // namespace

std::optional<AttendantMessage> parse_attendant_message(std::span<const std::byte> bytes, std::size_t extensions) {
  if (bytes.size() != kAttendantMessageBytes) return std::nullopt;
  AttendantMessage message;
  message.kind = static_cast<AttendantMessage::Kind>(bytes[0]);
  message.who = static_cast<std::uint8_t>(bytes[1]);
  std::memcpy(&message.port, &bytes[2], sizeof message.port);
  std::memcpy(&message.code, &bytes[4], sizeof message.code);
  switch (message.kind) {
    case AttendantMessage::Kind::ended:
    case AttendantMessage::Kind::not_executed:
      if (message.who != kTheRuntime && message.who >= extensions) return std::nullopt;
      return message;
    case AttendantMessage::Kind::socket:
      return message;
  }
  return std::nullopt;
}

net::Task<std::optional<Attendant>> AttendantLine::greeting(net::Loop& loop, const UniqueFd& runtime_line) {
  UniqueFd copy(fcntl(runtime_line.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) co_return std::nullopt;
  net::Seqpacket line(loop, std::move(copy));
  std::array<std::byte, 1> byte{};
  auto greeting = co_await line.receive(byte);
  if (!greeting || greeting->bytes != 1 || greeting->fds.size() != 2) co_return std::nullopt;
  co_return Attendant{std::move(greeting->fds[0]), std::move(greeting->fds[1])};
}

AttendantLine::AttendantLine(net::Loop& loop, UniqueFd control, std::size_t extensions, Observer& observer)
    : loop_(loop), control_(loop, std::move(control)), extensions_(extensions), observer_(observer) {
  scope_.spawn(listen());
}

net::Task<> AttendantLine::listen() {
  const net::OneShot<bool> begun;  // not from inside the constructor
  loop_.post([begun] { begun.set(true); });
  co_await begun;
  std::array<std::byte, kAttendantMessageBytes> bytes{};
  while (!stopping_) {
    auto received = co_await control_.receive(bytes);
    if (stopping_) break;
    if (!received) break;
    const auto message = parse_attendant_message(std::span(bytes).first(received->bytes), extensions_);
    if (!message || !take(*message, std::move(received->fds))) break;
  }
  is_lost_ = true;
  fail_asked();
  if (!stopping_) observer_.on_attendant_lost();
}

bool AttendantLine::take(const AttendantMessage& message, std::vector<UniqueFd> fds) {
  switch (message.kind) {
    case AttendantMessage::Kind::ended:
      observer_.on_ended(message.who, message.code);
      return true;
    case AttendantMessage::Kind::not_executed:
      observer_.on_not_executed(message.who, message.code);
      return true;
    case AttendantMessage::Kind::socket: {
      if (asked_.empty() || asked_.front().port != message.port) return false;
      const Asked asked = std::move(asked_.front());
      asked_.pop_front();
      if (fds.empty()) {
        asked.answer.set(fail({"connect", "inside", message.code, ""}));
      } else if (fds.size() == 1 && is_tcp_socket(fds[0])) {
        asked.answer.set(std::move(fds[0]));
      } else {
        asked.answer.set(fail(Error::of("connect", "inside", "no TCP socket")));
        return false;
      }
      return true;
    }
  }
  return false;
}

net::Task<Result<UniqueFd>> AttendantLine::connect(std::uint16_t port) {
  if (is_lost_ || stopping_) co_return fail({"connect", "inside", EPIPE, ""});
  const net::OneShot<Result<UniqueFd>> answer;
  asked_.push_back({port, answer});
  send('C', port);
  co_return co_await answer;
}

// Where it does not read, the sandbox is of no use, and the deadlines of its calls end it.
void AttendantLine::send(char kind, std::uint16_t port) {
  std::array<std::byte, kAttendantMessageBytes> bytes{};
  bytes[0] = static_cast<std::byte>(kind);
  std::memcpy(&bytes[2], &port, sizeof port);
  if (!is_lost_) std::ignore = control_.send(bytes);
}

void AttendantLine::fail_asked() {
  for (auto& asked : std::exchange(asked_, {})) asked.answer.set(fail({"connect", "inside", EPIPE, ""}));
}

void AttendantLine::stop() {
  if (std::exchange(stopping_, true)) return;
  control_.close();
  fail_asked();
}

net::Task<> AttendantLine::stopped() {
  stop();
  co_await scope_.join();
}

}  // namespace lambent::extensions
