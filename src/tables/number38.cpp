#include "tables/number38.h"

#include <algorithm>
#include <array>

namespace lambent::tables {
namespace {

using U128 = unsigned __int128;
__extension__ typedef unsigned _BitInt(256) U256;

constexpr auto kPowers = [] {
  std::array<U128, Number38::kDigits + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

int digits_of(U128 value) {
  return static_cast<int>(std::ranges::upper_bound(kPowers, value) - kPowers.begin());
}

U256 scaled(U128 value, int power) {
  U256 result = value;
  for (; power > 0; --power) result *= 10;
  return result;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Digits are kept until there are more than any number may have.
struct Digits {
  U128 value = 0;
  int significant = 0;  // digits after leading zeros, those at the end included
  int pending_zeros = 0;
  bool too_many = false;

  void add(char c) {
    if (c == '0') {
      if (value != 0 || too_many) ++pending_zeros;
      return;
    }
    const int needed = significant + pending_zeros + 1;
    if (needed > Number38::kDigits) {
      too_many = true;
      significant = needed;
      pending_zeros = 0;
      return;
    }
    value = value * kPowers[static_cast<std::size_t>(pending_zeros + 1)] + static_cast<unsigned>(c - '0');
    significant = needed;
    pending_zeros = 0;
  }
};

}  // namespace

std::string Number38::fault_message(Fault fault, std::string_view text) {
  switch (fault) {
    case Fault::not_a_number:
      return text.empty() ? "The parameter cannot be converted to a numeric value"
                          : "The parameter cannot be converted to a numeric value: " + std::string(text);
    case Fault::too_many_digits:
      return "Attempting to store more than 38 significant digits in a Number";
    case Fault::overflow:
      return "Number overflow. Attempting to store a number with magnitude larger than supported range";
    case Fault::underflow:
      return "Number underflow. Attempting to store a number with magnitude smaller than supported range";
  }
  return {};
}

Number38::Number38(std::int64_t value) : negative_(value < 0) {
  coefficient_ = negative_ ? U128{0} - static_cast<U128>(static_cast<__int128>(value)) : static_cast<U128>(value);
  while (coefficient_ != 0 && coefficient_ % 10 == 0) {
    coefficient_ /= 10;
    ++exponent_;
  }
}

std::expected<Number38, Number38::Fault> Number38::make(bool negative, Coefficient coefficient, int exponent) {
  if (coefficient == 0) return Number38();
  while (coefficient % 10 == 0) {
    coefficient /= 10;
    ++exponent;
  }
  const int digits = digits_of(coefficient);
  if (digits > kDigits) return std::unexpected(Fault::too_many_digits);
  const int first = exponent + digits - 1;
  if (first > kMaxExponent) return std::unexpected(Fault::overflow);
  if (first < kMinExponent) return std::unexpected(Fault::underflow);
  Number38 number;
  number.negative_ = negative;
  number.coefficient_ = coefficient;
  number.exponent_ = static_cast<std::int16_t>(exponent);
  return number;
}

std::expected<Number38, Number38::Fault> Number38::parse(std::string_view text) {
  const std::unexpected<Fault> bad(Fault::not_a_number);
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) ++at;

  Digits digits;
  std::int64_t fraction = 0;
  std::size_t seen = 0;
  for (; at < text.size() && is_digit(text[at]); ++at, ++seen) digits.add(text[at]);
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at, ++seen, ++fraction) digits.add(text[at]);
  }
  if (seen == 0) return bad;

  std::int64_t exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool down = at < text.size() && text[at] == '-';
    if (down || (at < text.size() && text[at] == '+')) ++at;
    if (at == text.size()) return bad;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      exponent = std::min<std::int64_t>(exponent * 10 + (text[at] - '0'), 1'000'000'000);
    }
    if (down) exponent = -exponent;
  }
  if (at != text.size()) return bad;
  if (digits.too_many) return std::unexpected(Fault::too_many_digits);
  if (digits.value == 0) return Number38();
  // Far outside of the range the exact value no longer matters.
  const std::int64_t scale = std::clamp<std::int64_t>(exponent - fraction + digits.pending_zeros, -100'000, 100'000);
  return make(negative, digits.value, static_cast<int>(scale));
}

int Number38::significant_digits() const {
  return digits_of(coefficient_);
}

