// One HTTP exchange as the protocols see it: the edge makes the request of what it parsed and sends the reply.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/task.h"

namespace lambent::protocol {

struct Header {
  std::string_view name;   // any case
  std::string_view value;  // without white space around it
};

// The views must stay valid until the request has been decoded, which is before the service is called.
// The body is owned: a payload (Invoke) is moved on, never copied. Bodies with 64 bytes of spare capacity are parsed in
// place.
struct HttpRequest {
  std::string_view method;          // "POST"
  std::string_view path;            // still percent-encoded, without the query: "/2015-03-31/functions"
  std::string_view query;           // still percent-encoded, without '?'
  std::span<const Header> headers;  // duplicates kept
  std::string body;

  // The first header of that name, in any case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

// A body that is made while it is sent.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // What comes next, not empty; nothing at the end.
  virtual net::Task<std::optional<std::string>> next() = 0;
  // Always awaited before it goes away, whether or not it was read to its end.
  virtual net::Task<> close() = 0;
};

// Without Content-Length, Date and Connection: those are the edge's.
struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::shared_ptr<BodySource> stream{};  // instead of `body`
};

// ASCII case-insensitive.
bool same_header_name(std::string_view a, std::string_view b);

}  // namespace lambent::protocol
