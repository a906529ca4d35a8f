// Requests and their bodies from any bytes: no crash, and one result however the bytes fall into pieces (two parties
// that split them differently would otherwise see different requests).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "edge/parser_transcript.h"

namespace {

// Which limit or rule is broken first may depend on the pieces; that one is, and where, may not.
std::string without_status(std::string transcript) {
  const auto error = transcript.rfind("error ");
  if (error != std::string::npos && error + 9 == transcript.size()) transcript.erase(error + 5);
  return transcript;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const lambent::edge::HttpLimits limits{.head_bytes = 600, .header_count = 8, .target_bytes = 200};
  const std::size_t first = data[0];
  const std::size_t piece = 1 + data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto whole = transcribe_requests(bytes, bytes.size(), 0, limits);
  const auto pieces = transcribe_requests(bytes, first, piece, limits);
  if (without_status(whole) != without_status(pieces)) std::abort();
  return 0;
}
