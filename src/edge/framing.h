// What the fields of a head say about where its message ends, and whom it is for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "edge/http.h"
#include "edge/http_error.h"

namespace lambent::edge {

struct Framing {
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  std::size_t hosts = 0;
  std::string_view host;
  std::string_view expect;
};

// Refuses every form that two readers could take differently, where Beast is more lenient: lists and repetitions of
// Content-Length, transfer codings other than one "chunked", both at once.
HttpResult<Framing> read_framing(std::span<const Header> fields, bool is_http10);

// The target without scheme and authority ("http://host/path", which must name the same host as the Host field).
HttpResult<std::string_view> origin_form(std::string_view method, std::string_view target, std::string_view host);

}  // namespace lambent::edge
