// What functions answer to a call by URL, in both framings, from any bytes: no crash, and never an informational
// status, which would leave the client waiting for the next one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "triggers/url_response.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::triggers;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto& response : {decode_url_answer(text), decode_http_integration(text)}) {
    if (response && (response->status < 200 || response->status > 599)) std::abort();
  }
  return 0;
}
