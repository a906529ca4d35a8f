// The messages between the server and the egress process: plain data of fixed size, one a packet, same binary on both
// ends. The receiver checks every field.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "egress/notices.h"

namespace lambent::egress::protocol {

inline constexpr std::size_t kListBytes = 2048;   // addresses or ranges, comma-separated
inline constexpr std::size_t kTextBytes = 1032;   // a policy
inline constexpr std::size_t kTargetBytes = 320;  // a name of 253 characters and some words
inline constexpr std::size_t kReasonBytes = 160;

enum class Type : std::uint32_t {
  // server to egress
  configure = 1,
  open = 2,  // with two descriptors: the gate's TCP socket, its UDP socket
  close = 3,
  watch = 4,  // with one descriptor: the gate's refusals
  // egress to server
  ready = 101,
  notice = 102,
  hello = 103,
  closed = 104,
  died = 105,
};

struct Header {
  Type type;
  std::uint32_t bytes;  // of the whole message
  std::uint64_t id;     // names the gate; chosen by the server, never 0 (but in those that are about no gate)
};

// The answer to a hello, with its id. What came before it was for an earlier process, and is not looked at.
struct Configure {
  Header header;
  std::uint32_t connections;
  std::uint32_t connections_per_second;
  std::uint32_t queries_per_second;
  std::uint32_t idle_timeout_ms;
  std::array<char, kListBytes> denied;
  std::array<char, kListBytes> resolvers;
  std::array<char, 64> name_server;  // an address; port 53 of it is answered by the egress process
};

struct Open {
  Header header;
  std::array<char, kTextBytes> policy;
};

// Refusals of a sandbox whose policy opens nothing are told.
struct Watch {
  Header header;
};

struct Close {
  Header header;
};

// A process begins: it knows nothing yet. The id is its own number.
struct Hello {
  Header header;
};

// It serves, as the user that it will stay.
struct Ready {
  Header header;
};

// All of the gate was told.
struct Closed {
  Header header;
};

// Of the keeper: the process that served ended, and another one is started.
struct Died {
  Header header;
  std::int32_t status;  // of wait(2)
  std::uint32_t reserved;
};

struct NoticeMessage {
  Header header;
  std::uint64_t count;
  std::uint32_t kind;  // NoticeKind
  std::uint32_t reserved;
  std::array<char, kTargetBytes> target;
  std::array<char, kReasonBytes> reason;
};

static_assert(std::is_trivially_copyable_v<Configure> && std::is_trivially_copyable_v<NoticeMessage>);
inline constexpr std::size_t kLargest = sizeof(Configure);

// Text into and out of a fixed array: cut to fit, always NUL-terminated.
template <std::size_t N>
void put_text(std::array<char, N>& into, std::string_view text) {
  into.fill('\0');
  text.substr(0, text.find('\0')).copy(into.data(), N - 1);
}
template <std::size_t N>
std::string_view text_of(const std::array<char, N>& text) {
  const std::string_view all(text.data(), N);
  return all.substr(0, all.find('\0'));
}

template <class Message>
Message make(Type type, std::uint64_t id) {
  Message message{};
  message.header = {type, sizeof(Message), id};
  return message;
}

// The message in a packet, where its size and type are those of `Message`.
template <class Message>
std::optional<Message> take(std::span<const std::byte> packet, Type type) {
  if (packet.size() != sizeof(Message)) return std::nullopt;
  Message message{};
  std::copy(packet.begin(), packet.end(), reinterpret_cast<std::byte*>(&message));
  if (message.header.type != type || message.header.bytes != sizeof(Message)) return std::nullopt;
  return message;
}

}  // namespace lambent::egress::protocol