std::string Number38::to_string() const {
  if (is_zero()) return "0";
  std::array<char, kDigits> buffer{};
  std::size_t length = 0;
  for (U128 rest = coefficient_; rest != 0; rest /= 10) {
    buffer[length++] = static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  std::string digits(buffer.rend() - static_cast<std::ptrdiff_t>(length), buffer.rend());

  std::string out = negative_ ? "-" : "";
  const int point = static_cast<int>(length) + exponent_;  // digits before the decimal point
  if (exponent_ >= 0) return out + digits + std::string(static_cast<std::size_t>(exponent_), '0');
  if (point > 0) return out + digits.insert(static_cast<std::size_t>(point), ".");
  return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
}

Number38 Number38::negated() const {
  Number38 result = *this;
  if (!is_zero()) result.negative_ = !negative_;
  return result;
}

std::expected<Number38, Number38::Fault> Number38::minus(const Number38& other) const {
  return plus(other.negated());
}

std::expected<Number38, Number38::Fault> Number38::plus(const Number38& other) const {
  if (is_zero()) return other;
  if (other.is_zero()) return *this;
  const Number38& high = exponent_ >= other.exponent_ ? *this : other;
  const Number38& low = exponent_ >= other.exponent_ ? other : *this;
  const int shift = high.exponent_ - low.exponent_;
  // The sum's last digit is low's last one, its first at most one place below high's: past this shift it cannot fit.
  if (high.significant_digits() + shift - 1 > kDigits) return std::unexpected(Fault::too_many_digits);

  const U256 a = scaled(high.coefficient_, shift);
  const U256 b = low.coefficient_;
  bool negative = high.negative_;
  U256 sum = 0;
  if (high.negative_ == low.negative_) {
    sum = a + b;
  } else if (a >= b) {
    sum = a - b;
  } else {
    sum = b - a;
    negative = low.negative_;
  }
  int exponent = low.exponent_;
  while (sum != 0 && sum % 10 == 0) {
    sum /= 10;
    ++exponent;
  }
  if (sum >= U256(kPowers[kDigits])) return std::unexpected(Fault::too_many_digits);
  return make(negative, static_cast<U128>(sum), exponent);
}

std::strong_ordering Number38::operator<=>(const Number38& other) const {
  const auto sign = [](const Number38& n) { return n.is_zero() ? 0 : n.negative_ ? -1 : 1; };
  if (const auto order = sign(*this) <=> sign(other); order != 0) return order;
  if (is_zero()) return std::strong_ordering::equal;
  const Number38& left = negative_ ? other : *this;
  const Number38& right = negative_ ? *this : other;
  if (const auto order = left.magnitude() <=> right.magnitude(); order != 0) return order;
  const auto full = [](const Number38& n) {
    return n.coefficient_ * kPowers[static_cast<std::size_t>(kDigits - n.significant_digits())];
  };
  return full(left) <=> full(right);
}

std::optional<std::int64_t> Number38::as_int64() const {
  if (is_zero()) return 0;
  if (exponent_ < 0 || magnitude() > 18) return std::nullopt;
  const U128 value = coefficient_ * kPowers[static_cast<std::size_t>(exponent_)];
  if (value > static_cast<U128>(INT64_MAX)) return std::nullopt;
  const auto signed_value = static_cast<std::int64_t>(value);
  return negative_ ? -signed_value : signed_value;
}

// One byte of sign; for all but zero a byte of magnitude, the digits two a byte from the first on (1 to 100, so that
// the end, 0, is below every digit). A negative number has everything after its sign complemented.
void Number38::append_ordered(std::string& out) const {
  out.push_back(static_cast<char>(is_zero() ? 2 : negative_ ? 1 : 3));
  if (is_zero()) return;
  const auto add = [&](int byte) { out.push_back(static_cast<char>(negative_ ? ~byte : byte)); };
  add(magnitude() - kMinExponent);
  U128 rest = coefficient_ * kPowers[static_cast<std::size_t>(kDigits - significant_digits())];
  for (int place = kDigits - 2; rest != 0; place -= 2) {
    const U128 unit = kPowers[static_cast<std::size_t>(place)];
    add(static_cast<int>(rest / unit) + 1);
    rest %= unit;
  }
  add(0);
}

std::optional<Number38> Number38::read_ordered(std::string_view& in) {
  if (in.empty()) return std::nullopt;
  const int sign = in[0];
  in.remove_prefix(1);
  if (sign == 2) return Number38();
  if (sign != 1 && sign != 3) return std::nullopt;
  const bool negative = sign == 1;
  const auto take = [&]() -> int {
    if (in.empty()) return -1;
    const auto byte = static_cast<unsigned char>(in[0]);
    in.remove_prefix(1);
    return negative ? 255 - byte : byte;
  };
  const int magnitude = take();
  if (magnitude < 0) return std::nullopt;
  U128 value = 0;
  int pairs = 0;
  for (;;) {
    const int pair = take();
    if (pair == 0) break;
    if (pair < 0 || pair > 100 || ++pairs > kDigits / 2) return std::nullopt;
    value = value * 100 + static_cast<unsigned>(pair - 1);
  }
  const auto number = make(negative, value, magnitude + kMinExponent - 2 * pairs + 1);
  if (!number || number->is_zero()) return std::nullopt;
  return *number;
}

void Number38::append_compact(std::string& out) const {
  int bytes = 0;
  for (U128 rest = coefficient_; rest != 0; rest >>= 8) ++bytes;
  out.push_back(static_cast<char>((negative_ ? 0x80 : 0) | bytes));
  if (bytes == 0) return;
  out.push_back(static_cast<char>(static_cast<std::uint16_t>(exponent_) >> 8U));
  out.push_back(static_cast<char>(static_cast<std::uint16_t>(exponent_) & 0xffU));
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(coefficient_ >> (8 * i)));
}

std::optional<Number38> Number38::read_compact(std::string_view& in) {
  if (in.empty()) return std::nullopt;
  const auto head = static_cast<unsigned char>(in[0]);
  in.remove_prefix(1);
  const std::size_t bytes = head & 0x7fU;
  if (bytes == 0) return Number38();
  if (bytes > 16 || in.size() < 2 + bytes) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
  const auto exponent = static_cast<std::int16_t>((byte(0) << 8U) | byte(1));
  U128 value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8U | byte(2 + i);
  in.remove_prefix(2 + bytes);
  const auto number = make((head & 0x80U) != 0, value, exponent);
  if (!number) return std::nullopt;
  return *number;
}

}  // namespace lambent::tables
