#include "base/time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace changevault {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr Timestamp kMinPrintable{-62'167'219'200'000};  // 0000-01-01T00:00:00.000Z
constexpr Timestamp kMaxPrintable{253'402'300'799'999};  // 9999-12-31T23:59:59.999Z

void put_digits(char* out, int value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

// Reads exactly `width` digits at `text`, or -1.
int read_digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<std::int64_t> parse_zone_ms(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const int zone_hours = read_digits(zone, 1, 2);
  const int zone_minutes = read_digits(zone, 4, 2);
  if (zone_hours < 0 || zone_hours > 23 || zone_minutes < 0 || zone_minutes > 59) return std::nullopt;
  const std::int64_t offset = zone_hours * 3'600'000LL + zone_minutes * 60'000LL;
  return zone[0] == '+' ? offset : -offset;
}

}  // namespace

CivilTime to_civil(Timestamp time) {
  using namespace std::chrono;
  std::int64_t day = time.ms / kDayMs;
  std::int64_t rest = time.ms % kDayMs;
  if (rest < 0) {
    rest += kDayMs;
    --day;
  }
  const year_month_day date{sys_days{days{day}}};
  const int ms = static_cast<int>(rest);
  return {int{date.year()},
          static_cast<int>(unsigned{date.month()}),
          static_cast<int>(unsigned{date.day()}),
          ms / 3'600'000,
          ms / 60'000 % 60,
          ms / 1000 % 60,
          ms % 1000};
}

void append_rfc3339(std::string& out, Timestamp time) {
  const CivilTime c = to_civil(std::clamp(time, kMinPrintable, kMaxPrintable));
  std::array<char, 24> text{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0',
                            '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  put_digits(&text[0], c.year, 4);
  put_digits(&text[5], c.month, 2);
  put_digits(&text[8], c.day, 2);
  put_digits(&text[11], c.hour, 2);
  put_digits(&text[14], c.minute, 2);
  put_digits(&text[17], c.second, 2);
  put_digits(&text[20], c.millisecond, 3);
  out.append(text.data(), text.size());
}

std::string to_rfc3339(Timestamp time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

std::string to_rfc3339_seconds(Timestamp time) {
  return to_rfc3339(time).substr(0, 19) + "Z";
}

std::optional<Timestamp> from_date(int year, int month, int day) {
  using namespace std::chrono;
  if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return Timestamp{sys_days{date}.time_since_epoch().count() * kDayMs};
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  const auto date = from_date(read_digits(text, 0, 4), read_digits(text, 5, 2), read_digits(text, 8, 2));
  const int hour = read_digits(text, 11, 2);
  const int minute = read_digits(text, 14, 2);
  const int second = read_digits(text, 17, 2);
  if (!date || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  std::size_t at = 19;
  int fraction = 0;
  if (text[at] == '.') {
    const std::size_t begin = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == begin) return std::nullopt;
    for (std::size_t i = 0; i < 3; ++i)
      fraction = fraction * 10 + (begin + i < at ? text[begin + i] - '0' : 0);
  }
  const auto zone = parse_zone_ms(text.substr(at));
  if (!zone) return std::nullopt;
  const Timestamp time{date->ms + hour * 3'600'000LL + minute * 60'000LL + second * 1000LL + fraction -
                       *zone};
  if (time < kMinPrintable || time > kMaxPrintable) return std::nullopt;
  return time;
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<Unit, 6> kUnits{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", kDayMs}}};
  for (const Unit& u : kUnits) {
    if (u.name == unit && number <= INT64_MAX / u.ms) return Duration{number * u.ms};
  }
  return std::nullopt;
}

std::string to_string(Duration duration) {
  struct Unit {
    const char* name;
    std::int64_t ms;
  };
  constexpr std::array<Unit, 4> kUnits{{{"d", kDayMs}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}}};
  for (const Unit& u : kUnits) {
    if (duration.ms != 0 && duration.ms % u.ms == 0) return std::to_string(duration.ms / u.ms) + u.name;
  }
  return std::to_string(duration.ms) + "ms";
}

}  // namespace changevault
