// A minimal HTTP/1.1 client over one connected stream: one request after the other, no redirects, no proxies.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "edge/http.h"
#include "edge/http_error.h"
#include "edge/http_limits.h"
#include "edge/input_buffer.h"
#include "edge/message_parser.h"
#include "net/stream.h"
#include "net/task.h"

namespace lambent::edge {

// Host is the caller's to set. Content-Length is added for a body, and for POST, PUT and PATCH without one.
struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;
  std::string body;
};

class ClientConnection {
 public:
  explicit ClientConnection(net::Stream stream, const HttpLimits& limits = {});
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Sends a request and reads the whole response (bodies up to `body_limit` bytes).
  net::Task<HttpResult<Response>> exchange(const ClientRequest& request, std::size_t body_limit = 64 * kMiB);

  // The same in steps: for streamed responses, and for requests sent ahead.
  net::Task<HttpResult<>> send(const ClientRequest& request);
  // The response's head, 100 Continue skipped.
  net::Task<HttpResult<ResponseHead>> read_head(bool to_head_request = false);
  // The next piece of the body, empty at its end. The view is valid until the next call.
  net::Task<HttpResult<std::string_view>> read_body_some();
  net::Task<HttpResult<std::string>> read_body(std::size_t limit);
  [[nodiscard]] const Headers& trailers() const { return parser_.trailers(); }

  // The stream, for tests that send what no client should.
  [[nodiscard]] net::Stream& stream() { return stream_; }
  void close() { stream_.close(); }

 private:
  net::Task<HttpResult<std::size_t>> fill();

  HttpLimits limits_;
  net::Stream stream_;
  MessageParser parser_;
  InputBuffer in_;
  std::size_t body_view_bytes_ = 0;  // at the front of in_: what read_body_some() gave a view of
};

}  // namespace lambent::edge
