#include "catalog/function_url_address.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::catalog {
namespace {

constexpr std::string_view kHostMark = ".lambda-url.";
constexpr std::string_view kPathMark = "/lambda-url/";

bool is_url_id(std::string_view text) {
  return text.size() == kUrlIdLength &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string FunctionUrlAddress::url_of(std::string_view url_id) const {
  if (style == Style::host) return fmt::format("http://{}.lambda-url.{}.{}:{}/", url_id, region, domain, port);
  return fmt::format("http://{}:{}/lambda-url/{}/", bind.contains(':') ? "[" + bind + "]" : bind, port, url_id);
}

std::optional<FunctionUrlMatch> match_function_url(std::string_view host, std::string_view path) {
  if (host.size() > kUrlIdLength && host.substr(kUrlIdLength).starts_with(kHostMark)) {
    const auto url_id = host.substr(0, kUrlIdLength);
    if (is_url_id(url_id)) return FunctionUrlMatch{url_id, path.empty() ? "/" : path};
  }
  if (!path.starts_with(kPathMark)) return std::nullopt;
  const auto rest = path.substr(kPathMark.size());
  const auto url_id = rest.substr(0, rest.find('/'));
  if (!is_url_id(url_id)) return std::nullopt;
  const auto raw_path = rest.substr(url_id.size());
  return FunctionUrlMatch{url_id, raw_path.empty() ? "/" : raw_path};
}

}  // namespace lambent::catalog
