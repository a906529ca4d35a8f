// Any request whatever: never a crash, never accepted. The input is lines: method, path, query, then "name: value"
// headers, an empty line, the body.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/time_format.h"
#include "identity/verifier.h"

namespace {

using namespace lambent;
using namespace lambent::identity;

std::string_view take_line(std::string_view& text) {
  const auto newline = text.find('\n');
  const std::string_view line = text.substr(0, newline);
  text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  RequestView request;
  request.method = take_line(text);
  request.path = take_line(text);
  request.query = take_line(text);
  std::vector<HeaderView> headers;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  request.headers = headers;
  request.body = text;

  FakeRandom random;
  FakeClock clock;
  clock.jump_wall(*parse_amz_date("20150830T123600Z") - clock.wall());
  // No fuzzer finds a signature by this secret.
  const CredentialStore store("000000000000", {"AKIDEXAMPLE", "a secret that no seed was signed with"}, random);
  Verifier verifier(store, clock);
  for (const char* service : {"service", "s3"}) {
    if (verifier.verify(request, {service, ErrorStyle::rest_json})) std::abort();
  }
  (void)scope_service(request);
  (void)is_signed(request);
  return 0;
}
