// HTTP/1.1 messages out of bytes, without any I/O: the one place that decides where a message ends.
//
// A server that disagrees with somebody about that can be made to take one request for two (request smuggling), so
// everything that is ambiguous is refused rather than repaired: obs-fold, bare CR or LF, white space before a colon,
// control characters, Content-Length beside Transfer-Encoding, repeated or unusual Content-Length, any transfer coding
// but "chunked", repeated or missing Host. RFC 9112 sections 2.2, 5, 6, 7 and 11.
//
// How a message falls into pieces never changes the result: the parser looks only at whole heads, chunk lines and
// trailers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "edge/http.h"
#include "edge/http_error.h"
#include "edge/http_limits.h"

namespace lambent::edge {

// Reads one message after the other: parse a head, then the body to its end, then the next head.
class MessageParser {
 public:
  explicit MessageParser(const HttpLimits& limits);  // `limits` must outlive the parser
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  // `available`: all bytes that came after the last message. Gives the size of the head in bytes, which the caller
  // takes off; 0 while the head is incomplete (call again with more, from the same start).
  HttpResult<std::size_t> parse_request_head(std::string_view available, RequestHead& head);
  // The same for a response to a request of method HEAD or another: responses to HEAD have no body.
  HttpResult<std::size_t> parse_response_head(std::string_view available, ResponseHead& head, bool to_head_request);

  // One step through the body that follows the head: what to take off `available` and which part of it is body data.
  // Nothing taken and not done: more bytes are needed.
  struct BodyStep {
    std::size_t taken = 0;
    std::string_view data;  // within `available`
  };
  HttpResult<BodyStep> parse_body(std::string_view available);
  [[nodiscard]] bool body_done() const;
  // The peer ended its stream: true where that is the end of the body (responses without a length only).
  bool end_of_stream();

  // Bodies with a Content-Length need no parsing: how many bytes are still to come (0 for other bodies), and the note
  // that the caller took `bytes` of them straight from the socket.
  [[nodiscard]] std::uint64_t plain_remaining() const;
  void take_plain(std::uint64_t bytes);

  // The trailer fields of a chunked body; complete once body_done().
  [[nodiscard]] const Headers& trailers() const;

  struct Impl;  // Beast's parser

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambent::edge
