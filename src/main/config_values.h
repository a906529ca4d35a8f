// How settings are written: "6MiB", "30s", "5m". Each parser's error says what the value must be.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace lambent {

template <class T>
using Parsed = std::expected<T, std::string>;

// Decimal digits only, within [least, most].
Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

// Bytes: a number, alone or with B, KiB, MiB or GiB; at most 1 TiB.
Parsed<std::uint64_t> parse_size(std::string_view text);
std::string show_size(std::uint64_t bytes);

// A number with ms, s, m or h; alone it means seconds; at most a year.
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string show_duration(std::chrono::milliseconds duration);

}  // namespace lambent
