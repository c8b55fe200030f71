// Points in time and spans, in milliseconds of UTC. No time zone exists in this program.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace changevault {

struct Duration {
  std::int64_t ms = 0;
  auto operator<=>(const Duration&) const = default;
};
constexpr Duration operator+(Duration a, Duration b) {
  return {a.ms + b.ms};
}
constexpr Duration milliseconds(std::int64_t n) {
  return {n};
}
constexpr Duration seconds(std::int64_t n) {
  return {n * 1000};
}
constexpr Duration minutes(std::int64_t n) {
  return {n * 60'000};
}
constexpr Duration hours(std::int64_t n) {
  return {n * 3'600'000};
}

// Milliseconds since 1970-01-01T00:00:00Z.
struct Timestamp {
  std::int64_t ms = 0;
  auto operator<=>(const Timestamp&) const = default;
};
constexpr Timestamp operator+(Timestamp t, Duration d) {
  return {t.ms + d.ms};
}
constexpr Timestamp operator-(Timestamp t, Duration d) {
  return {t.ms - d.ms};
}
constexpr Duration operator-(Timestamp a, Timestamp b) {
  return {a.ms - b.ms};
}

// "2025-01-15T14:03:07.042Z", always 24 characters for years 0000 to 9999 (times outside are clamped to that
// range).
std::string to_rfc3339(Timestamp time);
void append_rfc3339(std::string& out, Timestamp time);

// "2025-01-15T14:00:00Z": without milliseconds (they are cut off), as hours are printed.
std::string to_rfc3339_seconds(Timestamp time);

// Reads RFC 3339: date, 'T' or ' ' , time, optional fraction (digits past the third are cut), 'Z' or ±hh:mm.
// nullopt for anything else, impossible dates and times whose zone leads out of the years 0000 to 9999
// included.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

// A calendar date of the proleptic Gregorian calendar; nullopt where there is no such day.
std::optional<Timestamp> from_date(int year, int month, int day);

struct CivilTime {
  int year, month, day, hour, minute, second, millisecond;
};
CivilTime to_civil(Timestamp time);

// "90ms", "60s", "5min", "1h", "2d" as configuration writes them; nullopt for anything else.
std::optional<Duration> parse_duration(std::string_view text);
// The shortest of those forms that is exact.
std::string to_string(Duration duration);

}  // namespace changevault
