// An hour of UTC: the unit in which completeness is proven.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace changevault {

// Hours since 1970-01-01T00Z.
struct Hour {
  std::int64_t index = 0;
  auto operator<=>(const Hour&) const = default;
  constexpr Timestamp start() const { return {index * 3'600'000}; }
  constexpr Timestamp end() const { return {(index + 1) * 3'600'000}; }
  constexpr Hour next() const { return {index + 1}; }
};

constexpr Hour hour_of(Timestamp time) {
  const std::int64_t ms = time.ms;
  return {ms >= 0 ? ms / 3'600'000 : -((-ms + 3'599'999) / 3'600'000)};
}

// "2025-01-15T14:00:00Z", as JSON and seals write an hour.
std::string to_string(Hour hour);
// "2025/01/15" and "14", as object names write it.
std::string date_path(Hour hour);
std::string hour_digits(Hour hour);

// Reads what to_string writes; nullopt where minutes or seconds are not zero.
std::optional<Hour> parse_hour(std::string_view text);

// Half open: from <= t < to.
struct TimeRange {
  Timestamp from{INT64_MIN};
  Timestamp to{INT64_MAX};
  bool operator==(const TimeRange&) const = default;
  constexpr bool contains(Timestamp t) const { return from <= t && t < to; }
  constexpr bool overlaps(Timestamp first, Timestamp last) const { return first < to && from <= last; }
  constexpr bool touches(Hour hour) const { return hour.start() < to && from < hour.end(); }
  constexpr bool covers(Hour hour) const { return from <= hour.start() && hour.end() <= to; }
  constexpr bool bounded() const { return from.ms != INT64_MIN && to.ms != INT64_MAX; }
};

}  // namespace changevault
