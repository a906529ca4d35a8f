#include "main/config_values.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace lambent {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 4> kSizes = {{{"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}, {"B", 1}}};
constexpr std::array<Unit, 4> kTimes = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::uint64_t kLargestSize = 1ULL << 40U;
constexpr std::uint64_t kLongestTime = 365ULL * 24 * 3'600'000;

// "12 MiB" as number times factor; nothing where it is no such thing or more than `most`.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, 4>& units,
                                             std::uint64_t alone, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  std::uint64_t factor = text.empty() ? alone : 0;
  for (const Unit& unit : units) {
    if (text == unit.name) factor = unit.factor;
  }
  if (factor == 0 || number > most / factor) return std::nullopt;
  return number * factor;
}

std::string show_with_unit(std::uint64_t value, const std::array<Unit, 4>& units) {
  for (const Unit& unit : units) {
    if (value % unit.factor == 0 && value >= unit.factor) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return "0" + std::string(units[2].name);
}

}  // namespace

Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || stop != text.data() + text.size() || number < least || number > most) {
    return std::unexpected(fmt::format("must be a number from {} to {}", least, most));
  }
  return number;
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  if (const auto bytes = parse_with_unit(text, kSizes, 1, kLargestSize)) return *bytes;
  return std::unexpected("must be a size such as 65536, 512KiB, 6MiB or 1GiB");
}

std::string show_size(std::uint64_t bytes) {
  return bytes == 0 ? "0B" : show_with_unit(bytes, kSizes);
}

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (const auto time = parse_with_unit(text, kTimes, 1000, kLongestTime)) return std::chrono::milliseconds(*time);
  return std::unexpected("must be a duration such as 500ms, 30s, 5m or 1h");
}

std::string show_duration(std::chrono::milliseconds duration) {
  return show_with_unit(static_cast<std::uint64_t>(duration.count()), kTimes);
}

}  // namespace lambent
