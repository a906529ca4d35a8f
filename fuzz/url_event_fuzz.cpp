// The event of a function URL from any request: always JSON.
#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "triggers/url_event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::triggers;
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 3), size - 3);
  const auto first = bytes.substr(0, data[0]);
  const auto second = bytes.substr(first.size(), data[1]);
  const auto third = bytes.substr(first.size() + second.size(), data[2]);
  const auto rest = bytes.substr(first.size() + second.size() + third.size());
  const std::array<HeaderField, 4> headers = {
      {{"x-a", first}, {"Cookie", second}, {"X-A", second}, {"Content-Type", third}}};
  UrlRequest request;
  request.method = "GET";
  request.raw_path = first;
  request.raw_query = second;
  request.headers = headers;
  request.body = rest;
  request.domain_name = third;
  simdjson::dom::parser parser;
  if (parser.parse(make_url_event(request)).error()) std::abort();
  return 0;
}
