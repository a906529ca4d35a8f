// How the URLs of functions look, both ways: the URL that the API shows, and the function that a request is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lambent::catalog {

// Lower-case letters and digits, as AWS makes them.
inline constexpr std::size_t kUrlIdLength = 32;
inline constexpr std::string_view kUrlIdAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

struct FunctionUrlAddress {
  enum class Style {
    host,  // http://<id>.lambda-url.<region>.<domain>:<port>/
    path,  // http://<bind>:<port>/lambda-url/<id>/
  };
  Style style = Style::path;
  std::string region = "us-east-1";
  std::string domain = "localhost";  // host style
  std::string bind = "127.0.0.1";    // path style: the name or address that clients reach the server by
  std::uint16_t port = 4566;

  // The FunctionUrl member of the API, with its closing '/'.
  [[nodiscard]] std::string url_of(std::string_view url_id) const;
};

// The function URL that a request goes to. Both styles are always understood, whichever is shown. Views into the
// arguments.
struct FunctionUrlMatch {
  std::string_view url_id;    // kUrlIdLength characters of the alphabet, not looked up yet
  std::string_view raw_path;  // what the function sees as its path, still percent-encoded, starts with '/'
};

// `host`: the Host header, with or without port. `path`: percent-encoded, without query. Nothing where the request is
// not for a function URL.
std::optional<FunctionUrlMatch> match_function_url(std::string_view host, std::string_view path);

}  // namespace lambent::catalog
