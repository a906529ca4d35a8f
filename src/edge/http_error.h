// Why a message could not be read or written.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "edge/http.h"

namespace lambent::edge {

struct HttpError {
  enum class Kind {
    closed,     // the peer ended the connection between two messages: nothing is lost
    truncated,  // the peer ended the connection inside a message
    socket,     // reading or writing failed, or the connection was closed from this side (also by a timeout)
    malformed,  // not HTTP/1.1 as RFC 9112 has it, or of a form that is refused because it can hide a second request
    too_large,  // over a limit: target, header fields, body
    refused,    // well-formed, but not something this server does
  };
  Kind kind;
  int status = 0;  // what to answer; 0 where nobody is there to hear it
  // What is wrong, for the peer: constant text, never bytes of the message.
  std::string_view message;
};

template <class T = void>
using HttpResult = std::expected<T, HttpError>;

[[nodiscard]] inline std::unexpected<HttpError> http_fail(HttpError::Kind kind, int status, std::string_view message) {
  return std::unexpected(HttpError{kind, status, message});
}

// {"message":"..."} with the error's status (400 where it has none).
Response error_response(const HttpError& error);

}  // namespace lambent::edge
