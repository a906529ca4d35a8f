#include "protocol/time_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace lambent::protocol {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr double kLastSecond = 253402300799.0;  // 9999-12-31T23:59:59Z

// Takes exactly `count` digits from the front.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return {};
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool accept(std::string_view& text, std::string_view token) {
  if (!text.starts_with(token)) return false;
  text.remove_prefix(token.size());
  return true;
}

struct Fields {
  std::optional<int> year, month, day, hour, minute, second;
};

std::optional<Timestamp> compose(const Fields& f) {
  if (!f.year || !f.month || !f.day || !f.hour || !f.minute || !f.second) return {};
  const std::chrono::year_month_day date(std::chrono::year(*f.year),
                                         std::chrono::month(static_cast<unsigned>(*f.month)),
                                         std::chrono::day(static_cast<unsigned>(*f.day)));
  if (!date.ok() || *f.hour > 23 || *f.minute > 59 || *f.second > 60) return {};
  return std::chrono::sys_days(date) + std::chrono::hours(*f.hour) + minutes(*f.minute) + seconds(*f.second);
}

milliseconds fraction(std::string_view& text) {
  int value = 0;
  int scale = 100;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    value += (text[0] - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return milliseconds(value);
}

// "Z", "+0100" or "+01:00"; what must be subtracted from the local time.
std::optional<minutes> offset(std::string_view text) {
  if (text == "Z" || text == "z") return minutes(0);
  const bool negative = text.starts_with('-');
  if (!accept(text, "+") && !accept(text, "-")) return {};
  const auto hour = digits(text, 2);
  accept(text, ":");
  const auto minute = digits(text, 2);
  if (!hour || !minute || *hour > 23 || *minute > 59 || !text.empty()) return {};
  const auto size = minutes(*hour * 60 + *minute);
  return negative ? -size : size;
}

}  // namespace

std::string format_iso8601(Timestamp time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() != 0) text += fmt::format(".{:03}", clock.subseconds().count());
  return text + "Z";
}

std::optional<Timestamp> parse_iso8601(std::string_view text) {
  Fields f;
  f.year = digits(text, 4);
  if (!accept(text, "-")) return {};
  f.month = digits(text, 2);
  if (!accept(text, "-")) return {};
  f.day = digits(text, 2);
  if (!accept(text, "T")) return {};
  f.hour = digits(text, 2);
  if (!accept(text, ":")) return {};
  f.minute = digits(text, 2);
  if (!accept(text, ":")) return {};
  f.second = digits(text, 2);
  const auto time = compose(f);
  const auto part = accept(text, ".") ? fraction(text) : milliseconds(0);
  const auto shift = offset(text);
  if (!time || !shift) return {};
  return *time + part - *shift;
}

std::string format_http_date(Timestamp time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  Fields f;
  if (text.size() < 5 || text.substr(3, 2) != ", ") return {};
  text.remove_prefix(5);
  f.day = digits(text, 2);
  accept(text, " ");
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (accept(text, kMonths[i])) f.month = static_cast<int>(i) + 1;
  }
  accept(text, " ");
  f.year = digits(text, 4);
  accept(text, " ");
  f.hour = digits(text, 2);
  accept(text, ":");
  f.minute = digits(text, 2);
  accept(text, ":");
  f.second = digits(text, 2);
  return text == " GMT" ? compose(f) : std::nullopt;
}

std::string format_epoch(Timestamp time) {
  const auto ms = time.time_since_epoch().count();
  if (ms % 1000 == 0) return fmt::format("{}.0", ms / 1000);
  return fmt::format("{}{}.{:03}", ms < 0 ? "-" : "", std::abs(ms) / 1000, std::abs(ms) % 1000);
}

std::optional<Timestamp> epoch_time(double seconds_) {
  if (!(std::abs(seconds_) <= kLastSecond)) return {};
  return Timestamp(milliseconds(std::llround(seconds_ * 1000)));
}

std::string format_time(Timestamp time, TimeFormat format) {
  switch (format) {
    case TimeFormat::iso8601:
      return format_iso8601(time);
    case TimeFormat::http_date:
      return format_http_date(time);
    default:
      return format_epoch(time);
  }
}

std::optional<Timestamp> parse_time(std::string_view text, TimeFormat format) {
  switch (format) {
    case TimeFormat::iso8601:
      return parse_iso8601(text);
    case TimeFormat::http_date:
      return parse_http_date(text);
    default: {
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) return {};
      return epoch_time(value);
    }
  }
}

}  // namespace lambent::protocol
