// Writing netlink requests: messages with nested attributes in one buffer, and sending a batch of them.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace lambent::sandbox {

// Messages one after the other, aligned as the kernel wants them. Numbers go in as they lie in memory.
class NetlinkBatch {
 public:
  // Begins a message; `body` is its fixed part (rtmsg, ifaddrmsg, nfgenmsg ...). NLM_F_REQUEST is added to `flags`.
  template <class Body>
  void begin(std::uint16_t type, std::uint16_t flags, const Body& body) {
    begin_message(type, flags, std::as_bytes(std::span(&body, 1)));
  }
  void put(std::uint16_t attribute, std::span<const std::byte> value);
  template <class Number>
  void put_number(std::uint16_t attribute, Number value) {
    put(attribute, std::as_bytes(std::span(&value, 1)));
  }
  void put_text(std::uint16_t attribute, std::string_view text);  // NUL-terminated
  // Attributes put until the matching close() are inside this one.
  void open(std::uint16_t attribute);
  void close();

  // Sends the batch and waits for the answer to each message that asked for one (NLM_F_ACK); the first refusal is the
  // error, with `step` and the target that the message was begun under.
  Result<> send(int socket, std::string_view step) const;

 private:
  void begin_message(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> body);
  void append(std::span<const std::byte> bytes);
  void finish_lengths();

  std::vector<std::byte> bytes_;
  std::size_t message_ = 0;
  std::vector<std::size_t> open_;
  std::uint32_t sequence_ = 0;
  std::uint32_t acknowledgements_ = 0;
};

// A netlink socket of the current network namespace, close-on-exec.
Result<UniqueFd> open_netlink(int protocol);

}  // namespace lambent::sandbox
