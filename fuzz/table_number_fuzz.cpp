// Numbers: what is taken prints as a number that is the same, in both encodings too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tables/number38.h"

using lambent::tables::Number38;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view bytes = text;
  if (const auto decoded = Number38::read_ordered(bytes)) require(Number38::parse(decoded->to_string()) == *decoded);
  bytes = text;
  if (const auto decoded = Number38::read_compact(bytes)) require(Number38::parse(decoded->to_string()) == *decoded);

  const auto number = Number38::parse(text);
  if (!number) return 0;
  require(Number38::parse(number->to_string()) == *number);
  std::string ordered, compact;
  number->append_ordered(ordered);
  number->append_compact(compact);
  std::string_view in = ordered;
  require(Number38::read_ordered(in) == *number && in.empty());
  in = compact;
  require(Number38::read_compact(in) == *number && in.empty());
  if (const auto sum = number->plus(*number)) require(sum->minus(*number) == *number);
  return 0;
}
