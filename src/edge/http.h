// HTTP messages as values: header fields, heads of requests and responses.
//
// Nothing here reads or writes sockets; message_parser.h makes these from bytes, connection.h moves them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lambent::edge {

// One field. The views are valid until the Headers they came from is changed or goes away.
struct Header {
  std::string_view name;   // as written; compare without regard to case
  std::string_view value;  // without white space around it
};

// Header fields (or trailer fields) in order, duplicates kept. Names are compared without regard to case.
//
// All fields share one text in wire form, so that building, copying and sending a whole set is cheap.
class Headers {
 public:
  class Iterator {
   public:
    using value_type = Header;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    Iterator() = default;
    Iterator(const Headers* headers, std::size_t index) : headers_(headers), index_(index) {}
    Header operator*() const { return (*headers_)[index_]; }
    Iterator& operator++() {
      index_++;
      return *this;
    }
    Iterator operator++(int) { return {headers_, index_++}; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Headers* headers_ = nullptr;
    std::size_t index_ = 0;
  };

  Headers() = default;
  Headers(std::initializer_list<Header> fields);

  // Appends a field. False, and nothing is added, where the name is not a token of RFC 9110 or the value holds a
  // control character (CR, LF and NUL above all): what functions and clients say can never split a message in two.
  bool add(std::string_view name, std::string_view value);
  // Replaces all fields of that name by this one; the same refusals as add(), which leave the old fields in place.
  bool set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();
  void reserve(std::size_t fields, std::size_t bytes);

  // The first field of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
  [[nodiscard]] std::string_view get_or(std::string_view name, std::string_view otherwise) const;
  [[nodiscard]] std::vector<std::string_view> get_all(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }

  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] Header operator[](std::size_t index) const;
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, fields_.size()}; }

  // "Name: value\r\n" of every field, in order.
  [[nodiscard]] std::string_view wire() const { return wire_; }

 private:
  friend class MessageParser;  // adds fields that are already known to be well-formed
  void add_checked(std::string_view name, std::string_view value);

  struct Field {
    std::uint32_t begin;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  std::string wire_;
  std::vector<Field> fields_;
};

// True where both are equal without regard to the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

struct RequestHead {
  std::string method;  // one of GET HEAD POST PUT PATCH DELETE OPTIONS
  // Path and query exactly as sent: percent-encoded, never normalised. Starts with '/' ("*" for OPTIONS * only); of a
  // target in absolute form ("http://host/path") the scheme and the authority are taken off.
  std::string target;
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool keep_alive = true;         // what the client asks for
  bool expects_continue = false;  // answered by the connection when the body is first read
  bool is_http10 = false;

  [[nodiscard]] std::string_view path() const;   // the target up to '?'
  [[nodiscard]] std::string_view query() const;  // what follows the first '?', may be empty
  [[nodiscard]] bool has_body() const { return is_chunked || content_length.value_or(0) > 0; }
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool keep_alive = true;
  bool is_http10 = false;
};

// A whole response. The connection adds Date, Content-Length and Connection: leave these out of `headers`.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

// "Not Found"; "Unknown" for a code that RFC 9110 does not list.
std::string_view status_text(int status);

}  // namespace lambent::edge
