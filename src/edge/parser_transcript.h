// What a parser made of a stream of bytes, as text: for tests and the fuzz target.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include "edge/message_parser.h"

namespace lambent::edge {

// Reads requests from `bytes`, of which `first` are visible at the start and `piece` more whenever more are needed: one
// line for each request ("POST /x [body] {trailers}"), then "error 400", "waiting" (bytes are missing) or nothing.
inline std::string transcribe_requests(std::string_view bytes, std::size_t first, std::size_t piece,
                                       const HttpLimits& limits) {
  MessageParser parser(limits);
  std::string transcript;
  std::size_t taken = 0;
  std::size_t visible = std::min(first, bytes.size());
  // A copy of just what is visible, so that a sanitizer sees reads beyond it.
  std::string window;
  const auto show_more = [&] {
    if (visible >= bytes.size()) return false;
    visible = std::min(bytes.size(), visible + piece);
    return true;
  };
  const auto available = [&] {
    window = bytes.substr(taken, visible - taken);
    window.shrink_to_fit();
    return std::string_view(window);
  };
  for (;;) {
    RequestHead head;
    const auto size = parser.parse_request_head(available(), head);
    if (!size) return transcript + fmt::format("error {}", size.error().status);
    if (*size == 0) {
      if (show_more()) continue;
      return taken == bytes.size() ? transcript : transcript + "waiting";
    }
    taken += *size;
    std::string body;
    while (!parser.body_done()) {
      const auto step = parser.parse_body(available());
      if (!step) return transcript + fmt::format("error {}", step.error().status);
      taken += step->taken;
      body.append(step->data);
      if (step->taken == 0 && !parser.body_done() && !show_more()) return transcript + "waiting";
    }
    std::string trailers;
    for (const auto field : parser.trailers()) trailers += fmt::format("{}={};", field.name, field.value);
    fmt::format_to(std::back_inserter(transcript), "{} {} [{}] {{{}}}\n", head.method, head.target, body, trailers);
  }
}

}  // namespace lambent::edge
