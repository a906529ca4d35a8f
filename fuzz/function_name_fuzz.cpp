// Function names from any bytes: no crash, and what is taken can be named again by the ARN that it stands for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "catalog/function_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambent::catalog;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_function_name(text);
  if (!parsed) return 0;
  const Home home{parsed->region.empty() ? "us-east-1" : parsed->region,
                  parsed->account.empty() ? "000000000000" : parsed->account};
  const auto again = resolve_function_name(home, home.function_arn(parsed->name, parsed->qualifier));
  if (!again || again->name != parsed->name || again->qualifier != parsed->qualifier) std::abort();
  return 0;
}
