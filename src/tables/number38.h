// A decimal number as DynamoDB defines it: up to 38 significant digits, magnitude 1E-130 to 9.99…E+125, and zero.
// Exact: an operation whose result needs more digits or a larger exponent fails, nothing is ever rounded.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace lambent::tables {

class Number38 {
 public:
  static constexpr int kDigits = 38;
  static constexpr int kMinExponent = -130;  // of the first digit
  static constexpr int kMaxExponent = 125;

  enum class Fault { not_a_number, too_many_digits, overflow, underflow };
  // DynamoDB's text for the fault; `text` is what was parsed.
  static std::string fault_message(Fault fault, std::string_view text = {});

  Number38() = default;  // zero
  explicit Number38(std::int64_t value);

  // [+-]digits[.digits][(e|E)[+-]digits], a digit on one side of the point at least; no white space, no NaN or
  // infinity.
  static std::expected<Number38, Fault> parse(std::string_view text);

  // Plain digits, no exponent, no superfluous zeros: "-0.0012", "1200".
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] std::expected<Number38, Fault> plus(const Number38& other) const;
  [[nodiscard]] std::expected<Number38, Fault> minus(const Number38& other) const;
  [[nodiscard]] Number38 negated() const;

  [[nodiscard]] bool is_zero() const { return coefficient_ == 0; }
  [[nodiscard]] int significant_digits() const;
  // The value, where it is an integer that fits.
  [[nodiscard]] std::optional<std::int64_t> as_int64() const;

  std::strong_ordering operator<=>(const Number38& other) const;
  bool operator==(const Number38& other) const = default;

  // Bytes that sort as the numbers do, and end by themselves (no encoding is the start of another).
  void append_ordered(std::string& out) const;
  // Reads what append_ordered wrote and moves `in` past it; nothing for anything else.
  static std::optional<Number38> read_ordered(std::string_view& in);

  // Sign, coefficient and exponent in 2 to 19 bytes.
  void append_compact(std::string& out) const;
  static std::optional<Number38> read_compact(std::string_view& in);

 private:
  using Coefficient = unsigned __int128;
  // Removes trailing zeros and checks the limits.
  static std::expected<Number38, Fault> make(bool negative, Coefficient coefficient, int exponent);
  // The exponent of the first digit.
  [[nodiscard]] int magnitude() const { return exponent_ + significant_digits() - 1; }

  // The value is ± coefficient · 10^exponent; coefficient < 10^38 and no multiple of ten; zero is all zeros.
  Coefficient coefficient_ = 0;
  std::int16_t exponent_ = 0;
  bool negative_ = false;
};

}  // namespace lambent::tables
