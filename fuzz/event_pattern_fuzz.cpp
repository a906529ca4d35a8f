// A pattern and an event, parted by a zero byte: whatever they are, a parsed pattern can be asked.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "event_pattern/pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto parting = input.find('\0');
  const auto pattern = lambent::event_pattern::Pattern::parse(input.substr(0, parting));
  if (!pattern || parting == std::string_view::npos) return 0;
  const auto event = input.substr(parting + 1);
  if (pattern->matches(event) != pattern->matches(event)) __builtin_trap();
  return 0;
}
