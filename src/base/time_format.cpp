#include "base/time_format.h"

#include <fmt/format.h>

#include <array>

namespace lambent {
namespace {

struct Broken {
  int year;
  unsigned month, day;
  int hour, minute, second, millisecond;
  unsigned weekday;
};

Broken break_down(Wall time) {
  using namespace std::chrono;
  const auto day_point = floor<days>(time);
  const year_month_day date(day_point);
  const hh_mm_ss clock(floor<milliseconds>(time - day_point));
  return {int(date.year()),
          unsigned(date.month()),
          unsigned(date.day()),
          int(clock.hours().count()),
          int(clock.minutes().count()),
          int(clock.seconds().count()),
          int(clock.subseconds().count()),
          weekday(day_point).c_encoding()};
}

}  // namespace

std::string format_lambda_time(Wall time) {
  const Broken t = break_down(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+0000", t.year, t.month, t.day, t.hour, t.minute,
                     t.second, t.millisecond);
}

std::string format_iso_millis(Wall time) {
  const Broken t = break_down(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", t.year, t.month, t.day, t.hour, t.minute, t.second,
                     t.millisecond);
}

std::string format_amz_date(Wall time) {
  const Broken t = break_down(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

std::string format_http_date(Wall time) {
  constexpr std::array<const char*, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Broken t = break_down(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays[t.weekday], t.day, months[t.month - 1],
                     t.year, t.hour, t.minute, t.second);
}

std::string format_log_stream_date(Wall time) {
  const Broken t = break_down(time);
  return fmt::format("{:04}/{:02}/{:02}", t.year, t.month, t.day);
}

std::string format_month(Wall time) {
  const Broken t = break_down(time);
  return fmt::format("{:04}-{:02}", t.year, t.month);
}

std::optional<Wall> parse_amz_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t count) -> int {
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const int y = number(0, 4), mo = number(4, 2), d = number(6, 2);
  const int h = number(9, 2), mi = number(11, 2), s = number(13, 2);
  if (y < 0 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59) return std::nullopt;
  const year_month_day date(year{y}, month{unsigned(mo)}, day{unsigned(d)});
  // Wall counts nanoseconds and ends in the year 2262.
  if (!date.ok() || y < 1970 || y > 2261) return std::nullopt;
  return Wall(sys_days(date)) + hours(h) + minutes(mi) + seconds(s);
}

}  // namespace lambent
