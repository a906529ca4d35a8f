#include "edge/message_parser.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "edge/framing.h"

namespace lambent::edge {

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;
using Kind = HttpError::Kind;

// A chunk-size line: 16 hexadecimal digits and small extensions, which nobody sends.
constexpr std::size_t kChunkLineBytes = 1024;

constexpr std::array<std::string_view, 7> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

std::unexpected<HttpError> malformed(std::string_view message) {
  return http_fail(Kind::malformed, 400, message);
}
std::unexpected<HttpError> too_many_fields() {
  return http_fail(Kind::too_large, 431, "The header fields are too large.");
}

std::unexpected<HttpError> too_long_target() {
  return http_fail(Kind::too_large, 414, "The request target is too long.");
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string_view describe(const error_code& code) {
  if (code == http::error::bad_method) return "The request method is malformed.";
  if (code == http::error::bad_target) return "The request target is malformed.";
  if (code == http::error::bad_version) return "The request line is malformed.";
  if (code == http::error::bad_field) return "The name of a header field is malformed.";
  if (code == http::error::bad_value) return "The value of a header field is malformed.";
  if (code == http::error::bad_line_ending) return "A line does not end with CR LF.";
  if (code == http::error::bad_content_length || code == http::error::multiple_content_length) {
    return "Content-Length is malformed.";
  }
  if (code == http::error::bad_transfer_encoding) return "Transfer-Encoding is malformed.";
  if (code == http::error::bad_chunk || code == http::error::bad_chunk_extension) return "A chunk is malformed.";
  return "The message is malformed.";
}

using Fields = std::vector<Header>;  // views of the bytes being parsed

// Beast's parser with its events written down; all judgement beyond Beast's own is the caller's.
template <bool isRequest>
class Collector final : public http::basic_parser<isRequest> {
 public:
  Collector(Fields& fields, std::size_t field_limit) : fields_(fields), field_limit_(field_limit) {
    fields_.clear();
    this->header_limit(std::numeric_limits<std::uint32_t>::max());  // kept by MessageParser, over the whole head
    this->body_limit(boost::none);
  }

  // Gives Beast one whole element (a head, a chunk line, chunk data, a last chunk with its trailers).
  HttpResult<std::size_t> parse(std::string_view element) {
    element_ = element;
    data = {};
    error_code code;
    const std::size_t parsed = this->put(boost::asio::const_buffer(element.data(), element.size()), code);
    if (code == http::error::header_limit) return too_many_fields();
    if (code) return malformed(describe(code));
    return parsed;
  }

  std::string_view method;
  std::string_view target;
  std::string_view reason;
  int status = 0;
  int version = 0;
  std::string_view data;    // of a chunk
  bool chunk_done = false;  // with that data

 private:
  void on_request_impl(http::verb, BeastView method_text, BeastView target_text, int version_number,
                       error_code& ec) override {
    method = view(method_text);
    target = view(target_text);
    version = version_number;
    ec = {};
  }
  void on_response_impl(int code, BeastView reason_text, int version_number, error_code& ec) override {
    status = code;
    reason = view(reason_text);
    version = version_number;
    ec = {};
  }
  void on_field_impl(http::field, BeastView name, BeastView value, error_code& ec) override {
    ec = {};
    if (is_folded(view(name), view(value))) {
      ec = http::error::bad_value;
    } else if (fields_.size() >= field_limit_) {
      ec = http::error::header_limit;
    } else {
      fields_.push_back({.name = view(name), .value = view(value)});
    }
  }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& ec) override { ec = {}; }
  std::size_t on_body_impl(BeastView body, error_code& ec) override {
    ec = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastView extensions, error_code& ec) override {
    // Quoted strings in extensions may hold any byte; a line feed there ends the line for laxer parsers.
    ec = {};
    if (std::ranges::any_of(view(extensions), [](char c) { return is_control(c) && c != '\t'; })) {
      ec = http::error::bad_chunk_extension;
    }
    fields_.clear();  // of the head; what follows the last chunk are trailers
  }
  std::size_t on_chunk_body_impl(std::uint64_t remaining, BeastView body, error_code& ec) override {
    ec = {};
    data = view(body);
    chunk_done = remaining == body.size();
    return body.size();
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  // Beast joins obs-fold lines into a buffer of its own, or starts the value on the next line: a value that does not
  // stand on the line of its name was folded.
  [[nodiscard]] bool is_folded(std::string_view name, std::string_view value) const {
    const std::less<> before;
    const char* const after_name = name.data() + name.size();
    if (before(value.data(), after_name) || before(element_.data() + element_.size(), value.data())) return true;
    const std::string_view gap(after_name, static_cast<std::size_t>(value.data() - after_name));
    return gap.find_first_not_of(": \t") != std::string_view::npos;
  }

  Fields& fields_;
  std::size_t field_limit_;
  std::string_view element_;
};

// The size of the part of `text` that ends with an empty line, looking from `from` on; 0 where there is none yet.
std::size_t end_of_section(std::string_view text, std::size_t from) {
  const auto end = text.find("\r\n\r\n", from);
  return end == std::string_view::npos ? 0 : end + 4;
}

}  // namespace

struct MessageParser::Impl {
  enum class Body { none, plain, chunked, to_end };

  explicit Impl(const HttpLimits& with) : limits(with) {}

  const HttpLimits& limits;
  Fields fields;  // kept for its capacity
  std::optional<Collector<true>> request;
  std::optional<Collector<false>> response;
  std::size_t searched = 0;  // of an incomplete head: no end before this
  Body body = Body::none;
  std::uint64_t plain_left = 0;
  bool in_chunk = false;     // the next body bytes are chunk data
  bool after_chunk = false;  // the next body bytes are the CR LF that ends a chunk
  Headers trailers;

  HttpResult<std::size_t> find_head(std::string_view available);
  [[nodiscard]] std::unexpected<HttpError> over_limit(std::string_view head) const;
  template <bool isRequest>
  HttpResult<std::size_t> parse_head(Collector<isRequest>& collector, std::string_view head) const;
  template <bool isRequest>
  HttpResult<BodyStep> parse_chunked(Collector<isRequest>& collector, std::string_view available);
  HttpResult<std::size_t> find_chunk_line(std::string_view available) const;
  void start_body(bool chunked, std::optional<std::uint64_t> length, bool to_end);
  static void store(const Fields& fields, Headers& headers, std::size_t bytes);
};

// The size of the whole head, 0 where its end has not come yet.
HttpResult<std::size_t> MessageParser::Impl::find_head(std::string_view available) {
  if (!available.empty() && (is_control(available.front()) || available.front() == ' ')) {
    return malformed("The message does not start with a start line.");  // TLS, or a stray line
  }
  // A line feed without its carriage return would keep the end from being found: refused as soon as it is seen.
  for (auto line = available.find('\n', searched); line != std::string_view::npos;
       line = available.find('\n', line + 1)) {
    if (available[line - 1] != '\r') return malformed("A line does not end with CR LF.");
    if (line >= 3 && available[line - 2] == '\n') {
      if (line + 1 > limits.head_bytes) return over_limit(available);
      searched = 0;
      return line + 1;
    }
  }
  searched = available.size();
  if (available.size() >= limits.head_bytes) return over_limit(available);
  return 0;
}

std::unexpected<HttpError> MessageParser::Impl::over_limit(std::string_view head) const {
  if (head.find('\r') > limits.target_bytes) return too_long_target();
  return too_many_fields();
}

// The whole head, and nothing but the head.
template <bool isRequest>
HttpResult<std::size_t> MessageParser::Impl::parse_head(Collector<isRequest>& collector, std::string_view head) const {
  const auto parsed = collector.parse(head);
  if (parsed && (*parsed != head.size() || !collector.is_header_done())) {
    return malformed("The message is malformed.");
  }
  return parsed;
}

void MessageParser::Impl::start_body(bool chunked, std::optional<std::uint64_t> length, bool to_end) {
  plain_left = 0;
  in_chunk = after_chunk = false;
  trailers.clear();
  body = Body::none;
  if (chunked) {
    body = Body::chunked;
  } else if (length.value_or(0) > 0) {
    body = Body::plain;
    plain_left = *length;
  } else if (to_end && !length) {
    body = Body::to_end;
  }
}

void MessageParser::Impl::store(const Fields& fields, Headers& headers, std::size_t bytes) {
  headers.clear();
  headers.reserve(fields.size(), bytes);
  for (const auto [name, value] : fields) headers.add_checked(name, value);
}

// The next element of a chunked body that is not data: a chunk-size line (with the CR LF of the chunk before it), or
// the last chunk with its trailers. Its size; 0 where it has not come whole. Beast gets nothing but whole elements.
HttpResult<std::size_t> MessageParser::Impl::find_chunk_line(std::string_view available) const {
  const std::size_t begin = after_chunk ? 2 : 0;
  if (available.size() <= begin) return 0;
  const auto line_end = available.find('\n', begin);
  if (line_end == std::string_view::npos) {
    if (available.size() > kChunkLineBytes) return malformed("A chunk is malformed.");
    return 0;
  }
  if (line_end == begin || available[line_end - 1] != '\r' || line_end > kChunkLineBytes) {
    return malformed("A chunk is malformed.");
  }
  const auto size_text = available.substr(begin, available.find_first_not_of('0', begin) - begin);
  const bool is_last = !size_text.empty() && std::string_view(" \t;\r").contains(available[begin + size_text.size()]);
  if (!is_last) return line_end + 1;
  const std::size_t end = end_of_section(available, line_end - 1);
  if (end > limits.head_bytes || (end == 0 && available.size() >= limits.head_bytes)) return too_many_fields();
  return end;
}

template <bool isRequest>
HttpResult<MessageParser::BodyStep> MessageParser::Impl::parse_chunked(Collector<isRequest>& collector,
                                                                       std::string_view available) {
  std::size_t taken = 0;
  while (taken < available.size()) {
    auto rest = available.substr(taken);
    if (!in_chunk) {
      const auto element = find_chunk_line(rest);
      if (!element) return std::unexpected(element.error());
      if (*element == 0) break;
      rest = rest.substr(0, *element);
    }
    const auto parsed = collector.parse(rest);
    if (!parsed) return std::unexpected(parsed.error());
    taken += *parsed;
    if (collector.is_done()) {
      store(fields, trailers, rest.size());
      body = Body::none;
      break;
    }
    if (in_chunk) {
      after_chunk = collector.chunk_done;
      in_chunk = !after_chunk;
      return BodyStep{.taken = taken, .data = collector.data};
    }
    in_chunk = true;
  }
  return BodyStep{.taken = taken};
}

MessageParser::MessageParser(const HttpLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
MessageParser::~MessageParser() = default;

HttpResult<std::size_t> MessageParser::parse_request_head(std::string_view available, RequestHead& head) {
  const auto size = impl_->find_head(available);
  if (!size || *size == 0) return size;
  auto& collector = impl_->request.emplace(impl_->fields, impl_->limits.header_count);
  const auto parsed = impl_->parse_head(collector, available.substr(0, *size));
  if (!parsed) return parsed;

  head.is_http10 = collector.version == 10;
  const auto framing = read_framing(impl_->fields, head.is_http10);
  if (!framing) return std::unexpected(framing.error());
  if (collector.target.size() > impl_->limits.target_bytes) return too_long_target();
  if (std::ranges::find(kMethods, collector.method) == kMethods.end()) {
    return http_fail(Kind::refused, 501, "The request method is not implemented.");
  }
  if (framing->hosts > 1 || (framing->hosts == 0 && !head.is_http10)) return malformed("There must be one Host field.");
  const auto target = origin_form(collector.method, collector.target, framing->host);
  if (!target) return std::unexpected(target.error());
  if (!framing->expect.empty() && !equals_ignoring_case(framing->expect, "100-continue")) {
    return http_fail(Kind::refused, 417, "The only expectation understood is 100-continue.");
  }

  head.method = collector.method;
  head.target = *target;
  head.content_length = framing->content_length;
  head.is_chunked = framing->is_chunked;
  head.keep_alive = collector.keep_alive();
  head.expects_continue = !framing->expect.empty() && !head.is_http10;
  Impl::store(impl_->fields, head.headers, *size + impl_->fields.size());
  impl_->start_body(head.is_chunked, head.content_length, false);
  return *size;
}

HttpResult<std::size_t> MessageParser::parse_response_head(std::string_view available, ResponseHead& head,
                                                           bool to_head_request) {
  const auto size = impl_->find_head(available);
  if (!size || *size == 0) return size;
  auto& collector = impl_->response.emplace(impl_->fields, impl_->limits.header_count);
  impl_->request.reset();
  collector.skip(to_head_request);
  const auto parsed = impl_->parse_head(collector, available.substr(0, *size));
  if (!parsed) return parsed;
  head.is_http10 = collector.version == 10;
  const auto framing = read_framing(impl_->fields, head.is_http10);
  if (!framing) return std::unexpected(framing.error());

  head.status = collector.status;
  head.reason = collector.reason;
  head.content_length = framing->content_length;
  head.is_chunked = framing->is_chunked;
  head.keep_alive = collector.keep_alive();
  Impl::store(impl_->fields, head.headers, *size + impl_->fields.size());
  const bool no_body = to_head_request || head.status / 100 == 1 || head.status == 204 || head.status == 304;
  impl_->start_body(head.is_chunked && !no_body, no_body ? 0 : head.content_length, !no_body);
  return *size;
}

HttpResult<MessageParser::BodyStep> MessageParser::parse_body(std::string_view available) {
  Impl& impl = *impl_;
  switch (impl.body) {
    case Impl::Body::none:
      return BodyStep{};
    case Impl::Body::to_end:
      return BodyStep{.taken = available.size(), .data = available};
    case Impl::Body::plain: {
      const auto data = available.substr(0, std::min<std::uint64_t>(available.size(), impl.plain_left));
      take_plain(data.size());
      return BodyStep{.taken = data.size(), .data = data};
    }
    case Impl::Body::chunked:
      break;
  }
  return impl.request ? impl.parse_chunked(*impl.request, available) : impl.parse_chunked(*impl.response, available);
}

bool MessageParser::body_done() const {
  return impl_->body == Impl::Body::none;
}

bool MessageParser::end_of_stream() {
  if (impl_->body == Impl::Body::to_end) impl_->body = Impl::Body::none;
  return body_done();
}

std::uint64_t MessageParser::plain_remaining() const {
  return impl_->plain_left;
}

void MessageParser::take_plain(std::uint64_t bytes) {
  impl_->plain_left -= bytes;
  if (impl_->plain_left == 0) impl_->body = Impl::Body::none;
}

const Headers& MessageParser::trailers() const {
  return impl_->trailers;
}

}  // namespace lambent::edge
